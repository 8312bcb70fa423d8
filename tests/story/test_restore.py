"""Everything that flstr remembers is lost: it comes back from a backup, or from what runs, and nobody notices."""

import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from gitops.operations import Operations
from gitops.store import Store
from lab.cloud.settings import CloudSettings
from lab.story.asking import Asking, Tally
from lab.story.chapters import Story
from lab.story.narrator import Silent
from lab.story.stage import APP_HOST, Stage
from lab.surroundings import Wishes
from tests.story.views import etcd_endpoint, registered, units_started

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(900)]

# One of each: what several do is the same, and costs time.
ONE_WORKER = {"    count: 2\n    first: 101": "    count: 1\n    first: 101", "instances: 2": "instances: 1"}
WISHES = Wishes(cloud=CloudSettings(create_seconds=1.0), edits=ONE_WORKER)
NOTHING = "changes nothing: the cluster is as the manifests say"
START_SECONDS = 180.0


@dataclass(frozen=True)
class Back:
    """flstr after a restore: what that said, what `plan` says then, and what happened meanwhile."""

    said: str
    plan: str
    status: str
    tally: Tally
    started: Counter[tuple[str, str]]
    operations: tuple[str, ...]
    before: dict[str, object]
    after: dict[str, object]


def shell(stage: Stage, *words: str, status: int = 0) -> str:
    """What the `flstr` command prints to an operator."""
    environment = {**os.environ, **stage.around.environment(), "FLSTR_EMAIL": "operator@flstr.lab"}
    command = [sys.executable, "-m", "cli", *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == status, done.stderr + done.stdout
    return done.stdout if status == 0 else done.stderr


def backup_in(said: str) -> str:
    """The name of a backup in an answer."""
    return next(word for word in said.split() if ".etcd.age" in word).strip("`")


def lose_everything_but_keys(stage: Stage) -> None:
    stage.flstr.kill()
    for path in stage.around.state.iterdir():
        if path.name not in ("ssh", "age"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def start(stage: Stage) -> str:
    """Have flstr go on; what `plan` says once it follows the cluster repo."""
    stage.flstr.start()
    deadline = time.monotonic() + START_SECONDS
    while NOTHING not in (said := shell_or_nothing(stage, "plan")):
        assert time.monotonic() < deadline, said
        time.sleep(0.3)
    return said


def shell_or_nothing(stage: Stage, *words: str) -> str:
    try:
        return shell(stage, *words)
    except (AssertionError, subprocess.TimeoutExpired) as error:
        return str(error)


def seen(stage: Stage) -> dict[str, object]:
    """What is registered of the machines and the apps, without what only etcd could know."""
    tree = registered(stage)
    apps = {app: (record.meta_data, record.instances) for app, record in tree.apps.items()}
    names = ("nodes", "hosts", "ingress", "ports", "members", "leases", "meshed", "overlaid", "walled", "routed")
    return {"apps": apps, **{name: getattr(tree, name) for name in names}}


def operations(stage: Stage) -> tuple[str, ...]:
    store = Store([etcd_endpoint(stage)])
    try:
        return tuple(one.plan.title for one in Operations(store).all())
    finally:
        store.close()


def brought_back(stage: Stage, *words: str) -> Back:
    """Lose everything, restore it, and start flstr again, while somebody uses the app."""
    before, started = seen(stage), units_started(stage)
    with Asking(stage.servers()["ingress016"], APP_HOST) as asking:
        lose_everything_but_keys(stage)
        said = shell(stage, "restore", *words, stage.around.cluster_repo)
        plan = start(stage)
        time_of_a_few_polls(stage)
        status = shell(stage, "status")
    more = units_started(stage) - started
    return Back(said, plan, status, asking.tally, more, operations(stage), before, seen(stage))


def time_of_a_few_polls(stage: Stage) -> None:
    """Each look at the cluster repo asks it once; what is to be done is begun by then."""
    log = Path(stage.around.lab.folder, "git-daemon.log")
    many = log.read_text().count("cluster.git") + 3
    deadline = time.monotonic() + START_SECONDS
    while log.read_text().count("cluster.git") < many:
        assert time.monotonic() < deadline
        time.sleep(0.2)


@pytest.fixture(scope="module")
def backed_up(stage: Stage) -> str:
    """What the verb answered once the example runs."""
    at = f"backups:\n  to: {stage.around.s3.place}\n  endpoint: {stage.around.s3_url}\n  region: lab\n\n"
    stage.merge("backups", {"approvals:\n  count": f"{at}approvals:\n  count"}, person="operator")
    Story(stage, Silent()).build_up()
    return shell(stage, "backup")


@pytest.fixture(scope="module")
def adopted(stage: Stage, backed_up: str) -> Back:
    return brought_back(stage, "--adopt")


@pytest.fixture(scope="module")
def restored(stage: Stage, backed_up: str, adopted: Back) -> Back:
    return brought_back(stage, backup_in(backed_up))


def test_a_backup_is_in_the_bucket_and_status_says_so(stage: Stage, backed_up: str, adopted: Back) -> None:
    kept = stage.around.s3.objects[f"flstr/{backup_in(backed_up)}"].body
    assert kept.startswith(b"age-encryption.org/v1")
    assert "last backup" in adopted.status


@pytest.mark.parametrize("how", ["adopted", "restored"])
def test_what_is_left_is_an_empty_plan(how: str, request: pytest.FixtureRequest) -> None:
    back: Back = request.getfixturevalue(how)
    assert NOTHING in back.said, back.said
    assert NOTHING in back.plan, back.plan


@pytest.mark.parametrize("how", ["adopted", "restored"])
def test_everything_is_registered_as_it_was(how: str, request: pytest.FixtureRequest) -> None:
    back: Back = request.getfixturevalue(how)
    assert back.after == back.before


@pytest.mark.parametrize("how", ["adopted", "restored"])
def test_nothing_was_started_and_the_app_served_all_the_while(how: str, request: pytest.FixtureRequest) -> None:
    back: Back = request.getfixturevalue(how)
    assert back.started == Counter()
    assert back.tally.failures == []
    assert back.tally.requests > 100


def test_from_nothing_there_is_no_operation_and_from_a_backup_those_that_were(adopted: Back, restored: Back) -> None:
    assert adopted.operations == ()
    assert [title.startswith("add controller001") for title in restored.operations] == [True]


def test_a_state_that_is_in_use_is_not_restored(stage: Stage, restored: Back) -> None:
    assert "stop it first" in shell(stage, "restore", "latest", stage.around.cluster_repo, status=1)
