"""Redis on real machines: its leader moves by plan and after a loss, and its data are backed up and restored."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from executors.backups.folder import FolderPlace
from executors.services.backing_up import BackingUp, file_there
from executors.services.kept import Keeping
from executors.services.leader_watch import LeaderWatch
from executors.services.leading import Leading
from executors.services.playbooks import Playbooks
from executors.services.steps import Services
from gitops.backups.service_notes import read_note
from gitops.certificates import key_safe
from gitops.service_failover import Verdict
from gitops.service_leader import led_by
from gitops.service_secrets import ServiceSecrets
from gitops.services import instances_of, meta_data_of
from gitops.store import Store
from model import service_keys
from model.errors import StepFailed
from model.registered import ServiceRecord
from model.service import Service
from model.service_steps import ApplyService, BackUpService, LeadService, RestoreService
from tests.executors.rented import RentedHosts, rented_hosts
from tests.executors.services.rented_services import NODES, RentedServices, cluster_of
from tests.executors.services.writer import Writer
from tests.identity import IDENTITIES

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(900)]

A, B = NODES
SECONDS = 90.0
CLUSTER = cluster_of(hubs=["service"], members=["worker", "ingress"], backups={"to": "/mnt/backups"})
SERVICE = Service.model_validate(
    {"service": "cache", "playbook": "redis", "pool": "service", "publish": {"port": 6380}, "env_prefix": "CACHE"}
)


def eventually(comes_true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not comes_true():
        assert time.monotonic() < deadline
        time.sleep(0.5)


class Field(RentedServices):
    """Two machines with a cache."""

    def __init__(self, rented: RentedHosts, store: Store, folder: Path) -> None:
        super().__init__(rented, store, folder, CLUSTER, "cache")
        store.put(service_keys.meta_data("cache"), meta_data_of(SERVICE).to_json())
        self._open_firewalls()

        def no_export(tree: str, to: Path) -> None:
            raise StepFailed(f"nothing is taken from a cluster repo: {tree}, {to}")

        playbooks = Playbooks(self.ssh, key_safe(IDENTITIES), no_export, self.controller)
        keeping = Keeping(self.ssh)
        self.services, self.leading = Services(playbooks, keeping), Leading(self.ssh)
        mount = folder / "mount"
        mount.mkdir()
        place = FolderPlace(mount)
        self.backing_up = BackingUp(self.ssh, playbooks, keeping, lambda _: place, IDENTITIES, folder / "state/made")
        self.apply(A)

    def apply(self, leader: str) -> None:
        registered = self.registry.read()
        bare = ServiceRecord(service=SERVICE, nodes=NODES)
        # What is noted is what its plan would say.
        digest = led_by(bare.model_copy(update={"digest": ""}), leader, CLUSTER, registered).digest
        self.services.apply(ApplyService(service=SERVICE, nodes=NODES, leader=leader, digest=digest), self.context)

    def lead(self, node: str) -> None:
        self.leading.lead(LeadService(service="cache", leader=node), self.context)

    def redis(self, node: str, *words: str) -> str:
        """What the Redis of a machine answers to an app; nothing where it does not."""
        secret = ServiceSecrets(self.store, key_safe(IDENTITIES)).read("cache")["password"].decode()
        at = instances_of(SERVICE, NODES, CLUSTER, self.registry.read())[node]
        script = f"REDISCLI_AUTH={secret} redis-cli -h {at.ip} -p {at.port} {' '.join(words)} || true"
        return self.on(node, script).strip()

    def add(self, number: int) -> bool:
        """As an app that asks whoever is registered as the leader."""
        return self.redis(self.record("cache").leader or "", "SADD", "numbers", str(number)) == "1"

    def role(self, node: str) -> str:
        said = self.on(node, "flstr-redis-cache INFO replication || true").replace("\r", "").splitlines()
        return " ".join(line for line in said if line.startswith(("role:", "master_link_status:")))

    def is_led_by(self, leader: str) -> bool:
        (follower,) = (node for node in NODES if node != leader)
        return self.role(leader) == "role:master" and self.role(follower) == "role:slave master_link_status:up"

    def _open_firewalls(self) -> None:
        """As a plan does it before the playbook runs."""
        opened = f"firewall-cmd --quiet --zone=$zone --add-port={SERVICE.listens_at}/tcp"
        for node in NODES:
            self.on(node, f"for zone in $(firewall-cmd --get-zones); do {opened}; done")


@pytest.fixture(scope="module")
def field(etcd_endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    """Rented once."""
    folder = tmp_path_factory.mktemp("redis")
    with rented_hosts(etcd_endpoint) as (rented, store):
        yield Field(rented, store, folder)


def test_a_planned_move_loses_no_write_and_leaves_the_playbook_nothing_to_do(field: Field) -> None:
    with Writer(field.add) as writer:
        eventually(lambda: len(writer.taken) > 5)
        field.lead(B)
        before = len(writer.taken)
        eventually(lambda: len(writer.taken) > before + 5)
    eventually(lambda: field.is_led_by(B))
    kept = {int(number) for number in field.redis(B, "SMEMBERS", "numbers").split()}
    assert set(writer.taken) <= kept
    field.apply(B)
    assert [task.name for task in field.tasks.shown if task.changed] == []


def test_the_data_come_back_from_a_backup(field: Field) -> None:
    leader = field.record("cache").leader or ""
    field.redis(leader, "SET", "greeting", "hello")
    field.backing_up.back_up(BackUpService(service="cache"), field.context)
    name = read_note(field.store, "cache").name
    assert name.startswith("flstr-lab.service-cache.")
    assert field.redis(leader, "FLUSHALL") == "OK"
    field.backing_up.restore(RestoreService(service="cache", backup=name), field.context)
    assert field.redis(leader, "GET", "greeting") == "hello"
    assert field.record("cache").restored == name
    eventually(lambda: field.is_led_by(leader))
    for node in NODES:
        assert field.on(node, f"ls {file_there('cache')} 2>/dev/null || true") == ""
        eventually(lambda node=node: field.redis(node, "GET", "greeting") == "hello")  # type: ignore[misc]


def test_a_leader_that_is_lost_gives_way_and_follows_when_it_is_back(field: Field) -> None:
    old = field.record("cache").leader or ""
    (new,) = (node for node in NODES if node != old)
    field.redis(old, "SET", "greeting", "still-here")
    verdicts: list[Verdict] = []

    def act(verdict: Verdict) -> None:
        verdicts.append(verdict)
        field.lead(verdict.leader)
        watch.know(CLUSTER, field.registry.read())

    watch = LeaderWatch(field.ssh.talk, act)
    watch.know(CLUSTER, field.registry.read())
    thread = threading.Thread(target=watch.run)
    thread.start()
    try:
        time.sleep(3)
        field.on(old, "systemctl stop redis-server@cache")
        eventually(lambda: field.record("cache").leader == new)
        assert field.redis(new, "GET", "greeting") == "still-here"
        # It has heard nothing of that: by its own file it leads.
        field.on(old, "printf '' >/etc/redis/flstr-cache-leader.conf && systemctl start redis-server@cache")
        eventually(lambda: field.is_led_by(new))
    finally:
        watch.stop()
        thread.join()
    assert [(one.instead_of, one.wrong) for one in verdicts] == [(old, ()), (None, (old,))]
