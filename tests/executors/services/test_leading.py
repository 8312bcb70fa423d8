"""Another instance leads, with real Redis servers: by a planned move, after a loss, and when the old one is back."""

import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from executors.script import wrapped
from executors.services.leader_watch import LeaderWatch
from executors.services.leading import Leading
from executors.services.redis_files import (
    Leader,
    files_of,
    follow_script,
    hand_over_script,
    lead_script,
    look_script,
    watch_script,
)
from gitops.executor import HostFence, StepContext
from gitops.registry import Registry
from gitops.service_failover import Verdict
from gitops.services import meta_data_of, told_digest
from gitops.store import Store
from model import keys, service_keys
from model.cluster import Cluster
from model.errors import StepFailed
from model.registered import NodeRecord, ServiceInstance, ServiceRecord
from model.service import Service
from model.service_steps import LeadService
from tests.executors.expected import shellcheck
from tests.executors.services.redis_here import NODES, SERVICE, RedisHere, eventually
from tests.executors.services.writer import Writer

A, B, C = NODES
CLUSTER = Cluster.model_validate(
    {
        "cluster": "small",
        "pools": {
            "service": {"role": "service", "count": 3},
            "worker": {"role": "worker", "count": 1},
            "ingress": {"role": "ingress", "count": 1, "first": 16},
        },
        "meshes": {"vpn_ingr": {"subnet": "10.111.0.0/24", "port": 762, "hubs": ["ingress"], "members": ["worker"]}},
    }
)


class Cache:
    """A cache on three machines, registered, and led by the first one."""

    def __init__(self, machines: RedisHere, store: Store) -> None:
        self.machines = machines
        self.registry = Registry(store)
        store.put(keys.CLUSTER, CLUSTER.to_json())
        for node, address in NODES.items():
            self.registry.put_node(
                NodeRecord(
                    name=node, ip=address, services=(), role="service", pool="service", addresses={"vpn_ingr": address}
                )
            )
        self.service = Service.model_validate(
            {
                "service": SERVICE,
                "playbook": "redis",
                "pool": "service",
                "port": machines.port,
                "publish": {"port": 6379},
                "env_prefix": "CACHE",
            }
        )
        store.put(service_keys.meta_data(SERVICE), meta_data_of(self.service).to_json())
        self.registry.put_service(
            ServiceRecord(service=self.service, nodes=tuple(NODES), leader=A, digest=self.digest(A))
        )
        store.put(service_keys.meta_data(SERVICE), meta_data_of(self.service).to_json())
        self.reports: list[str] = []
        self.context = StepContext("op", self.registry, HostFence(1), self.reports.append)
        for node in (B, C):
            self.machines.run(node, follow_script(SERVICE, machines.files, self.at(A)), HostFence(1))
        for node in NODES:
            machines.start(node)
        eventually(lambda: self.is_led_by(A))

    def at(self, node: str) -> Leader:
        return Leader(node, NODES[node], self.machines.port)

    def digest(self, leader: str) -> str:
        port = self.machines.port
        instances = {node: ServiceInstance(node=node, ip=address, port=port) for node, address in NODES.items()}
        return told_digest(self.service, instances, [], leader, [], "")

    def lead(self, node: str) -> None:
        leading = Leading(self.machines, lambda _: self.machines.files)
        leading.lead(LeadService(service=SERVICE, leader=node), self.context)

    def record(self) -> ServiceRecord:
        record = self.registry.read().services[SERVICE].record
        assert record is not None
        return record

    def add(self, number: int) -> bool:
        """As an app that asks whoever is registered as the leader."""
        return self.machines.cli(self.record().leader or "", "SADD", "numbers", str(number)) == "1"

    def is_led_by(self, leader: str, but: str = "") -> bool:
        """Whether everybody but one does as this one leads."""
        roles = {node: self.machines.role(node) for node in NODES if node != but}
        followed = ["slave", NODES[leader], "connected"]
        return all(role == (["master"] if node == leader else followed) for node, role in roles.items())


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[RedisHere]:
    machines = RedisHere(tmp_path)
    yield machines
    machines.stop()


@pytest.fixture
def cache(machines: RedisHere, store: Store) -> Cache:
    return Cache(machines, store)


def test_a_planned_move_loses_no_write_that_was_taken(cache: Cache) -> None:
    with Writer(cache.add) as writer:
        for leader in (B, C, A):
            before = len(writer.taken)
            eventually(lambda before=before: len(writer.taken) > before + 20)  # type: ignore[misc]
            cache.lead(leader)
            eventually(lambda leader=leader: cache.is_led_by(leader))  # type: ignore[misc]
        before = len(writer.taken)
        eventually(lambda: len(writer.taken) > before + 20)
    kept = {int(number) for number in cache.machines.cli(A, "SMEMBERS", "numbers").split()}
    assert set(writer.taken) <= kept


def test_it_is_noted_as_a_playbook_would_leave_it(cache: Cache) -> None:
    cache.lead(B)
    assert cache.record().leader == B
    assert cache.record().digest == cache.digest(B)
    port = cache.machines.port
    assert {node: cache.machines.leader_file(node) for node in NODES} == {
        A: f"replicaof {NODES[B]} {port}\n",
        B: "",
        C: f"replicaof {NODES[B]} {port}\n",
    }


def test_one_that_is_to_be_brought_to_something_else_stays_so(cache: Cache) -> None:
    cache.registry.put_service(cache.record().model_copy(update={"digest": "0" * 16}))
    cache.lead(B)
    assert cache.record().digest == "0" * 16


def test_twice_is_as_good_as_once(cache: Cache) -> None:
    cache.lead(B)
    files = [cache.machines.folder / node / "leader.conf" for node in NODES]
    before = [file.stat().st_ino for file in files]
    cache.lead(B)
    assert [file.stat().st_ino for file in files] == before
    eventually(lambda: cache.is_led_by(B))


def test_one_that_does_not_hold_the_data_takes_nothing_over(cache: Cache) -> None:
    cache.machines.ask(B, "REPLICAOF", "127.0.0.9", "1")
    with pytest.raises(StepFailed, match="service102 does not follow service101, so it cannot take cache over"):
        cache.lead(B)
    assert cache.record().leader == A
    assert cache.machines.role(A) == ["master"]


def test_one_that_hears_the_leader_takes_nothing_over_from_it_though_flstr_does_not(cache: Cache) -> None:
    cache.machines.dead.add(A)
    with pytest.raises(StepFailed, match=r"service102 hears 127.0.0.1:\d+ lead cache, which does not answer flstr"):
        cache.lead(B)
    assert (cache.record().leader, cache.machines.role(A)) == (A, ["master"])


def test_one_that_holds_nothing_leads_nobody_while_the_lost_one_may_come_back(cache: Cache) -> None:
    for node in NODES:
        cache.machines.kill(node)
    (cache.machines.folder / B / "data").rename(cache.machines.folder / "gone")
    (cache.machines.folder / B / "data").mkdir()
    cache.machines.dead.add(A)
    cache.machines.start(B)
    with pytest.raises(
        StepFailed, match="service102 does not say what it has of cache, so it does not lead while service101 may come"
    ):
        cache.lead(B)
    assert cache.record().leader == A


def test_one_that_leads_though_its_script_was_cut_off_is_noted(cache: Cache) -> None:
    cache.machines.kill(A)
    cache.machines.dead.add(A)
    cache.machines.cut_off = "REPLICAOF NO ONE"
    cache.lead(B)
    assert cache.record().leader == B


def test_nobody_leads_a_service_that_is_not_installed(cache: Cache) -> None:
    cache.registry.store.delete(service_keys.installed(SERVICE))
    with pytest.raises(StepFailed, match="cache is not installed by flstr"):
        cache.lead(B)


def test_one_that_does_not_run_cannot_lead(cache: Cache) -> None:
    cache.machines.kill(B)
    with pytest.raises(StepFailed, match="service102: the Redis of cache does not answer, so it cannot lead"):
        cache.lead(B)
    assert cache.record().leader == A


def test_a_machine_that_is_not_reached_is_left_out(cache: Cache) -> None:
    cache.machines.kill(A)
    cache.machines.dead.add(A)
    cache.lead(B)
    eventually(lambda: cache.is_led_by(B, but=A))
    assert cache.reports[-1] == "service102 leads cache; service101 did not answer, and follows once it does"


def test_a_machine_whose_connection_hangs_is_not_waited_for(cache: Cache) -> None:
    cache.machines.kill(A)
    cache.machines.hanging.add(A)
    cache.lead(B)
    assert not cache.machines.let_go.is_set()
    eventually(lambda: cache.is_led_by(B, but=A))
    cache.machines.let_go.set()


def test_one_that_does_not_run_follows_once_it_does(cache: Cache) -> None:
    cache.machines.kill(C)
    cache.lead(B)
    cache.machines.start(C)
    eventually(lambda: cache.is_led_by(B))


class Watched:
    """The watch over the cache, whose verdicts are carried out at once."""

    def __init__(self, cache: Cache) -> None:
        self.verdicts: list[Verdict] = []
        self._cache = cache
        talk = cast("Callable[[str, str], Any]", cache.machines.talk)
        self._watch = LeaderWatch(talk, self._act, ask_of=lambda _: cache.machines.files.ask)
        self._know()
        self._thread = threading.Thread(target=self._watch.run)
        self._thread.start()

    def stop(self) -> None:
        self._watch.stop()
        self._thread.join()

    def _know(self) -> None:
        self._watch.know(self._cache.registry.cluster(), self._cache.registry.read())

    def _act(self, verdict: Verdict) -> None:
        self.verdicts.append(verdict)
        self._cache.lead(verdict.leader)
        self._know()


@pytest.fixture
def watched(cache: Cache) -> Iterator[Watched]:
    watched = Watched(cache)
    yield watched
    watched.stop()


def test_a_leader_that_is_killed_gives_way_and_follows_when_it_is_back(cache: Cache, watched: Watched) -> None:
    cache.machines.cli(A, "SET", "greeting", "hello")
    assert cache.machines.ask(A, "WAIT", "2", "60000") == "2"
    cache.machines.kill(A)
    cache.machines.dead.add(A)
    eventually(lambda: cache.record().leader in (B, C))
    new = cache.record().leader or ""
    assert cache.machines.cli(new, "GET", "greeting") == "hello"
    assert cache.machines.cli(new, "SET", "greeting", "still here") == "OK"
    # As its own file says, it leads when it starts.
    assert cache.machines.leader_file(A) == ""
    cache.machines.start(A)
    cache.machines.dead.clear()
    eventually(lambda: cache.is_led_by(new))
    assert cache.machines.cli(A, "GET", "greeting") == "still here"
    assert [(one.instead_of, one.wrong) for one in watched.verdicts] == [(A, ()), (None, (A,))]


def test_while_the_followers_hear_the_leader_nothing_moves_though_flstr_does_not(
    cache: Cache, watched: Watched
) -> None:
    cache.machines.dead.add(A)
    threading.Event().wait(9)
    assert watched.verdicts == []
    assert cache.record().leader == A


@pytest.mark.parametrize(
    "script",
    [
        look_script(files_of(SERVICE)),
        hand_over_script(SERVICE, files_of(SERVICE), Leader(B, "10.0.0.2", 6379)),
        lead_script(SERVICE, files_of(SERVICE)),
        follow_script(SERVICE, files_of(SERVICE), Leader(B, "10.0.0.2", 6379)),
    ],
)
def test_shellcheck_finds_nothing(script: str) -> None:
    shellcheck(wrapped(script, HostFence(1)))


def test_nor_in_the_program_that_is_kept_running() -> None:
    shellcheck(watch_script())
    assert subprocess.run(["bash", "-nc", watch_script()], check=False).returncode == 0
