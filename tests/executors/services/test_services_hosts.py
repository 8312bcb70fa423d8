"""Real machines: a service applied and removed by its playbook, and the sandbox as a controller's unit allows it."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from executors.backups.folder import FolderPlace
from executors.script import STATE_FOLDER
from executors.services.backing_up import BackingUp
from executors.services.kept import Keeping, KeptService, kept_file
from executors.services.playbooks import Playbooks
from executors.services.sandbox import inside
from executors.services.steps import Services
from executors.templates import quote, render
from gitops.backups.service_notes import read_note
from gitops.certificates import key_safe
from gitops.repository import ClusterRepo
from gitops.service_secrets import ServiceSecrets
from gitops.store import Store
from model.service import Service
from model.service_steps import ApplyService, BackUpService, RemoveService, RestoreService
from tests.executors.rented import RentedHosts, rented_hosts
from tests.executors.services.rented_services import NODES, RentedServices, cluster_of
from tests.identity import IDENTITIES

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(600)]

CLUSTER = cluster_of(hubs=["ingress"], members=["worker", "service"], backups={"to": "/mnt/backups"})
SERVICE = Service.model_validate(
    {
        "service": "queue",
        "playbook": "playbooks/queue.yml",
        "pool": "service",
        "port": 5672,
        "publish": {"port": 5672},
        "env_prefix": "QUEUE",
        "env": {"PROTOCOL": "amqp"},
        "passwords": ["admin"],
        "keeps_data": True,
        "variables": {"queue_folder": "/var/lib/queue"},
    }
)
REDIS = Service.model_validate(
    {
        "service": "cache",
        "playbook": "redis",
        "nodes": [NODES[0]],
        "publish": {"port": 6379},
        "env_prefix": "CACHE",
        "within": "300s",
    }
)
# What the unit of flstr on a controller may do, from its first line on to its last.
HARDENING = ("NoNewPrivileges=yes", "CapabilityBoundingSet=")


class Field(RentedServices):
    """Two machines, and a cluster repo with a playbook."""

    def __init__(self, rented: RentedHosts, store: Store, folder: Path) -> None:
        super().__init__(rented, store, folder, CLUSTER, "queue")
        git = folder / "git"
        for words in (
            ["init", "--quiet", "--initial-branch=main", str(git)],
            ["-C", str(git), "add", "."],
            ["-C", str(git), "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "-m", "a"],
        ):
            subprocess.run(["git", *words], check=True)
            if words[0] == "init":
                subprocess.run(["cp", "-a", str(Path(__file__).parent / "playbooks"), str(git)], check=True)
        repo = ClusterRepo(str(git), folder / "state/cluster.git")
        repo.fetch()
        self.source = repo.files(repo.head())["playbooks"]
        playbooks = Playbooks(self.ssh, key_safe(IDENTITIES), repo.export, self.controller)
        keeping = Keeping(self.ssh)
        self.services = Services(playbooks, keeping)
        self.place = FolderPlace(folder)
        self.backing_up = BackingUp(
            self.ssh, playbooks, keeping, lambda _: self.place, IDENTITIES, folder / "state/made"
        )

    def apply(self) -> None:
        step = ApplyService(service=SERVICE, nodes=NODES, leader=NODES[0], source=self.source, digest="0" * 16)
        self.services.apply(step, self.context)


@pytest.fixture(scope="module")
def field(etcd_endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    """Rented once."""
    folder = tmp_path_factory.mktemp("services")
    with rented_hosts(etcd_endpoint) as (rented, store):
        yield Field(rented, store, folder)


def test_a_service_of_a_playbook_of_its_own_is_applied_noted_backed_up_and_removed(field: Field) -> None:
    for node in NODES:
        field.on(node, "mkdir /var/lib/queue")
    step = ApplyService(service=SERVICE, nodes=NODES, leader=NODES[0], source=field.source, digest="0" * 16)
    assert [line.split(":")[0] for line in field.services.preview(step, field.registry)] == list(NODES)
    assert field.on(NODES[0], "ls /var/lib/queue") == ""
    field.apply()
    for number, node in enumerate(NODES, start=1):
        said = field.on(node, f"cat /var/lib/queue/{node}/told")
        assert said.startswith(f"apply queue 5672 10.111.0.{number} leader=service101")
    record = field.record("queue")
    assert (record.nodes, record.leader, record.digest) == (NODES, "service101", "0" * 16)
    assert record.source == field.source
    kept = [field.on(node, f"stat -c %a {kept_file('queue')}; cat {kept_file('queue')}") for node in NODES]
    assert {one.partition("\n")[0] for one in kept} == {"600"}
    assert [KeptService.model_validate_json(one.partition("\n")[2]).record for one in kept] == [record, record]
    field.apply()
    assert field.told[-1] == "queue: service101 ok=5 changed=0, service102 ok=5 changed=0"
    data = f"/var/lib/queue/{NODES[0]}/data"
    field.on(NODES[0], f"echo kept >{data}")
    field.backing_up.back_up(BackUpService(service="queue"), field.context)
    field.on(NODES[0], f"echo lost >{data}")
    restored = RestoreService(service="queue", backup=read_note(field.store, "queue").name)
    field.backing_up.restore(restored, field.context)
    assert field.on(NODES[0], f"cat {data}") == "kept\n"
    field.services.remove(RemoveService(service=SERVICE, nodes=NODES[1:], source=field.source), field.context)
    assert field.on(NODES[1], f"cat /var/lib/queue/{NODES[1]}/told").startswith("remove queue")
    assert [field.on(node, f"ls {kept_file('queue')} || true") != "" for node in NODES] == [True, False]
    record = field.record("queue")
    assert record.nodes == NODES[:1]


def test_a_playbook_of_ours_changes_nothing_a_second_time_and_its_secrets_are_told_to_nobody(field: Field) -> None:
    # One machine: nothing has opened the firewall between two.
    step = ApplyService(service=REDIS, nodes=NODES[:1], leader=NODES[0], digest="1" * 16)
    assert [line.split(":")[0] for line in field.services.preview(step, field.registry)] == [NODES[0]]
    field.services.apply(step, field.context)
    password = ServiceSecrets(field.registry.store, key_safe(IDENTITIES)).read("cache")["password"].decode()
    assert not any(password in line for line in field.told)
    told = len(field.told)
    field.services.apply(step, field.context)
    assert len(field.told) == told + 1
    assert field.told[-1].endswith("changed=0")
    assert field.services.preview(step, field.registry) == []


def test_the_unit_of_a_controller_lets_it_have_its_sandbox(field: Field) -> None:
    unit = render(
        "controller/flstr.service.j2", user="flstr", env="/dev/null", current="/opt", state_name="flstr-tried",
        mounts="/mnt /srv /media",
    )  # fmt: skip
    lines = [line for line in unit.splitlines() if "=" in line and not line.startswith("#")]
    first, last = (lines.index(line) for line in HARDENING)
    options = [*lines[first : last + 1], "User=flstr", "StateDirectory=flstr-tried", "StateDirectoryMode=0700"]
    seen = "ls -A . /var/lib/flstr-tried; python3 -c 'import multiprocessing; multiprocessing.Lock()'"
    inner = inside(Path("/var/lib/flstr-tried/ansible-1"), [Path("/var/lib/flstr-tried")], ["sh", "-c", seen])
    script = (
        "mkdir -p /var/lib/flstr-tried/ansible-1; touch /var/lib/flstr-tried/key /var/lib/flstr-tried/ansible-1/mine; "
        f"exec {' '.join(map(quote, inner))}"
    )
    unit_of_it = ["systemd-run", "--quiet", "--pipe", "--wait", *(f"-p{one}" for one in options)]
    command = " ".join(map(quote, [*unit_of_it, "sh", "-c", script]))
    field.on(NODES[0], "id flstr >/dev/null 2>&1 || useradd --system --no-create-home flstr")
    assert field.on(NODES[0], command).split() == [".:", "mine", "/var/lib/flstr-tried:"]
    assert STATE_FOLDER in field.on(NODES[0], f"ls -d {STATE_FOLDER}")
