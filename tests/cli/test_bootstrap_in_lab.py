"""From nothing to three controllers that carry themselves, in a lab, by the commands that a person types."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest

from executors.control.access import Access, reach
from executors.control.standing import Standing, standing
from executors.ssh import Ssh
from gitops.registry import Registry
from gitops.store import Store
from lab.lab import lab_folders
from lab.surroundings import Surroundings, Wishes
from tests.loop_thread import LoopThread

pytest.importorskip("gitops.presence", reason="controllers do not tell yet that they run")
pytestmark = [pytest.mark.hosts, pytest.mark.timeout(400)]

NODES = ("controller001", "controller002", "controller003")
# Three controllers and a worker: what the controllers do once they carry the cluster is told elsewhere.
EDITS = {
    "    role: controller\n    count: 1": "    role: controller\n    count: 3",
    "    role: worker\n    count: 2": "    role: worker\n    count: 1",
    "count: 2\n": "count: 1\n",
}
WITHIN_SECONDS = 60.0


class Laptop:
    """Somebody's shell in a lab."""

    def __init__(self, around: Surroundings) -> None:
        self.around = around
        cache = {"FLSTR_CACHE": str(lab_folders().root / "cache"), "FLSTR_EMAIL": "operator@flstr.lab"}
        self.environment = {**os.environ, **around.environment(), **cache}
        self.access = Access(around.state / "control")

    def start(self, *words: str, source: Path | None = None) -> "subprocess.Popen[str]":
        """`flstr <words>`, of this checkout or of another one."""
        return subprocess.Popen(
            [sys.executable, "-m", "cli", *words],
            env=self.environment,
            cwd=source,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def flstr(self, *words: str) -> str:
        """What it prints, once it has ended well."""
        process = self.start(*words)
        printed, _ = process.communicate(timeout=240)
        assert process.returncode == 0, printed
        return printed

    def ssh(self) -> Ssh:
        """As the commands reach the controllers."""
        hosts = {known.node: known.host() for known in self.access.controllers()}
        return Ssh(hosts.get, self.around.state / "ssh" / "id_ed25519")

    def on(self, node: str, command: str) -> str:
        """The first line that a command prints there."""
        with closing(self.ssh()) as ssh, closing(ssh.talk(node, command)) as told:
            return told.ask("", 60.0).strip()

    def ask(self, question: Callable[[Store], Standing]) -> Standing:
        """Something of the cluster's etcd."""
        with (
            closing(self.ssh()) as ssh,
            closing(reach(ssh, self.access.controllers(), self.access.tls)) as store,
        ):
            return question(store)

    def installed(self) -> Mapping[str, str]:
        with (
            closing(self.ssh()) as ssh,
            closing(reach(ssh, self.access.controllers(), self.access.tls)) as store,
        ):
            return Registry(store).read().installed


@pytest.fixture(scope="module")
def laptop() -> Iterator[Laptop]:
    loop = LoopThread(within=300)
    around = loop.call(Surroundings.up(f"boot-{os.getpid()}", Wishes(edits=EDITS)))
    yield Laptop(around)
    loop.call(around.down())
    loop.stop()


def test_a_bootstrap_that_is_killed_goes_on_from_where_it_was(laptop: Laptop) -> None:
    process = laptop.start("bootstrap", laptop.around.cluster_repo)
    assert process.stdout is not None
    seen = []
    for line in process.stdout:
        seen.append(line)
        if "✓ join vpn_ctrl" in line:
            break
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert "✓ join vpn_ctrl" in seen[-1], seen

    printed = laptop.flstr("bootstrap", laptop.around.cluster_repo)
    assert "▶ rent" not in printed
    assert f"etcd and flstr run on {', '.join(NODES)}" in printed
    assert f"They speak in #flstr and follow {laptop.around.cluster_repo}." in printed


def test_each_controller_runs_it_from_the_archive_and_one_leads(laptop: Laptop) -> None:
    now = laptop.ask(standing)
    assert tuple(sorted(now.running)) == NODES
    assert now.leads in NODES
    (version,) = {record.version for record in now.running.values()}
    assert re.fullmatch("[0-9a-f]{16}", version)
    assert {held.partition(" ")[0] for held in laptop.installed().values()} == {version}
    assert now.token >> 40 == 1


def test_nobody_but_flstr_reads_its_secrets_there(laptop: Laptop) -> None:
    for node in NODES:
        held = laptop.on(
            node, "cd / && echo $(stat -c %a:%U etc/flstr/flstr.env etc/flstr/client-key.pem var/lib/flstr-controller)"
        )
        assert held == "600:root 600:flstr 700:flstr"
        own = laptop.on(node, "sed -n 's/^FLSTR_NODE=//p' /etc/flstr/flstr.env")
        assert own == f'"{node}"'


def test_it_may_write_backups_to_what_is_mounted_there_and_nowhere_else(laptop: Laptop) -> None:
    node = "controller002"
    assert laptop.on(node, f"{MOUNT} && echo mounted") == "mounted"
    assert laptop.on(node, WRITING) == WRITTEN
    # One that starts where the mount is there already, as it is from then on.
    assert laptop.on(node, "systemctl restart flstr.service && echo restarted") == "restarted"
    assert laptop.on(node, WRITING) == WRITTEN
    await_true(lambda: node in laptop.ask(standing).running)


MOUNT = "mkdir -p /mnt/backups && mount -t tmpfs -o uid=flstr,mode=700 tmpfs /mnt/backups"
# By flstr's user in the sandbox of its unit, once that is there.
WRITING = """
pid=$(systemctl show --property=MainPID --value flstr.service)
until readlink "/proc/$pid/exe" | grep -q python; do sleep 0.1; done
inside="nsenter --mount --target $pid"
$inside setpriv --reuid=flstr --regid=flstr --clear-groups touch /mnt/backups/copy 2>/dev/null
said="kept by $(stat -c %U /mnt/backups/copy 2>/dev/null)"
for folder in /opt /var/backups; do $inside touch $folder/copy 2>/dev/null || said="$said, not in $folder"; done
rm -f /mnt/backups/copy; echo "$said"
"""
WRITTEN = "kept by flstr, not in /opt, not in /var/backups"


def test_the_laptop_asks_them_from_then_on(laptop: Laptop) -> None:
    said = laptop.flstr("status")
    assert "flstr-lab" in said
    assert all(node in said for node in NODES)


def test_said_again_it_starts_what_is_down(laptop: Laptop) -> None:
    assert laptop.on("controller002", "systemctl stop flstr.service && echo stopped") == "stopped"
    printed = laptop.flstr("bootstrap", laptop.around.cluster_repo)
    assert "flstr does not run on controller002; starting it" in printed
    assert f"the cluster carries itself: flstr runs on {', '.join(NODES)}, and " in printed


def test_an_upgrade_brings_each_the_new_version_and_the_leader_last(laptop: Laptop, tmp_path: Path) -> None:
    before = laptop.ask(standing)
    source = changed_checkout(tmp_path, "# another version\n")
    printed = finished(laptop.start("upgrade", source=source), 0)
    order = re.search("upgraded (.*)", printed)
    assert order is not None, printed
    assert order[1].split(", ")[-1] == before.leads
    after = laptop.ask(standing)
    (version,) = {record.version for record in after.running.values()}
    assert version not in {record.version for record in before.running.values()}
    assert {held.partition(" ")[0] for held in laptop.installed().values()} == {version}
    assert "every controller has this version already" in finished(laptop.start("upgrade", source=source), 0)


def test_a_controller_of_which_flstr_has_gone_keeps_no_secrets(laptop: Laptop) -> None:
    follower = next(node for node in NODES if node != laptop.ask(standing).leads)
    retired = subprocess.run(
        [sys.executable, "-c", RETIRE, follower], env=laptop.environment, capture_output=True, text=True, check=False
    )
    assert retired.returncode == 0, retired.stderr
    assert laptop.on(follower, "ls -A /etc/flstr /var/lib/flstr-controller 2>/dev/null | grep -c key; true") == "0"
    await_true(lambda: follower not in laptop.ask(standing).running)
    assert laptop.on(follower, "systemctl is-enabled flstr.service") == "disabled"


# The step as a controller carries it out, with the token that leads now.
RETIRE = """
import sys
from cli.control import build_controllers
from cli.own_keys import IDENTITY_FILE
from cli.settings import read_settings
from cli.tunnel import controllers_ssh, through_a_controller
from executors.control.standing import standing
from gitops.executor import StepContext
from gitops.registry import Registry
from gitops.secrets import read_identities
from model.steps import RetireController

settings = read_settings()
store = through_a_controller(settings)
controllers = build_controllers(settings, controllers_ssh(settings), read_identities(settings.state / IDENTITY_FILE))
context = StepContext("retire", Registry(store), standing(store).fence, print)
for _ in range(2):
    controllers.retire(RetireController(node=sys.argv[1]), context)
"""


def changed_checkout(folder: Path, line: str) -> Path:
    """What is run here, with one line more."""
    root = Path(__file__).parents[2]
    source = folder / "flstr"
    source.mkdir()
    for name in ("bot", "cli", "executors", "gitops", "model", "templates", "controller.lock"):
        subprocess.run(["cp", "-r", str(root / name), str(source / name)], check=True)
    with (source / "cli" / "__main__.py").open("a") as file:
        file.write(line)
    return source


def finished(process: "subprocess.Popen[str]", status: int) -> str:
    printed, _ = process.communicate(timeout=240)
    assert process.returncode == status, printed
    return printed


def await_true(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WITHIN_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.2)
