"""A real machine that builds: what a build may use, what becomes of one that nobody wants, and what it printed."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from executors.environments import Environments
from executors.host_paths import build_unit, release_paths
from executors.logs import Logs
from gitops.executor import Cancellation
from lab.gitrepo import Commit
from model.app import App
from model.attachment import Reply
from model.errors import Cancelled, ReleaseFailed
from model.steps import BuildRelease
from model.verbs import BUILD
from tests.executors.deploy_field import INGRESS, Field, rented_field

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(600)]

APP = Path(__file__).parent / "apps/builds"
COMMITS = (Commit("First", APP), Commit("Second", APP, parent="main"))
WORKER = "worker101"
UNIT = build_unit("backend", "influencer")
INSTANCE = "1-11111111"


@pytest.fixture(scope="module")
def field(etcd_endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    with rented_field(etcd_endpoint, tmp_path_factory.mktemp("releases"), COMMITS, (INGRESS, WORKER)) as field:
        field.publish(app(field, "main"))
        yield field


def app(field: Field, revision: str, script: str = "quick.sh", **changes: object) -> App:
    return field.app(revision, build=script, health={"path": "/run.sh"}, **changes)


def build(field: Field, one: App) -> None:
    field.do(BuildRelease(node=WORKER, app=one))


def is_built(field: Field, one: App) -> bool:
    return field.on(WORKER, f"[ ! -e {release_paths(one).built} ] || echo yes") == "yes"


def printed(field: Field, one: App) -> list[str]:
    return field.on(WORKER, f"iconv -c -f UTF-8 -t UTF-8 {release_paths(one).log} || true").splitlines()


def wait_for_script(field: Field, one: App) -> None:
    """Until the script of a build is at work."""
    began = f"systemctl is-active --quiet {UNIT} && grep -qs began {release_paths(one).log}"
    field.on(WORKER, f"until {began}; do sleep 0.05; done")


def give_up_in_the_middle(field: Field, one: App) -> None:
    """A build is cancelled as soon as its script is at work; the machine goes on with it."""
    cancellation = Cancellation()
    context = replace(field.context, cancellation=cancellation)
    step = BuildRelease(node=WORKER, app=one)
    with ThreadPoolExecutor(1) as pool:
        building = pool.submit(field.executors[step.kind], step, context)
        wait_for_script(field, one)
        cancellation.cancel("a newer commit is wanted")
        with pytest.raises(Cancelled):
            building.result()
    assert field.on(WORKER, f"systemctl is-active {UNIT}") == "active"


def test_a_build_is_told_with_its_last_lines_and_all_that_it_printed_is_kept(field: Field) -> None:
    one = app(field, "main~1")
    build(field, one)
    first, *last = field.told[-1].split("\n")
    assert first.startswith("built in ")
    assert first.endswith(f" s on {WORKER}")
    assert last == ["line 4", "line 5", "line 6", "no text:", "ended"]
    assert printed(field, one)[:3] == ["began", "line 1", "line 2"]
    told = len(field.told)
    build(field, one)
    assert len(field.told) == told


def test_a_build_that_fails_is_the_fault_of_the_release_and_its_output_is_kept(field: Field) -> None:
    one = app(field, "main", "failing.sh")
    with pytest.raises(ReleaseFailed, match=r"^worker101: failing\.sh of influencer ended with status 3$") as failed:
        build(field, one)
    assert "half of it" in failed.value.output
    assert printed(field, one) == ["half of it"]
    assert not is_built(field, one)


def test_a_build_script_that_the_machine_cannot_execute_is_the_fault_of_the_release(field: Field) -> None:
    with pytest.raises(
        ReleaseFailed, match=r"unknown-interpreter\.sh of influencer cannot be executed; its first line "
    ):
        build(field, app(field, "main", "unknown-interpreter.sh"))


def test_a_build_that_is_not_done_in_time_is_the_fault_of_the_release(field: Field) -> None:
    one = app(field, "main", "endless.sh", build_within=1.0)
    with pytest.raises(ReleaseFailed, match=r"endless\.sh of influencer was not done after 1 s and was stopped$"):
        build(field, one)


def test_a_build_that_was_given_up_makes_way_for_another_commit_at_once(field: Field) -> None:
    stale, wanted = app(field, "main~1", "endless.sh", build_memory="64M"), app(field, "main")
    give_up_in_the_middle(field, stale)
    assert field.on(WORKER, f"systemctl show --property=MemoryMax --value {UNIT}") == str(64 * 2**20)
    # The stale one would take 1000 s.
    build(field, wanted)
    assert is_built(field, wanted)
    assert not is_built(field, stale)
    assert field.on(WORKER, f"systemctl is-active {UNIT} || true") == "inactive"
    assert "ended" not in printed(field, stale)


def test_a_build_of_the_same_release_is_waited_for_and_not_made_twice(field: Field) -> None:
    one = app(field, "main", "patient.sh")
    starts = f"journalctl --unit={UNIT} --output=cat | grep -c ^Started || true"
    before = int(field.on(WORKER, starts))
    field.on(WORKER, "rm -f /run/go-on")
    give_up_in_the_middle(field, one)
    field.on(WORKER, "systemd-run --quiet --on-active=1 touch /run/go-on")
    build(field, one)
    assert is_built(field, one)
    assert field.reports[-1] == "already built"
    assert int(field.on(WORKER, starts)) == before + 1
    assert printed(field, one) == ["began", "ended"]


def test_a_build_that_somebody_stops_on_the_machine_is_not_taken_for_one_that_is_done(field: Field) -> None:
    one = app(field, "main~1", "endless.sh")
    step = BuildRelease(node=WORKER, app=one)
    with ThreadPoolExecutor(1) as pool:
        building = pool.submit(field.executors[step.kind], step, field.context)
        wait_for_script(field, one)
        field.on(WORKER, f"systemctl stop {UNIT}")
        error = building.exception()
    assert str(error) == "worker101: endless.sh of influencer was stopped on this machine before it was done"
    assert not isinstance(error, ReleaseFailed)
    assert not is_built(field, one)


def test_all_that_the_newest_build_printed_is_a_file(field: Field) -> None:
    one = app(field, "main", "failing.sh", run="run.sh")
    with pytest.raises(ReleaseFailed):
        build(field, one)
    reply = Logs(field.ssh)(("influencer", BUILD), field.registry)
    assert isinstance(reply, Reply)
    assert reply.attachment is not None
    assert reply.text.startswith(f"Build of influencer@{one.commit[:8]} on worker101, ")
    assert reply.text.endswith(" UTC: it failed\n```\nhalf of it\n```")
    assert reply.attachment.content == b"half of it\n"


def test_instances_are_asked_what_they_print_and_see(field: Field) -> None:
    one = app(field, "main")
    time.sleep(1.1)  # builds are told apart by the second
    field.on(WORKER, "touch /run/go-on")
    field.serve(one.model_copy(update={"build": "patient.sh"}), (WORKER, INSTANCE))
    field.on(WORKER, "curl -s http://127.0.0.1:5001/run.sh >/dev/null")
    logs = Logs(field.ssh)(("influencer",), field.registry)
    assert isinstance(logs, str)
    assert logs.startswith(f"`{INSTANCE}` on worker101, until ")
    assert '"GET /run.sh HTTP/1.1" 200 -' in logs
    of_instance = Logs(field.ssh)(("influencer", INSTANCE, BUILD), field.registry)
    assert isinstance(of_instance, Reply)
    assert f"influencer@{one.commit[:8]}" in of_instance.text
    env = Environments(field.ssh)(("influencer", INSTANCE), field.registry)
    assert env.startswith(f"`{INSTANCE}` on worker101 sees\n```\n")
    assert f"FLSTR_COMMIT = {one.commit}" in env
    assert "INFLUENCER_HOST = 127.0.0.1" in env


def test_credentials_are_named_and_not_shown(field: Field) -> None:
    """An instance with a credential, as one of a later release may have."""
    unit = f"flstr-backend-influencer-{INSTANCE}.service"
    drop_in = f"/run/systemd/system/{unit}.d"
    field.on(
        WORKER,
        f"mkdir -p {drop_in}; echo the-secret >/root/credential\n"
        f"printf '[Service]\\nLoadCredential=DATABASE:/root/credential\\nEnvironment=API_TOKEN=the-token\\n' >{drop_in}/x.conf\n"
        f"systemctl daemon-reload; systemctl restart {unit}",
    )
    env = Environments(field.ssh)(("influencer",), field.registry)
    assert "credential DATABASE = •••" in env
    assert "API_TOKEN = •••" in env
    assert "the-secret" not in env
    assert "the-token" not in env
