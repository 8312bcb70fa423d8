"""The watch over machines on real ones: the power of one is cut, and comes back."""

import time
from collections.abc import Iterator

import pytest

from executors.liveness import Liveness
from model import keys
from model.registered import NodeRecord
from tests.executors.machines import Machines
from tests.executors.rented import rented_hosts

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(600)]

STAY, DIES = ("controller001", "controller002"), "service101"
LOOK_SECONDS, WITHIN_SECONDS = 0.5, 90.0


@pytest.fixture
def machines(etcd_endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    """Three machines that are registered, given up after two seconds of silence."""
    with rented_hosts(etcd_endpoint) as (rented, store):
        machines = Machines(rented, store, tmp_path_factory.mktemp("machines"), "two-hubs")
        machines.store.put(keys.CLUSTER, machines.cluster.model_copy(update={"dead_after": 2.0}).to_json())
        machines.create(*STAY, DIES)
        for node, pool in ((node, machines.cluster.pool_of(node) or "") for node in (*STAY, DIES)):
            host, role = machines.registry.host(node), machines.cluster.pools[pool].role
            ip = "" if host is None or host.ip is None else host.ip
            machines.registry.put_node(NodeRecord(name=node, ip=ip, services=(), role=role, pool=pool))
        yield machines
        machines.ssh.close()


def await_dead(machines: Machines, liveness: Liveness, wanted: set[str]) -> bool:
    """Look until those are given up who should be; nobody else ever is."""
    deadline = time.monotonic() + WITHIN_SECONDS
    while time.monotonic() < deadline:
        liveness.look()
        dead = machines.registry.dead().keys()
        assert dead <= {DIES}
        if dead == wanted:
            return True
        time.sleep(LOOK_SECONDS)
    return False


def test_a_machine_without_power_is_given_up_and_taken_back_once_it_has_booted(machines: Machines) -> None:
    woken: list[float] = []
    liveness = Liveness(machines.registry, machines.ssh.answers, lambda: woken.append(time.monotonic()))
    liveness.look()
    assert machines.registry.dead() == {}
    scripts = list(machines.ssh.ran)
    cut = time.monotonic()
    machines.rented.cut_power(DIES)
    assert await_dead(machines, liveness, {DIES})
    print(f"given up {woken[0] - cut:.1f} s after its power was cut, of which 2 s are dead_after")
    machines.rented.reboot(DIES)
    assert await_dead(machines, liveness, set())
    assert len(woken) == 2
    assert machines.ssh.ran == scripts
