"""flstr on a controller: what goes there, in which order, and what is noted; machines answer as they are told."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from executors.control import install as install_module
from executors.control import paths
from executors.control.archive import Archive
from executors.control.dependencies import Machine
from executors.control.given import Given
from executors.control.install import Controllers, parse_facts, unit_file
from executors.control.signing import signer_of
from executors.script import wrapped
from gitops.certificates import key_safe
from gitops.executor import HostFence, StepContext
from gitops.installed import installed_as
from gitops.registry import Registry
from gitops.store import Store
from model import keys
from model.errors import StepFailed
from model.registered import ControllerRecord, EtcdMember
from model.steps import InstallController, RetireController
from tests.executors.expected import shellcheck
from tests.executors.scripted import ScriptedRemote
from tests.identity import IDENTITIES

DOCS = Path(__file__).parents[3] / "docs"
NODE = "controller102"
VERSION = "0123456789abcdef"
OLDER = "fedcba9876543210"
MACHINE = "machine x86_64 3.11 2.36\n"
REQUEST = "openssl req"


class Field:
    """Controllers that answer as a test says: what they have, and what comes of their scripts."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store = store
        self.has = ""
        self.csr = ""
        self.said = ""
        self.on_run: Callable[[], None] = lambda: None
        self.told: list[str] = []
        self.remote = ScriptedRemote(self._answer)
        (folder / "ssh").write_text("an SSH key\n")
        (folder / "age").write_text("an identity\n")
        self.given = Given({"HCLOUD_TOKEN": "it's $ecret"}, {}, folder / "ssh", folder / "age")
        self.archive = Archive(folder / f"{VERSION}.tar.gz", VERSION)
        self.context = StepContext("op", Registry(store), HostFence(1), lambda _: None, self.told.append)
        members = {
            node: EtcdMember(node=node, address=f"10.110.0.{at}", member_id="a")
            for at, node in enumerate(("controller101", NODE), 1)
        }
        for node, member in members.items():
            store.put(keys.etcd_member(node), member.to_json())
        self.registry = self.context.registry

    def controllers(self, *, runs: bool = False) -> Controllers:
        signer = signer_of(self.store, key_safe(IDENTITIES), "small")
        return Controllers(self.remote, lambda _: self.archive, self.given, lambda _: signer, runs)

    def _answer(self, _node: str, script: str) -> str:
        shellcheck(wrapped(script, HostFence(1)))
        if "getconf" in script:
            return MACHINE + (f"version {self.has}\n" if self.has else "")
        if REQUEST in script:
            return self.csr
        if "start_at_boot" in script or "is-active" in script:
            self.on_run()
            return self.said
        return "Traceback: its last words\n"


@pytest.fixture
def field(store: Store, tmp_path: Path) -> Field:
    return Field(store, tmp_path)


def the_script(field: Field, part: str) -> str:
    (script,) = [script for _, script in field.remote.ran if part in script]
    return script


def test_the_archive_then_everything_else_and_what_was_installed_is_noted(field: Field) -> None:
    field.controllers().install(InstallController(node=NODE), field.context)
    assert field.remote.uploaded == [(NODE, field.archive.path, f"/opt/flstr/archives/{VERSION}.tar.gz")]
    script = the_script(field, REQUEST)
    assert 'HCLOUD_TOKEN="it\'s \\$ecret"' in script
    assert 'FLSTR_ETCD_ENDPOINTS="https://10.110.0.2:2379,https://10.110.0.1:2379"' in script
    assert "an SSH key" in script
    assert field.registry.read().installed == {NODE: installed_as(VERSION, field.registry.read())}


@pytest.mark.parametrize("unit", [unit_file(), (DOCS / "flstr.service").read_text()])
def test_flstr_may_write_where_storage_is_mounted(unit: str) -> None:
    (writable,) = [line for line in unit.splitlines() if line.startswith("ReadWritePaths=")]
    # A machine that lacks one of them starts flstr all the same.
    assert writable.removeprefix("ReadWritePaths=").split() == [f"-{folder}" for folder in paths.MOUNTS]


def test_a_laptop_starts_nothing_and_has_nothing_start_at_boot(field: Field) -> None:
    field.controllers().install(InstallController(node=NODE), field.context)
    script = the_script(field, "is-active")
    assert "--no-block start" not in script
    assert "start_at_boot flstr" not in script


def test_a_flstr_that_ran_before_its_etcd_was_lost_is_stopped_before_it_is_told_of_none(field: Field) -> None:
    field.controllers().install(InstallController(node=NODE), field.context)
    assert "disable --now" not in the_script(field, REQUEST)
    field.remote.ran.clear()
    field.store.delete(*field.store.prefix(keys.ETCD_MEMBERS))
    field.controllers().install(InstallController(node=NODE), field.context)
    script = the_script(field, REQUEST)
    assert script.index("disable --now flstr.service") < script.index('FLSTR_ETCD_ENDPOINTS=""')


def test_only_the_certificate_goes_to_the_key_that_was_made_there(field: Field) -> None:
    field.csr = request()
    field.controllers().install(InstallController(node=NODE), field.context)
    assert "-----BEGIN CERTIFICATE-----" in the_script(field, "is-active")
    assert "PRIVATE KEY" not in the_script(field, "is-active")


def test_a_controller_that_installs_leaves_the_version_that_is_there_and_waits_until_it_is_up(field: Field) -> None:
    field.has, field.said = OLDER, "restarted"

    def comes_up() -> None:
        record = ControllerRecord(node=NODE, version=OLDER, since=2.0)
        field.store.put(keys.controller(NODE), record.to_json())

    before = ControllerRecord(node=NODE, version=OLDER, since=1.0)
    field.store.put(keys.controller(NODE), before.to_json())
    field.on_run = comes_up
    field.controllers(runs=True).install(InstallController(node=NODE), field.context)
    assert field.remote.uploaded == []
    assert "--no-block start" in the_script(field, "is-active")
    assert field.registry.read().installed[NODE].startswith(f"{OLDER} ")


def test_one_that_does_not_come_up_is_told_with_its_last_words(field: Field, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install_module, "UP_SECONDS", 0.0)
    field.said = "started"
    with pytest.raises(StepFailed, match=r"controller102: flstr did not come up .* its last words"):
        field.controllers(runs=True).install(InstallController(node=NODE), field.context)
    assert field.registry.read().installed == {}


def test_one_that_leaves_loses_its_secrets_before_it_is_stopped(field: Field) -> None:
    field.store.put(keys.installed(NODE), f"{VERSION} 0")
    field.controllers(runs=True).retire(RetireController(node=NODE), field.context)
    script = the_script(field, "disable")
    for path in (paths.ENV, paths.KEY, paths.STATE):
        assert script.index(path) < script.index("systemctl --no-block stop")
    assert field.registry.read().installed == {}


def test_one_that_is_dead_is_not_asked(field: Field) -> None:
    field.store.put(keys.dead(NODE), "1000")
    field.controllers(runs=True).retire(RetireController(node=NODE), field.context)
    assert field.remote.ran == []
    assert field.told == ["controller102 does not answer, so that its secrets are destroyed with it"]


def test_a_machine_that_says_nothing_of_itself_is_refused() -> None:
    assert parse_facts(NODE, f"{MACHINE}version {VERSION}\n").machine == Machine("x86_64", "3.11", "2.36")
    with pytest.raises(StepFailed, match="controller102: it does not say what machine it is"):
        parse_facts(NODE, "")


def request() -> str:
    """As the machine's openssl prints it."""
    command = ["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    done = subprocess.run(
        [*command, "-keyout", "/dev/null", "-subj", "/CN=flstr"], capture_output=True, text=True, check=True
    )
    return done.stdout
