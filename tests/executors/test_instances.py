"""Instances: their units and scripts, and what happens when one does not get healthy."""

import base64
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executors.host_paths import release_paths
from executors.instances import Instances, reach_script, start_script, stop_script
from executors.releases import Releases, Sent, ThinPack, build_script
from executors.remote import Unreachable
from executors.script import FAULTY_RELEASE_STATUS, wrapped
from executors.unit_files import Place, environment, systemd_word, unit_file
from gitops.executor import HostFence, StepContext
from gitops.registered_tree import parse
from gitops.registry import Registry
from gitops.store import Store
from model import keys
from model.errors import Cancelled, ReleaseFailed, StepFailed
from model.registered import InstanceRecord, PortRecord
from model.steps import StartInstance, StopInstance
from tests.executors.clusters import cluster
from tests.executors.example import influencer, no_pack, registered, registered_keys
from tests.executors.expected import FIXTURES, check, shellcheck
from tests.executors.scripted import Answer, ScriptedRemote
from tests.identity import IDENTITIES

INSTANCE = "3-ab12cd34"
PLACE = Place("worker101", "vpn_ingr", "10.111.0.1", 20001)
START = StartInstance(node="worker101", app=influencer(), instance=INSTANCE)
STOP = StopInstance(app_kind="backend", app="influencer", instance=INSTANCE, node="worker101")


def test_the_unit_and_the_scripts() -> None:
    app = influencer()
    folder = FIXTURES / "instances"
    check(folder / "instance.service", unit_file(app, INSTANCE, PLACE, environment(app, INSTANCE, PLACE, registered())))
    for name, script in {
        "start.sh": start_script(app, INSTANCE, PLACE, registered(), {}),
        "build-and-start.sh": start_script(
            app, INSTANCE, PLACE, registered(), {}, build_script(app, sent=Sent("2" * 40, b"a pack"))
        ),
        "reach.sh": reach_script(app, PLACE),
        "stop.sh": stop_script("backend", "influencer", INSTANCE),
    }.items():
        check(folder / name, script)
        shellcheck(wrapped(script, HostFence(1)))


def test_systemd_accepts_the_unit_and_finds_it_safe(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("needs systemd")
    app = influencer()
    unit = tmp_path / "flstr-test.service"
    text = unit_file(app, INSTANCE, PLACE, environment(app, INSTANCE, PLACE, registered()))
    # The release is on another machine.
    release = release_paths(app).release
    unit.write_text(text.replace(f"ExecStart={release}/run.sh", "ExecStart=/bin/true"))
    verified = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    assert (verified.returncode, verified.stderr) == (0, "")
    rating = ["systemd-analyze", "security", "--offline=true", "--threshold=15", "--no-pager", str(unit)]
    rated = subprocess.run(rating, capture_output=True, text=True, check=False)
    assert rated.returncode == 0, rated.stdout.splitlines()[-1]


def test_an_instance_is_told_where_it_listens_and_where_its_app_and_those_it_needs_are() -> None:
    app = influencer(needs=["vault", "queue"])
    variables = environment(app, INSTANCE, PLACE, registered("several"))
    assert variables == {
        "HOST": "10.111.0.1",
        "PORT": "20001",
        "HOME": "/tmp",
        "FLSTR_APP": "influencer",
        "FLSTR_COMMIT": "1" * 40,
        "FLSTR_INSTANCE": INSTANCE,
        "VAULT_PROTOCOL": "https",
        "VAULT_HOST": "127.0.0.1",
        "VAULT_PORT": "5003",
        "VAULT_PATH": "/",
        "QUEUE_PROTOCOL": "tcp",
        "QUEUE_HOST": "127.0.0.1",
        "QUEUE_PORT": "5002",
        "QUEUE_PATH": "/",
        "INFLUENCER_PROTOCOL": "http",
        "INFLUENCER_HOST": "127.0.0.1",
        "INFLUENCER_PORT": "5001",
        "INFLUENCER_PATH": "/",
    }


def test_an_app_that_is_needed_and_not_registered_is_named() -> None:
    sentence = r"^influencer needs billing, which is not registered; add apps/billing\.yaml or services/billing\.yaml$"
    with pytest.raises(StepFailed, match=sentence):
        environment(influencer(needs=["billing"]), INSTANCE, PLACE, registered())


@given(st.text(max_size=40))
def test_a_word_of_a_unit_file_is_one_word_or_refused(text: str) -> None:
    if not text.isprintable():
        with pytest.raises(ValueError, match="cannot hold"):
            systemd_word(text)
        return
    word = systemd_word(text)
    assert (word[0], word[-1]) == ('"', '"')
    assert word[1:-1].replace("\\\\", "").replace('\\"', "").count('"') == 0
    assert word[1:-1].replace("%%", "").count("%") == 0


class Field:
    """The example's registry, an instance to start, and machines that answer as a test says."""

    def __init__(self, store: Store, answer: Answer, dead: tuple[str, ...] = (), thin_pack: ThinPack = no_pack) -> None:
        store.write(registered_keys())
        store.put(keys.CLUSTER, cluster("small").to_json())
        self.registry = Registry(store)
        self.remote = ScriptedRemote(answer, dead)
        self.instances = Instances(self.remote, IDENTITIES.decrypt, Releases(self.remote, thin_pack))
        self.reports: list[str] = []
        self.told: list[str] = []
        self.context = StepContext("op", self.registry, HostFence(1), self.reports.append, self.told.append)

    def start(self, **changes: object) -> None:
        self.instances.start(START.model_copy(update=changes), self.context)

    def registered(self) -> InstanceRecord | None:
        return self.registry.read().apps["backend", "influencer"].instances.get(INSTANCE)

    def port_is_held(self) -> bool:
        mine = PortRecord(kind="backend", app="influencer", instance=INSTANCE)
        return mine in self.registry.read().ports.values()


def healthy(node: str, script: str) -> str:
    return "healthy\nlistening\n"


def from_the_node(outcome: str) -> Answer:
    return lambda node, script: outcome if node == "worker101" else "healthy\n"


def test_a_healthy_instance_is_registered(store: Store) -> None:
    field = Field(store, healthy)
    field.start()
    assert field.registered() == InstanceRecord(node="worker101", ip="10.111.0.1", port=20000, commit="1" * 40)
    assert [node for node, _ in field.remote.ran] == ["worker101", "ingress016"]


def test_starting_twice_is_starting_once(store: Store) -> None:
    field = Field(store, healthy)
    field.start()
    before = field.registry.store.prefix("")
    field.start()
    assert field.registry.store.prefix("") == before


def building(printed: str) -> Answer:
    """A worker that builds and starts, and an ingress that reaches what was started."""
    return lambda node, script: printed if node == "worker101" else "healthy\n"


def test_one_script_builds_and_starts_where_a_machine_does_both(store: Store) -> None:
    field = Field(store, building("built 1200 2\nhealthy\nexited 1\nhealthy\nlistening\n"))
    field.start(build=True)
    assert field.registered() is not None
    assert [node for node, _ in field.remote.ran] == ["worker101", "ingress016"]
    assert field.told == ["built in 1.2 s on worker101\nhealthy\nexited 1"]
    assert field.reports[0] == "building, then starting on port 20000"


def test_what_was_built_before_is_only_started(store: Store) -> None:
    field = Field(store, building("already built\nhealthy\n"))
    field.start(build=True)
    assert field.registered() is not None
    assert field.told == []


def test_a_build_that_fails_on_the_way_to_a_start_is_the_fault_of_the_release(store: Store) -> None:
    def fails(node: str, script: str) -> str:
        if "take_turn" in script:
            raise StepFailed("worker101: build.sh ended with status 3", "its last lines", FAULTY_RELEASE_STATUS)
        return ""

    field = Field(store, fails)
    with pytest.raises(ReleaseFailed, match=r"build\.sh ended with status 3"):
        field.start(build=True)
    assert field.registered() is None
    assert not field.port_is_held()


def test_a_machine_is_sent_what_changed_since_the_commit_that_it_runs(store: Store) -> None:
    asked: list[tuple[str, str]] = []

    def pack(url: str, base: str, commit: str) -> bytes:
        asked.append((base[:1], commit[:1]))
        return b"a pack"

    field = Field(store, building("built 1 0\nhealthy\n"), thin_pack=pack)
    field.start(build=True)
    assert asked == []
    field.start(build=True, app=influencer(commit="2" * 40))
    assert asked == [("1", "2")]
    assert base64.b64encode(b"a pack").decode() in field.remote.ran[-2][1]


def test_an_app_without_ingress_is_seen_from_its_node_alone(store: Store) -> None:
    field = Field(store, healthy)
    field.start(app=influencer(ingress=[]))
    assert [node for node, _ in field.remote.ran] == ["worker101"]


@pytest.mark.parametrize(
    ("printed", "sentence"),
    [
        ("answered 503\nno database\n", "did not answer 200 at /health within 30s; last answer was 503"),
        ("silent\nno database\n", "did not answer 200 at /health within 30s; it did not answer at all"),
        ("exited 7\nno database\n", "ended with status 7 before it answered at /health"),
    ],
)
def test_one_that_does_not_get_healthy_is_taken_away_and_its_journal_shown(
    store: Store, printed: str, sentence: str
) -> None:
    field = Field(store, from_the_node(printed))
    with pytest.raises(ReleaseFailed) as failed:
        field.start()
    assert failed.value.sentence == f"influencer {INSTANCE} on worker101 {sentence}"
    assert failed.value.output == "no database"
    assert field.remote.nodes("disable --quiet") == ["worker101"]
    assert field.registered() is None
    assert not field.port_is_held()


@pytest.mark.parametrize(
    ("status", "fault"), [("226", StepFailed), ("243", StepFailed), ("203", ReleaseFailed), ("1", ReleaseFailed)]
)
def test_a_machine_that_cannot_set_the_process_up_is_no_fault_of_the_release(
    store: Store, status: str, fault: type[StepFailed]
) -> None:
    field = Field(store, from_the_node(f"exited {status}\n"))
    with pytest.raises(StepFailed) as failed:
        field.start()
    assert type(failed.value) is fault


def test_one_that_the_ingress_does_not_reach_does_not_serve(store: Store) -> None:
    field = Field(store, lambda node, script: "silent\n" if node == "ingress016" else "healthy\n")
    with pytest.raises(StepFailed, match=r"within 20s, asked from ingress016; it did not answer at all$") as failed:
        field.start()
    assert field.registered() is None
    # It answered at home: what is in between is at fault.
    assert not isinstance(failed.value, ReleaseFailed)


def test_one_that_answers_the_ingress_otherwise_than_its_own_machine_is_its_releases_fault(store: Store) -> None:
    field = Field(store, lambda node, script: "answered 500\n" if node == "ingress016" else "healthy\n")
    with pytest.raises(ReleaseFailed, match=r"asked from ingress016; last answer was 500$"):
        field.start()


@pytest.mark.parametrize("node", ["worker101", "ingress016"])
def test_one_that_is_given_up_is_taken_away_again(store: Store, node: str) -> None:
    def given_up(asked: str, script: str) -> str:
        if asked == node and "disable --quiet" not in script:
            raise Cancelled(f"{asked}: given up")
        return "healthy\n"

    field = Field(store, given_up)
    with pytest.raises(Cancelled):
        field.start()
    assert field.remote.nodes("disable --quiet") == ["worker101"]
    assert field.registered() is None
    assert not field.port_is_held()


def test_the_port_stays_held_where_the_unit_may_still_run(store: Store) -> None:
    field = Field(store, healthy, dead=("worker101",))
    with pytest.raises(Unreachable):
        field.start()
    assert field.port_is_held()
    assert field.registered() is None


def test_a_machine_that_has_not_joined_is_named(store: Store) -> None:
    field = Field(store, healthy)
    with pytest.raises(StepFailed, match=r"^worker103 has no address in vpn_ingr; it has not joined it$"):
        field.start(node="worker103")


def test_stopping_gives_the_port_back(store: Store) -> None:
    field = Field(store, healthy)
    field.start()
    field.instances.stop(STOP, field.context)
    assert not field.port_is_held()


def test_an_instance_on_a_dead_machine_keeps_its_port(store: Store) -> None:
    field = Field(store, healthy)
    field.registry.allot_port("worker101", influencer(), INSTANCE)
    dead = Field(store, healthy, dead=("worker101",))
    field.registry.allot_port("worker101", influencer(), INSTANCE)
    dead.instances.stop(STOP, dead.context)
    assert dead.port_is_held()
    assert any("left on worker101" in line for line in dead.reports)


def test_the_fixture_is_what_etcd_holds() -> None:
    assert parse(registered_keys()) == registered()
