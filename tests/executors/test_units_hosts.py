"""A real machine: the unit of an instance, its sandbox, its limits, and its secrets, which are seen nowhere else."""

import asyncio
import base64
import hashlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from executors.cloud import CloudSettings
from executors.deploy import deploy_executors
from executors.host_paths import credentials_folder, unit_name, unit_path
from executors.mesh import Mesh
from executors.provision import Provision
from executors.ssh import Ssh
from gitops.app_repos import AppRepos
from gitops.desired import app_keys
from gitops.executor import HostFence, StepContext
from gitops.operations import Operations
from gitops.registry import Registry
from gitops.runner import Runner
from gitops.store import Store
from lab.gitrepo import Commit
from model import keys
from model.app import App
from model.cluster import Cluster
from model.operation import Operation, Origin
from model.steps import BuildRelease, CreateNode, JoinMeshes, Plan, PlannedStep, StartInstance, Step, StopInstance
from tests.executors.example import influencer
from tests.executors.rented import TOKEN, RentedHosts, rented_hosts
from tests.executors.sshd import make_key
from tests.identity import IDENTITIES, encrypted

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(600)]

APPS = Path(__file__).parent / "apps"
WORKER = "worker101"
PASSWORD = b"correct horse battery staple"
# Every byte there is, and lines that a shell or a here-document could trip over.
KEY = bytes(range(256)) + b"\nEND_OF_SECRET\n$(reboot)\n`reboot`\n\n"
CLUSTER = Cluster.model_validate(
    {
        "cluster": "flstr-lab",
        "pools": {"worker": {"role": "worker", "count": 1}},
        "meshes": {"vpn_ingr": {"subnet": "10.111.0.0/24", "port": 762, "hubs": ["worker"]}},
    }
)


class Field:
    """One worker in its mesh, an app that says what it was given, and a runner of operations."""

    def __init__(self, rented: RentedHosts, store: Store, folder: Path) -> None:
        self.store = store
        self.registry = Registry(store)
        key = folder / "client"
        self.ssh = Ssh(self.registry.host, key)
        store.put(keys.CLUSTER, CLUSTER.to_json())
        context = StepContext("op", self.registry, HostFence(1), print)
        machine = CreateNode(
            node=WORKER, pool="worker", role="worker", server_type="cx22", location="fsn1", image="debian-12"
        )
        Provision(self.ssh, CloudSettings(TOKEN, make_key(key), rented.url)).create_node(machine, context)
        Mesh(self.ssh).join(JoinMeshes(nodes=(WORKER,)), context)
        self.operations = Operations(store)
        executors = deploy_executors(self.ssh, IDENTITIES.decrypt, AppRepos(folder / "apps").thin_pack)
        self.runner = Runner(self.operations, self.registry, executors, token=1)
        self.repo = asyncio.run(rented.lab.git.seed("keeper", (Commit("Keep secrets", APPS / "keeper"),)))
        git = ["git", f"--git-dir={rented.lab.git.path('keeper')}", "rev-parse", "main"]
        self.commit = subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()
        store.write(app_keys([self.app()]))

    def app(self, **changes: object) -> App:
        secrets = {"db-password": encrypted(PASSWORD), "tls-key": encrypted(KEY)}
        fields: dict[str, object] = {
            "app": "keeper",
            "repo": self.repo,
            "commit": self.commit,
            "build": None,
            "ingress": [],
            "env_prefix": "KEEPER",
            "variables": {"LOG_LEVEL": 'de"bug %h $HOME\\'},
            "secrets": secrets,
        }
        return influencer(**fields | changes)

    def run(self, *steps: Step) -> Operation:
        planned = [
            PlannedStep(id=str(number), title=step.kind, step=step, after=(str(number - 1),) if number else ())
            for number, step in enumerate(steps)
        ]
        operation = self.operations.create(Plan(title="keeper", steps=tuple(planned)), "1" * 40, Origin())
        return self.runner.run(operation, lambda _: None)

    def start(self, app: App, instance: str) -> Operation:
        return self.run(BuildRelease(node=WORKER, app=app), StartInstance(node=WORKER, app=app, instance=instance))

    def stop(self, instance: str) -> Operation:
        return self.run(StopInstance(app_kind="backend", app="keeper", instance=instance, node=WORKER))

    def on(self, script: str) -> str:
        return self.ssh.run(WORKER, script, HostFence(1)).strip()

    def given(self, instance: str) -> Any:
        """What an instance says that it was given."""
        record = self.registry.read().apps["backend", "keeper"].instances[instance]
        return json.loads(self.on(f"curl -s http://{record.ip}:{record.port}/"))


@pytest.fixture(scope="module")
def field(etcd_endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    folder = tmp_path_factory.mktemp("units")
    with rented_hosts(etcd_endpoint) as (rented, store):
        yield Field(rented, store, folder)


FIRST = "1-11111111"
UNIT = unit_name("backend", "keeper", FIRST)


@pytest.fixture(scope="module")
def said(field: Field) -> str:
    """All that flstr logged while the first instance was started."""
    with capture_logs() as logged:
        assert field.start(field.app(), FIRST).status == "done"
    return repr(logged)


def shown(secret: bytes) -> list[str]:
    """A secret as somebody could have written it down."""
    lines = [line for line in secret.decode(errors="replace").splitlines() if len(line) > 7]
    return [*lines, base64.b64encode(secret).decode()[:40], secret.hex()[:40]]


def holds(text: str, secret: bytes) -> list[str]:
    return [form for form in shown(secret) if form in text]


def test_an_instance_reads_its_secrets_byte_for_byte_and_its_variables(field: Field, said: str) -> None:
    given = field.given(FIRST)
    wanted = {"db-password": PASSWORD, "tls-key": KEY}
    assert given["secrets"] == {name: hashlib.sha256(value).hexdigest() for name, value in wanted.items()}
    assert given["variables"]["LOG_LEVEL"] == 'de"bug %h $HOME\\'
    assert given["variables"]["CREDENTIALS_DIRECTORY"] == f"/run/credentials/{UNIT}"


def test_a_secret_is_in_no_key_of_etcd_and_no_line_of_the_log(field: Field, said: str) -> None:
    everything = json.dumps(field.store.prefix(""))
    assert "BEGIN AGE ENCRYPTED FILE" in everything
    assert "step done" in said
    for secret in (PASSWORD, KEY):
        assert holds(everything, secret) == []
        assert holds(said, secret) == []


def test_a_secret_is_in_no_unit_and_in_no_environment_of_its_machine(field: Field, said: str) -> None:
    seen = field.on(
        f"cat {unit_path('backend', 'keeper', FIRST)}; systemctl show {UNIT}; "
        "cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n'; journalctl --no-pager --output=cat"
    )
    assert "LoadCredential=db-password:" in seen
    assert "KEEPER_HOST=127.0.0.1" in seen
    assert holds(seen, PASSWORD) + holds(seen, KEY) == []


def test_the_files_of_secrets_are_for_root_alone(field: Field, said: str) -> None:
    folder = credentials_folder(UNIT)
    modes = field.on(f"stat -c '%a %U %n' {folder} {folder}/* && ls -A {folder} | wc -l")
    assert modes.splitlines() == [
        f"700 root {folder}",
        f"600 root {folder}/db-password",
        f"600 root {folder}/tls-key",
        "2",
    ]
    assert "Permission denied" in field.on(
        f"setpriv --reuid=nobody --clear-groups cat {folder}/db-password 2>&1 || true"
    )


def test_started_again_an_instance_goes_on_undisturbed(field: Field, said: str) -> None:
    process = field.on(f"systemctl show --property=MainPID {UNIT}")
    assert field.start(field.app(secrets=field.app().secrets), FIRST).status == "done"
    assert field.on(f"systemctl show --property=MainPID {UNIT}") == process


def test_the_sandbox_is_tight_by_default(field: Field, said: str) -> None:
    rated = field.on(f"systemd-analyze security --no-pager --threshold=15 {UNIT} && echo tight")
    assert rated.endswith("tight"), rated
    offline = (
        f"systemd-analyze security --offline=true --no-pager --threshold=15 {unit_path('backend', 'keeper', FIRST)}"
    )
    assert field.on(f"{offline} && echo tight").endswith("tight")


def test_an_instance_has_the_limits_of_its_manifest(field: Field, said: str) -> None:
    app = field.app(tasks=77, memory="96M", restart="on-failure", hardening={"PrivateUsers": False})
    assert field.start(app, "2-22222222").status == "done"
    unit = unit_name("backend", "keeper", "2-22222222")
    names = "TasksMax MemoryMax Restart PrivateUsers DynamicUser"
    found = field.on(f"for name in {names}; do systemctl show --property=$name --value {unit}; done")
    assert found.split() == ["77", str(96 * 1024 * 1024), "on-failure", "no", "yes"]
    assert field.stop("2-22222222").status == "done"


@pytest.mark.parametrize(
    "hardening",
    [
        {"ProtectHome": "read-only", "ProtectProc": "default", "PrivateDevices": False, "LockPersonality": False},
        {
            "RestrictAddressFamilies": ["AF_NETLINK", "AF_ALG"],
            "RestrictNamespaces": ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"],
            "SystemCallArchitectures": ["x86"],
            "SystemCallFilter": ["@cpu-emulation", "@debug", "@mount", "@pkey"],
        },
    ],
)
def test_an_instance_runs_with_every_setting_loosened(field: Field, said: str, hardening: dict[str, object]) -> None:
    instance = "3-33333333"
    assert field.start(field.app(hardening=hardening), instance).status == "done"
    assert "keeper" in json.dumps(field.given(instance)["variables"])
    assert field.stop(instance).status == "done"


def test_a_start_that_fails_shows_no_secret_even_where_the_app_does(field: Field, said: str) -> None:
    instance = "4-44444444"
    with capture_logs() as logged:
        ended = field.start(field.app(run="indiscreet.sh"), instance)
    assert ended.status == "failed"
    # On a busy machine it may have been started again by then.
    assert set(ended.steps["1"].output.splitlines()) == {"the password is ****"}
    assert holds(repr(logged) + ended.to_json() + json.dumps(field.store.prefix("")), PASSWORD) == []
    assert instance not in field.on("ls /var/lib/flstr/credentials /etc/systemd/system")


def test_an_instance_that_is_stopped_leaves_no_secret(field: Field, said: str) -> None:
    assert field.stop(FIRST).status == "done"
    assert (
        field.on("ls -A /var/lib/flstr/credentials /run/credentials 2>/dev/null | grep keeper || echo none") == "none"
    )
    assert field.on("find / -xdev -name db-password 2>/dev/null | wc -l") == "0"
