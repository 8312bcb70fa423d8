"""All controllers are lost with the etcd that they carried: one command brings them back, and nobody notices."""

import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from hcloud import Client

from lab.cloud.settings import CloudSettings
from lab.errors import LabError
from lab.story.asking import Asking, Tally
from lab.story.chapters import BUILD_UP_SECONDS
from lab.story.chat import OPERATOR
from lab.story.control_stage import ETCD_UNIT, THREE_CONTROLLERS, ControlStage
from lab.story.stage import APP_HOST
from lab.surroundings import CLOUD_TOKEN, Wishes
from model import keys
from model.operation import Operation
from model.registered import InstanceRecord
from tests.story.views import units_started

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(900)]

ONE_WORKER = {"    count: 2\n    first: 101": "    count: 1\n    first: 101", "instances: 2": "instances: 1"}
WISHES = Wishes(cloud=CloudSettings(create_seconds=1.0), edits={**THREE_CONTROLLERS, **ONE_WORKER})
CONTROLLERS = ["controller001", "controller002", "controller003"]
MACHINES = [*CONTROLLERS, "ingress016", "worker101"]
NOTHING = "changes nothing: the cluster is as the manifests say"
# All that controllers which came back have to do.
ENROLLED = "have machines register themselves"
WAIT_SECONDS, RESTORE_SECONDS = 60.0, 400.0

_FENCE = re.compile(r"/fences/leader:(\d+)$", re.MULTILINE)


@dataclass(frozen=True)
class Known:
    """What a cluster that carries itself has: what its etcd holds, and what its machines have seen."""

    etcd: dict[str, str]
    tokens: dict[str, int]
    started: Counter[tuple[str, str]]

    def operations(self) -> list[str]:
        found = [Operation.model_validate_json(it) for key, it in self.etcd.items() if key.startswith(keys.OPERATIONS)]
        return [one.plan.title for one in sorted(found, key=lambda one: one.created)]

    def instances(self) -> dict[str, InstanceRecord]:
        found = {key: value for key, value in self.etcd.items() if "/instance/" in key}
        return {key: InstanceRecord.model_validate_json(value) for key, value in found.items()}


@dataclass(frozen=True)
class Lost:
    """What was known before, what the restore said, what is known since, and what the app's users had meanwhile."""

    before: Known
    said: str
    plan: str
    after: Known
    tally: Tally


def flstr(stage: ControlStage, *words: str) -> str:
    """What the command prints on the laptop, once it has ended well."""
    environment = {**os.environ, **stage.around.environment(), "FLSTR_EMAIL": "operator@flstr.lab"}
    command, log = [sys.executable, "-m", "cli", *words], stage.around.lab.folder / f"{words[0]}.log"
    with log.open("w") as file:
        done = subprocess.run(command, env=environment, stdout=file, stderr=file, timeout=RESTORE_SECONDS, check=False)
    assert done.returncode == 0, log.read_text()
    return log.read_text()


def await_true(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.2)


def known(stage: ControlStage) -> Known:
    look = "grep --with-filename '' /var/lib/flstr/fences/leader"
    tokens = {node: max(map(int, _FENCE.findall(stage.inside(node, look)))) for node in ("ingress016", "worker101")}
    return Known(stage.etcd(""), tokens, units_started(stage))


def all_are_alive(stage: ControlStage) -> bool:
    try:
        return {key.removeprefix(keys.ALIVE) for key in stage.etcd(keys.ALIVE)} == {*MACHINES}
    except LabError:
        return False


def all_have_ended(stage: ControlStage) -> bool:
    """Whether no operation goes on: a machine registers itself in the middle of the one that has it do so."""
    try:
        operations = map(Operation.model_validate_json, stage.etcd(keys.OPERATIONS).values())
    except LabError:
        return False
    return all(operation.ended_already() for operation in operations)


def brought_back(stage: ControlStage, lose: Callable[[ControlStage], None], *words: str) -> Lost:
    """Lose what there is to lose, and restore it, while somebody uses the app."""
    before = known(stage)
    with Asking(stage.servers()["ingress016"], APP_HOST) as asking:
        lose(stage)
        said = flstr(stage, "restore", *words, stage.around.cluster_repo)
        await_true(lambda: all_are_alive(stage), "a machine does not register itself")
        await_true(lambda: all_have_ended(stage), "an operation does not end")
        plan = flstr(stage, "plan")
    return Lost(before, said, plan, known(stage), asking.tally)


def lose_the_machines(stage: ControlStage) -> None:
    cloud = Client(CLOUD_TOKEN, api_endpoint=stage.around.cloud_url)
    servers = [server for server in cloud.servers.get_all() if server.name in CONTROLLERS]
    with ThreadPoolExecutor(len(servers)) as pool:
        list(pool.map(stage.cut_power, [str(server.name) for server in servers]))
        list(pool.map(lambda server: server.delete().wait_until_finished(), servers))
    await_true(lambda: not stage.controllers(), "a controller is there still")


def lose_the_etcd(stage: ControlStage) -> None:
    def lose(node: str) -> None:
        stage.inside(node, f"systemctl stop {ETCD_UNIT} && rm -rf /var/lib/etcd/flstr")

    with ThreadPoolExecutor(len(CONTROLLERS)) as pool:
        list(pool.map(lose, CONTROLLERS))


def backups(stage: ControlStage) -> list[str]:
    return sorted(stage.around.s3.objects)


@pytest.fixture(scope="module")
def stage() -> Iterator[ControlStage]:
    with ControlStage(f"lost-{os.getpid()}", WISHES) as stage:
        yield stage


@pytest.fixture(scope="module")
def backed_up(stage: ControlStage) -> str:
    """A cluster that carries itself, and what its `status` says once a backup of all that was made by schedule."""
    place = f"to: {stage.around.s3.place}\n  endpoint: {stage.around.s3_url}\n  region: lab\n  every: 5s\n  keep: 100\n"
    stage.merge("backups", {"approvals:\n  count": f"backups:\n  {place}\napprovals:\n  count"}, person="operator")
    stage.bootstrap()
    stage.chat.await_card(lambda card: card.ending == "done", "the first operation to end", BUILD_UP_SECONDS)
    await_true(lambda: all_are_alive(stage), "a machine does not register itself")
    there = len(backups(stage))
    await_true(lambda: len(backups(stage)) > there + 1, "no backup is made")
    return stage.chat.command(OPERATOR, "/flstr status")


@pytest.fixture(scope="module")
def restored(stage: ControlStage, backed_up: str) -> Lost:
    return brought_back(stage, lose_the_machines, "latest")


@pytest.fixture(scope="module")
def adopted(stage: ControlStage, restored: Lost) -> Lost:
    return brought_back(stage, lose_the_etcd, "--adopt")


def test_the_leader_makes_backups_by_schedule_and_status_says_so(stage: ControlStage, backed_up: str) -> None:
    assert "last backup" in backed_up
    assert all(body.body.startswith(b"age-encryption.org/v1") for body in stage.around.s3.objects.values())


@pytest.mark.parametrize("how", ["restored", "adopted"])
def test_one_command_ends_in_an_empty_plan(how: str, request: pytest.FixtureRequest) -> None:
    lost: Lost = request.getfixturevalue(how)
    assert f"etcd and flstr run on {', '.join(CONTROLLERS)}" in lost.said, lost.said
    assert NOTHING in lost.said, lost.said
    assert NOTHING in lost.plan, lost.plan


@pytest.mark.parametrize("how", ["restored", "adopted"])
def test_the_app_answered_all_the_while_and_nothing_of_it_was_started(how: str, request: pytest.FixtureRequest) -> None:
    lost: Lost = request.getfixturevalue(how)
    assert lost.tally.failures == []
    assert lost.tally.requests > 100
    assert lost.after.started == lost.before.started
    assert lost.after.instances() == lost.before.instances()


@pytest.mark.parametrize("how", ["restored", "adopted"])
def test_machines_obey_the_new_etcd_and_no_longer_the_old(how: str, request: pytest.FixtureRequest) -> None:
    lost: Lost = request.getfixturevalue(how)
    assert all(lost.after.tokens[node] >> 40 > token >> 40 for node, token in lost.before.tokens.items())
    assert int(lost.after.etcd[keys.EPOCH]) > int(lost.before.etcd[keys.EPOCH])


def test_from_a_backup_the_history_comes_back_and_from_nothing_it_is_gone(restored: Lost, adopted: Lost) -> None:
    assert restored.before.operations()[0].startswith("add ingress016, worker101")
    assert restored.after.operations() == [*restored.before.operations(), ENROLLED]
    assert adopted.after.operations() == [ENROLLED]


def test_controllers_that_answer_are_not_restored(stage: ControlStage, adopted: Lost) -> None:
    environment = {**os.environ, **stage.around.environment()}
    command = [sys.executable, "-m", "cli", "restore", "--adopt", stage.around.cluster_repo]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert f"the cluster's etcd answers on {', '.join(CONTROLLERS)}, and whoever leads by it goes on" in done.stderr
