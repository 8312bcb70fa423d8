"""How controllers are upgraded: in which order, never more than one of them down, and back where one is not well."""

from pathlib import Path

import pytest

from executors.control.archive import Archive
from executors.control.given import Given
from executors.control.install import Controllers
from executors.control.rolling import Rolling, in_order, others_down
from executors.control.signing import signer_of
from executors.control.standing import Standing, standing
from executors.script import wrapped
from gitops.certificates import key_safe
from gitops.executor import HostFence
from gitops.installed import installed_as
from gitops.registry import Registry
from gitops.store import Store
from model import keys
from model.errors import Fenced, StepFailed
from model.registered import ControllerRecord, EtcdMember
from tests.executors.expected import shellcheck
from tests.executors.scripted import Answer, ScriptedRemote
from tests.identity import IDENTITIES

NODES = ("controller101", "controller102", "controller103")


def now(*running: str, leader: str = "controller101") -> Standing:
    records = {node: ControllerRecord(node=node, version="0123456789abcdef", since=1.0) for node in running}
    return Standing(records, leader, token=5)


def test_followers_first_and_whoever_leads_last() -> None:
    assert in_order(NODES, now(*NODES)) == ["controller102", "controller103", "controller101"]


def test_one_that_is_down_comes_first_as_nobody_misses_it() -> None:
    assert in_order(NODES, now("controller101", "controller102")) == [
        "controller103", "controller102", "controller101"
    ]  # fmt: skip


def test_nobody_is_restarted_while_another_is_down() -> None:
    two = now("controller101", "controller102")
    assert others_down("controller102", NODES, two) == ["controller103"]
    assert others_down("controller103", NODES, two) == []


def test_the_machines_obey_the_leaders_token_or_any_later_one_where_nobody_leads(store: Store) -> None:
    store.put(keys.EPOCH, "2")
    store.put(keys.LEADER, "controller102")
    created = store.create_revision(keys.LEADER)
    assert created is not None
    led = standing(store)
    assert (led.leads, led.token) == ("controller102", 2 << 40 | created)
    store.delete(keys.LEADER)
    nobody = standing(store)
    assert nobody.leads == ""
    assert nobody.token > led.token
    store.put(keys.LEADER, "controller103")
    assert standing(store).token > nobody.token


NODE, OLD, NEW = "controller101", "fedcba9876543210", "0123456789abcdef"
UPLOAD, SETTLING, UPGRADING, GOING_BACK = "an upload", "of this shell", "start_at_boot", "/stable/unit"


class Obeying(ScriptedRemote):
    """Machines that obey whoever leads; somebody else does as soon as one of the `elections` goes on the way, a part of
    a script or `UPLOAD`."""

    def __init__(self, store: Store, answer: Answer) -> None:
        super().__init__(answer)
        self._store = store
        self.elections: list[str] = []

    def run(self, node: str, script: str, fence: HostFence, *rest: object, **more: object) -> str:
        self._elect(script)
        if fence.leader < standing(self._store).token:
            raise Fenced(f"{node}: this machine already obeys a newer controller")
        return super().run(node, script, fence)

    def upload(self, node: str, file: Path, to: str, fence: HostFence, *rest: object, **more: object) -> None:
        super().upload(node, file, to, fence)
        self._elect(UPLOAD)

    def _elect(self, script: str) -> None:
        if (part := next((one for one in self.elections if one in script), None)) is not None:
            self.elections.remove(part)
            self._store.delete(keys.LEADER)
            self._store.put(keys.LEADER, "controller102")


class Field:
    """One controller that leads, and runs what it was told to, unless that does not come up."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store = store
        self.has, self.runs, self.stable, self.comes_up = OLD, OLD, "", True
        self.unit_differs, self.since = False, 1.0
        self.said: list[str] = []
        self.remote = Obeying(store, self._answer)
        (folder / "key").write_text("a key\n")
        self.given = Given({"HCLOUD_TOKEN": "of this shell"}, {}, folder / "key", folder / "key")
        member = EtcdMember(node=NODE, address="10.110.0.1", member_id="a")
        store.write({keys.etcd_member(NODE): member.to_json(), keys.installed(NODE): f"{OLD} told before"})
        store.put(keys.LEADER, NODE)
        self._tell()

    def upgrade(self, *, settings: bool = False) -> str:
        signer = signer_of(self.store, key_safe(IDENTITIES), "small")
        archive = Archive(Path("archive"), NEW)
        controllers = Controllers(self.remote, lambda _: archive, self.given, lambda _: signer, runs=False)
        return Rolling(controllers, self.store, self.said.append, settings, up_seconds=0.5).roll([NODE])

    def noted(self) -> str:
        return Registry(self.store).read().installed[NODE]

    def ran(self, part: str) -> bool:
        return any(part in script for _, script in self.remote.ran)

    def _answer(self, _node: str, script: str) -> str:
        shellcheck(wrapped(script, HostFence(1)))
        if "getconf" in script:
            return f"machine x86_64 3.11 2.36\nversion {self.has}\n"
        if 'mv -T "$new" /opt/flstr/stable' in script:
            self.stable = self.runs
        elif "start_at_boot" in script:
            said = "restarted\n" if self.has != NEW or self.unit_differs else ""
            self.has = NEW
            if said and self.comes_up:
                self.runs = NEW
                self._tell()
            return said
        elif "/stable/unit" in script:
            self.has = self.stable or self.has
            return f"{self.stable}\n"
        return "Traceback: its last words\n" if "journalctl" in script else ""

    def _tell(self) -> None:
        self.since += 1.0
        record = ControllerRecord(node=NODE, version=self.runs, since=self.since)
        self.store.put(keys.controller(NODE), record.to_json())


@pytest.fixture
def field(store: Store, tmp_path: Path) -> Field:
    return Field(store, tmp_path)


def test_what_ran_well_is_kept_and_what_it_was_told_of_etcd_stays_noted(field: Field) -> None:
    assert field.upgrade() == f"upgraded {NODE}"
    assert field.stable == OLD
    assert field.noted() == f"{NEW} told before"
    assert not field.ran("of this shell")


def test_where_all_is_there_already_nothing_changes(field: Field) -> None:
    field.upgrade()
    assert field.upgrade() == "every controller has this version already"
    assert field.said[-1] == f"{NODE}: sending flstr {NEW}"


def test_a_unit_that_differs_is_brought_with_the_same_version(field: Field) -> None:
    field.upgrade()
    field.unit_differs = True
    assert field.upgrade() == f"upgraded {NODE}"


def test_the_settings_of_the_shell_come_where_that_is_said(field: Field) -> None:
    assert field.upgrade(settings=True) == f"upgraded {NODE}"
    assert field.ran("of this shell")
    assert field.noted() == installed_as(NEW, Registry(field.store).read())


@pytest.mark.parametrize("meanwhile", ["getconf", UPLOAD, SETTLING, UPGRADING])
def test_leadership_may_change_meanwhile(field: Field, meanwhile: str) -> None:
    field.remote.elections = [meanwhile]
    assert field.upgrade(settings=True) == f"upgraded {NODE}"
    assert field.remote.elections == []
    assert field.noted() == installed_as(NEW, Registry(field.store).read())


def test_leadership_may_change_on_the_way_back(field: Field) -> None:
    field.comes_up, field.remote.elections = False, ["journalctl", GOING_BACK]
    with pytest.raises(StepFailed, match=f"so it has {OLD} again, as it was; .*last words"):
        field.upgrade()
    assert (field.has, field.remote.elections) == (OLD, [])


def test_leadership_that_changes_again_and_again_is_said_in_a_sentence(field: Field) -> None:
    field.remote.elections = [UPGRADING] * 10
    with pytest.raises(StepFailed, match=r"obeys a newer controller; leadership changes again and again, so say it"):
        field.upgrade()
    assert field.has == OLD


def test_one_that_does_not_come_up_is_as_it_was(field: Field) -> None:
    field.comes_up = False
    with pytest.raises(StepFailed, match=f"did not come up within 0 s, so it has {OLD} again, as it was; .*last words"):
        field.upgrade()
    assert field.has == OLD
    assert field.noted() == f"{OLD} told before"


def test_what_was_killed_in_the_middle_is_not_what_is_gone_back_to(field: Field) -> None:
    field.stable, field.has, field.comes_up = OLD, NEW, False
    with pytest.raises(StepFailed, match=f"so it has {OLD} again"):
        field.upgrade()
    assert field.has == OLD


def test_where_nothing_ever_ran_well_it_is_said(field: Field) -> None:
    field.has, field.comes_up = NEW, False
    with pytest.raises(StepFailed, match="there is nothing that ran there before to go back to"):
        field.upgrade()
