"""A cluster that carries itself, from outside: what its etcd says, what its machines run, and what the cloud has of it."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import requests
from hcloud import Client

from lab.cloud.settings import CloudSettings
from lab.errors import LabError
from lab.lab import lab_folders
from lab.story.chapters import BUILD_UP_SECONDS
from lab.story.chat import OPERATOR, Card
from lab.story.control_stage import THREE_CONTROLLERS, ControlStage
from lab.surroundings import CLOUD_TOKEN, Wishes
from model import keys
from model.registered import InstanceRecord
from tests.story.asked import await_settled
from tests.story.things import Things, come_since, things_in

T = TypeVar("T")

CLUSTER, ZONE = "flstr-lab", "flstr.lab"
CONTROLLERS = ("controller001", "controller002", "controller003")
WORKERS = ("worker101", "worker102")
INGRESS = "ingress016"
NODES = (*CONTROLLERS, INGRESS, *WORKERS)
WISHES = Wishes(
    cloud=CloudSettings(create_seconds=1.0),
    edits={
        **THREE_CONTROLLERS,
        "channel: flstr\n": "channel: flstr\nnot_ready_after: 12s\ndead_after: 25s\n",
        # Names of hosts are not made: a test does not wait until nobody remembers them.
        "people:\n": f"dns: {{nodes: {ZONE}, hosts: false}}\nfloating_ips: {{public: {{}}}}\n\npeople:\n",
        "healthy_deadline: 30s": "healthy_deadline: 30s\n  min_healthy_time: 500ms\n  drain: 3s",
    },
)
WITHIN_SECONDS = 90.0
# Reasons for which HAProxy sends a server nothing new: maintenance, or draining.
OUT = 0x01 | 0x02 | 0x04 | 0x08 | 0x10 | 0x20 | 0x40
SERVERS = """python3 -c '
import socket
haproxy = socket.socket(socket.AF_UNIX)
haproxy.connect("/run/haproxy/admin.sock")
haproxy.sendall(b"show servers state backend-influencer\\n")
haproxy.shutdown(socket.SHUT_WR)
print(haproxy.makefile().read())
'"""
UNITS = "systemctl list-units --plain --no-legend --state=active 'flstr-backend-influencer-*.service' | cut -d' ' -f1"


@contextmanager
def carried(name: str) -> Iterator["Carried"]:
    """Three controllers that carry themselves, two workers with an instance each, and an ingress, all of it done."""
    with ControlStage(name, WISHES) as stage:
        cloud = cloud_of(stage)
        cloud.zones.create(name=ZONE, mode="primary").action.wait_until_finished()
        before, began = things_in(cloud), time.monotonic()
        said = stage.bootstrap()
        cluster = Carried(stage, before, said, time.monotonic() - began)
        stage.chat.await_card(lambda card: card.ending == "done", "the first operation to end", BUILD_UP_SECONDS)
        until(lambda: stage.are_back() or None, "all controllers to be well")
        await_settled(stage)
        yield cluster


@dataclass(frozen=True)
class Carried:
    """Such a cluster, and what is seen of it; `before` was in the cloud when there was nothing of it yet, and the
    bootstrap said that, and took so many seconds."""

    stage: ControlStage
    before: Things
    bootstrap_said: str
    bootstrap_took: float

    def cloud(self) -> Client:
        return cloud_of(self.stage)

    def nodes_under(self, prefix: str) -> set[str]:
        """The machines that have a key there."""
        return {key.removeprefix(prefix) for key in self.stage.etcd(prefix)}

    def instances(self) -> dict[str, str]:
        """Which instances are registered, each with its machine."""
        found = self.stage.etcd(keys.instances("backend", "influencer"))
        return {key.rpartition("/")[2]: InstanceRecord.model_validate_json(it).node for key, it in found.items()}

    def running(self, node: str) -> list[str]:
        """The instances that systemd runs on a machine."""
        return sorted(self.stage.inside(node, UNITS).split())

    def sent_to(self, node: str) -> set[str]:
        """The instances to which a machine's HAProxy sends what is new."""
        columns: list[str] = []
        found = set()
        for words in map(str.split, self.stage.inside(node, SERVERS).splitlines()):
            if words[:1] == ["#"]:
                columns = words[1:]
            elif columns and words:
                row = dict(zip(columns, words, strict=False))
                if not int(row["srv_admin_state"]) & OUT:
                    found.add(row["srv_name"])
        return found

    def left(self) -> dict[str, list[str]]:
        """What is in the cloud, whatever label it bears, that was not there before the cluster, by kind."""
        return come_since(self.before, things_in(self.cloud()))

    def shell(self, *words: str) -> tuple[int, str]:
        """What a person's `flstr <words>` ends with, on the laptop that has bootstrapped, and what it prints."""
        environment = {
            **os.environ,
            **self.stage.around.environment(),
            "FLSTR_CACHE": str(lab_folders().root / "cache"),
            "FLSTR_EMAIL": "operator@flstr.lab",
        }
        done = subprocess.run(
            [sys.executable, "-m", "cli", *words],
            env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=WITHIN_SECONDS, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout

    def asks_for_leave(self, known: set[str]) -> Card:
        """A card that asks for leave, and was not there before."""
        return self.stage.chat.await_card(
            lambda card: card.record not in known and card.waits, "a card that asks for leave", WITHIN_SECONDS
        )

    def plan(self) -> str:
        """What flstr says that it would do."""
        return self.stage.chat.command(OPERATOR, "/flstr plan")


def cloud_of(stage: ControlStage) -> Client:
    """The stage's cloud, as a person's console shows it."""
    return Client(CLOUD_TOKEN, api_endpoint=stage.around.cloud_url)


def until(look: Callable[[], T | None], what: str, seconds: float = WITHIN_SECONDS) -> T:
    """What there is to see once it is there; what does not answer for a while has nothing to show."""
    deadline, why = time.monotonic() + seconds, ""
    while time.monotonic() < deadline:
        try:
            if found := look():
                return found
        except (LabError, requests.Timeout) as error:
            why = f": {error}"
        time.sleep(0.1)
    raise LabError(f"waited {seconds:.0f} s for {what}{why}")
