"""From nothing to three controllers that carry themselves, in a lab, by the commands that a person types."""

import itertools
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from executors.control.paths import PROGRAMS
from executors.control.standing import standing
from gitops.store import Store
from lab.surroundings import Surroundings, Wishes
from lab.units import run_inside
from model import keys
from tests.cli.laptop import Laptop, Left
from tests.loop_thread import LoopThread

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(800)]

NODES = ("controller001", "controller002", "controller003")
# Three controllers and a worker: what the controllers do once they carry the cluster is told elsewhere.
EDITS = {
    "    role: controller\n    count: 1": "    role: controller\n    count: 3",
    "    role: worker\n    count: 2": "    role: worker\n    count: 1",
    "count: 2\n": "count: 1\n",
}
WITHIN_SECONDS = 300.0
NOTHING = "changes nothing: the cluster is as the manifests say"


@pytest.fixture(scope="module")
def laptop() -> Iterator[Laptop]:
    loop = LoopThread(within=300)
    around = loop.call(Surroundings.up(f"boot-{os.getpid()}", Wishes(edits=EDITS)))
    yield Laptop(around)
    loop.call(around.down())
    loop.stop()


@pytest.fixture(scope="module")
def history() -> list[Left]:
    """What each of the bootstraps has left that were killed, one after the other."""
    return []


@dataclass(frozen=True)
class Moment:
    """When a bootstrap is killed, and the step that it is in then."""

    while_: str
    step: str
    comes: Callable[[Laptop, "subprocess.Popen[str]"], object]
    program: str = ""
    is_seen: Callable[[Laptop, Left], bool] = lambda *_: True


def a_server_is_ordered(laptop: Laptop, _: "subprocess.Popen[str]") -> None:
    """The cloud has the first order, and the laptop knows of no server yet."""
    await_true(lambda: len(laptop.around.cloud.project.servers) > 0)


def it_prints(beginning: str) -> Callable[[Laptop, "subprocess.Popen[str]"], None]:
    """A line that begins so."""

    def comes(_: Laptop, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        before = list(itertools.takewhile(lambda line: not line.startswith(beginning), process.stdout))
        assert process.poll() is None, before

    return comes


def the_second_one_unpacks(laptop: Laptop, _: "subprocess.Popen[str]") -> None:
    """What is unpacked goes to its place once it is compiled."""
    host = laptop.around.lab.machines.host("controller002")
    await_true(lambda: run_inside(host, f"ls -d {PROGRAMS}/.unpacked.* 2>/dev/null || true") != "")


def it_kills_itself(_: Laptop, process: "subprocess.Popen[str]") -> None:
    process.wait(WITHIN_SECONDS)


def some_is_copied(laptop: Laptop, left: Left) -> bool:
    """The cluster's etcd has some of what is registered, and no mark that it is whole."""
    there = laptop.ask(lambda store: store.prefix("flstr/"), left.known)
    return len(there) > 1 and keys.HANDED_OVER not in there


def it_is_marked(laptop: Laptop, _: "subprocess.Popen[str]") -> None:
    """All is copied; flstr is started on one controller after the other."""
    await_true(lambda: laptop.access.controllers() != ())


# flstr is installed side by side with what follows the renting; held back, it is not done by chance before its moment.
WITHOUT_INSTALLING = """
import threading
from cli.main import main
from executors.control.install import Controllers

Controllers.install = lambda *_: threading.Event().wait()
main()
"""

# The copy takes milliseconds: it is made one record at a time, and killed before the sixth.
KILLED_IN_COPYING = """
import itertools, os, signal
from cli.main import main
from executors.control.access import TunnelledStore
from gitops import portions
from gitops.store import Store

count = itertools.count()

def write(store, puts, deletes=()):
    if next(count) == 5:
        os.killpg(0, signal.SIGKILL)
    Store.write(store, puts, deletes)

portions.AT_ONCE = 1
TunnelledStore.write = write
main()
"""

MOMENTS = (
    Moment("machines are rented", "create-controller001", a_server_is_ordered),
    Moment("they join their mesh", "join", it_prints("▶ join vpn_ctrl"), WITHOUT_INSTALLING),
    Moment("etcd is founded", "etcd", it_prints("▶ found etcd"), WITHOUT_INSTALLING),
    Moment("flstr is installed on the second one", "install-controller002", the_second_one_unpacks),
    Moment("what is registered is copied", "hand-over", it_kills_itself, KILLED_IN_COPYING, some_is_copied),
    Moment("flstr is started on them", "hand-over", it_is_marked),
)


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment.while_)
def test_killed_again_and_again_it_goes_on_from_where_it_was(
    laptop: Laptop, history: list[Left], moment: Moment
) -> None:
    process = laptop.start("bootstrap", laptop.around.cluster_repo, program=moment.program)
    try:
        moment.comes(laptop, process)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        said, _ = process.communicate()
    assert process.returncode == -signal.SIGKILL, said
    now = laptop.left()
    assert moment.step in now.running()
    assert moment.is_seen(laptop, now)
    if history:
        before = history[-1]
        assert now.operation.id == before.operation.id
        assert now.done().items() >= before.done().items()
        assert now.members.items() >= before.members.items()
        assert now.rented.items() >= before.rented.items()
    history.append(now)


def test_each_run_did_what_comes_before_the_moment_at_which_it_was_killed(history: list[Left]) -> None:
    done = [left.done().keys() for left in history]
    rented, installed = ({f"{does}-{node}" for node in NODES} for does in ("create", "install"))
    assert done[0] == set()
    assert done[1] == rented
    assert done[2] == rented | {"join"}
    assert done[3] >= rented | {"join"}
    assert done[4] == done[5] == rented | {"join", "etcd"} | installed


def test_from_the_mark_on_the_controllers_are_asked_and_started(laptop: Laptop, history: list[Left]) -> None:
    said = laptop.flstr("bootstrap", laptop.around.cluster_repo)
    assert "flstr does not run on controller003; starting it" in said
    assert f"the cluster carries itself: flstr runs on {', '.join(NODES)}, and " in said
    assert tuple(sorted(laptop.ask(members))) == NODES
    servers = laptop.around.cloud.project.servers
    controllers = {server.name: server.id for server in servers if server.name.startswith("controller")}
    assert controllers == history[1].rented
    assert tuple(sorted(controllers)) == NODES


def test_nothing_is_left_to_do_in_the_end(laptop: Laptop) -> None:
    await_true(lambda: nothing_is_left(laptop))


def nothing_is_left(laptop: Laptop) -> bool:
    """As a plan says it; controllers that have just started may not be able to say one yet."""
    printed, _ = laptop.start("plan").communicate(timeout=240)
    return NOTHING in printed


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
from executors.control.paths import PROGRAMS
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
    for name in ("bot", "cli", "executors", "gitops", "model", "playbooks", "templates", "controller.lock"):
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
        time.sleep(0.02)


def members(store: Store) -> list[str]:
    """The names of those that etcd itself says it runs on."""
    return [member.name for member in store.members()]
