"""Manifests of services, their changes, and what is to be seen of them on the machines and in the bucket."""

import http.client
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from lab.story.chat import Card
from lab.story.stage import APP_HOST, Stage
from lab.surroundings import Wishes
from model.registered import ServiceRecord
from tests.story.asked import await_new, await_settled, records
from tests.story.views import registered

ONE_WORKER = {"    count: 2\n    first: 101": "    count: 1\n    first: 101", "instances: 2": "instances: 1"}
POOL = "  service:\n    role: service\n    count: 3\n    first: 201\n"
SERVICE_WISHES = Wishes(edits={**ONE_WORKER, "\nmeshes:\n": f"{POOL}\nmeshes:\n"})
FIRST, SECOND, THIRD = "service201", "service202", "service203"
PORT, ASSETS_PORT = 6379, 8081
SECONDS = 120.0

CACHE = f"""\
service: cache
playbook: redis
nodes: [{FIRST}, {SECOND}]
publish:
  port: {PORT}
env_prefix: REDIS
variables:
  redis_memory: 64mb
"""
ASSETS = f"""\
service: assets
playbook: nginx
nodes: [{SECOND}]
publish:
  port: {ASSETS_PORT}
env_prefix: ASSETS
"""

DOCS = """\
service: docs
playbook: mongodb
nodes: [{node}]
publish:
  port: 27017
env_prefix: DOCS
variables:
  mongodb_repository: {archive}
  mongodb_signing_key_url: {archive}/key.asc
users:
  influencer:
    roles: [readWrite, dbAdmin]
    apps: [influencer]
"""


def change(stage: Stage, branch: str, edit: Callable[[str], str], file: str = "services/cache.yaml") -> Card:
    """Merge a change of one manifest; the first operation that came of it, once all is settled."""
    before = records(stage)

    def write(folder: Path) -> None:
        path = folder / file
        path.write_text(edit(path.read_text() if path.exists() else ""))

    stage.push(branch, write)
    card = await_new(stage, before, f"what {branch} asks for")
    assert card.ending == "done", (card.text, stage.chat.thread(card))
    await_settled(stage)
    return card


def propose(stage: Stage, branch: str, edit: Callable[[str], str]) -> None:
    """Push a branch with a change of the manifest of Redis, and do not merge it."""
    identity = ("-c", "user.name=developer", "-c", "user.email=developer@flstr.lab")
    with tempfile.TemporaryDirectory(prefix="flstr-lab-") as temporary:
        folder = Path(temporary, "cluster")
        stage.git("clone", "--quiet", stage.around.cluster_repo, str(folder))
        manifest = folder / "services/cache.yaml"
        manifest.write_text(edit(manifest.read_text()))
        stage.git("-C", str(folder), *identity, "commit", "--quiet", "-am", f"{branch}: a proposal")
        stage.git("-C", str(folder), "push", "--quiet", "origin", f"HEAD:refs/heads/{branch}")


def record(stage: Stage, service: str = "cache") -> ServiceRecord:
    found = registered(stage).services[service].record
    assert found is not None
    return found


def visit(stage: Stage, method: str = "POST") -> int | None:
    """The count that the app answers, from the internet by way of the ingress; None where it does not."""
    connection = http.client.HTTPConnection(stage.servers()["ingress016"], timeout=5)
    try:
        connection.request(method, "/", headers={"Host": APP_HOST})
        answer = connection.getresponse()
        text = answer.read().decode().strip()
        return int(text) if answer.status == 200 else None
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def await_visits(stage: Stage, wanted: Callable[[int], bool]) -> int:
    """The count, once it is as wanted."""
    deadline = time.monotonic() + SECONDS
    while (count := visit(stage, "GET")) is None or not wanted(count):
        assert time.monotonic() < deadline, f"the count is {count}"
        time.sleep(0.2)
    return count


def backups_of_cache(stage: Stage) -> list[str]:
    """The names of what is kept in the bucket of the service."""
    names = (key.rpartition("/")[2] for key in list(stage.around.s3.objects))
    return sorted(name for name in names if ".service-cache." in name)


def on(stage: Stage, node: str, command: str) -> str:
    return stage.in_host(stage.servers()[node], command)


def shell(stage: Stage, *words: str) -> str:
    """What the `flstr` command prints to an operator."""
    environment = {**os.environ, **stage.around.environment(), "FLSTR_EMAIL": "operator@flstr.lab"}
    command = [sys.executable, "-m", "cli", *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def redis_says(stage: Stage, node: str) -> str:
    """The role of the Redis on a machine; empty where none answers."""
    return next(iter(_role(stage, node)), "")


def redis_offset(stage: Stage, node: str) -> int:
    """How much the Redis on a machine has written of what is replicated; -1 where it says nothing of that."""
    said = _role(stage, node)
    place = {"master": 1, "slave": 4}.get(next(iter(said), ""))
    return -1 if place is None else int(said[place])


def await_offset(stage: Stage, node: str, offset: int) -> None:
    """Wait until a Redis has so much of what is replicated."""
    assert offset >= 0
    deadline = time.monotonic() + SECONDS
    while redis_offset(stage, node) < offset:
        assert time.monotonic() < deadline, f"the Redis on {node} lags behind"
        time.sleep(0.1)


def _role(stage: Stage, node: str) -> list[str]:
    """What a Redis says of its role, as who checks its health is told."""
    address = registered(stage).nodes[node].addresses["overlay"]
    told = on(stage, node, f"timeout 5 redis-cli -h {address} -p {PORT} --user flstr-health --pass x role 2>/dev/null")
    return told.split()
