"""Controllers as a fleet: more of them, one in the place of another, one that is lost, a reboot, another version."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from executors.control.access import Access, reach
from executors.control.archive import PROGRAM, Archive, pack
from executors.control.given import Given
from executors.control.install import ClientSigner, Controllers
from executors.control.rolling import Rolling
from executors.ssh import Ssh
from gitops.registry import Registry
from lab.cloud.settings import CloudSettings
from lab.errors import LabError
from lab.story.asking import Asking
from lab.story.chapters import BUILD_UP_SECONDS
from lab.story.chat import APPROVE, OPERATOR, REVIEWER, Card
from lab.story.control_stage import ETCD_UNIT, FLSTR_UNIT, ControlStage
from lab.story.stage import APP_HOST
from lab.surroundings import Wishes
from model import keys
from model.errors import StepFailed
from model.operation import Operation
from model.registered import ControllerRecord, EtcdMember

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(900)]

ONE, THREE = "role: controller\n    count: 1\n", "role: controller\n    count: 3\n"
# One worker and one instance; whoever is dead is known to be in seconds.
WISHES = Wishes(
    cloud=CloudSettings(create_seconds=0.5),
    edits={
        "    role: worker\n    count: 2": "    role: worker\n    count: 1",
        "instances: 2": "instances: 1",
        "people:\n  operator:": "not_ready_after: 3s\ndead_after: 6s\n\npeople:\n  operator:",
    },
)
OPERATION_SECONDS, BACK_SECONDS = 300.0, 120.0
NOTHING = "changes nothing: the cluster is as the manifests say"


class Fleet(ControlStage):
    """The controllers, and what their people do."""

    def running(self) -> dict[str, ControllerRecord]:
        """Those that say that they run."""
        found = self.etcd(keys.CONTROLLERS).values()
        return {record.node: record for record in map(ControllerRecord.model_validate_json, found)}

    def members(self) -> dict[str, EtcdMember]:
        """Those that carry etcd, as it is registered."""
        found = self.etcd(keys.ETCD_MEMBERS).values()
        return {member.node: member for member in map(EtcdMember.model_validate_json, found)}

    def records(self) -> set[str]:
        """The operations that have a card."""
        return {card.record for card in self.chat.cards()}

    def await_new(self, before: set[str], words: str) -> Card:
        """The card of a new operation of this title, once it has ended."""
        return self.chat.await_card(
            lambda card: card.record not in before and words in card.text and card.ending is not None,
            f"the end of '{words}'", OPERATION_SECONDS,
        )  # fmt: skip

    def say(self, text: str) -> str:
        """Type a command, again where nobody took it: Slack may still count on a controller that is gone."""
        return repeated(lambda: self.chat.command(OPERATOR, text))

    def destroyed(self, node: str) -> Card:
        """Ask for it, have somebody else approve it by name; the card once it is done."""
        before = self.records()
        self.say(f"/flstr destroy {node}")
        asked = self.chat.await_card(
            lambda it: it.record not in before and f"destroy {node}" in it.text and it.waits, "a card that asks", 60.0
        )
        repeated(lambda: self.chat.click(REVIEWER, asked, APPROVE))
        card = self.chat.await_card(
            lambda it: it.ts == asked.ts and it.ending is not None, f"the end of {node}", OPERATION_SECONDS
        )
        assert card.ending == "done", card.text
        return card

    def steady_leader(self) -> str:
        """The controller that leads, once one does and all say that they run."""
        await_true(self.are_back, "all controllers to be well", BACK_SECONDS)
        return self.leader()

    def reboot(self, node: str) -> None:
        """Shut it down, and boot it again; returns once it is on."""
        self._run(self.around.lab.machines.reboot(node))

    def settle(self) -> None:
        """Wait until nothing is left to do, all that are wanted run, and each has been told of exactly these."""
        await_true(
            # Asked seldom: whoever answers works for the cluster as well.
            lambda: (
                all(card.ending for card in self.chat.cards()) and NOTHING in self.say("/flstr plan")
            ),
            "an empty plan", OPERATION_SECONDS,
        )  # fmt: skip
        await_true(self.are_back, "all controllers to be well", BACK_SECONDS)

    def operation(self, record: str) -> Operation:
        return Operation.model_validate_json(self.etcd(keys.operation(record))[keys.operation(record)])

    def told(self, node: str) -> set[str]:
        """The members that flstr on a controller was told of."""
        line = self.inside(node, "sed -n 's/^FLSTR_ETCD_ENDPOINTS=//p' /etc/flstr/flstr.env")
        return set(line.strip().strip('"').split(","))

    def endpoints(self) -> set[str]:
        """Where the members are."""
        return {f"https://{member.address}:2379" for member in self.members().values()}

    def stand(self) -> list[str]:
        """The controllers that run flstr, carry etcd, are told of exactly those that do, and have told it their
        machine, which says where it registers itself."""
        running, endpoints = self.running(), self.endpoints()
        known = [
            node
            for node in self.members()
            if self.told(node) == endpoints
            and all(one in self.inside(node, "cat /usr/local/lib/flstr/register") for one in endpoints)
        ]
        return sorted(node for node in known if node in running)

    def version(self, node: str) -> str:
        """What the next start of flstr runs."""
        return self.inside(node, "cat /opt/flstr/current/VERSION").strip()

    def shell(self, *words: str, **changes: str) -> str:
        """What the `flstr` command prints on the laptop."""
        done = subprocess.run(
            [sys.executable, "-m", "cli", *words],
            env={**os.environ, **self.around.environment(), "FLSTR_EMAIL": "operator@flstr.lab", **changes},
            capture_output=True, text=True, timeout=240, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    @contextmanager
    def rolling(self, archive: Archive, report: Callable[[str], None]) -> Iterator[Rolling]:
        """As the laptop upgrades, to some archive, and with little patience."""
        access, key = Access(self.around.state / "control"), self.around.state / "ssh" / "id_ed25519"
        hosts = {known.node: known.host() for known in access.controllers()}
        given = Given({}, {}, key, self.around.state / "age" / "identity")
        with closing(Ssh(hosts.get, key)) as ssh, closing(reach(ssh, access.controllers(), access.tls)) as store:
            controllers = Controllers(ssh, lambda _: archive, given, no_signer, runs=False)
            yield Rolling(controllers, store, report, up_seconds=3.0)


def no_signer(_registry: Registry) -> ClientSigner:
    raise AssertionError("an upgrade without settings certifies nobody")


def await_true(holds: Callable[[], bool], what: str, seconds: float) -> None:
    deadline, why = time.monotonic() + seconds, ""
    while time.monotonic() < deadline:
        try:
            if holds():
                return
        except LabError as error:
            why = f": {error}"
        time.sleep(0.2)
    raise AssertionError(f"waited {seconds:.0f} s for {what}{why}")


def repeated(act: Callable[[], str]) -> str:
    """What somebody is told, who tries until they are."""
    deadline = time.monotonic() + BACK_SECONDS
    while True:
        try:
            return act()
        except LabError:
            if time.monotonic() > deadline:
                raise


@contextmanager
def app_in_use(fleet: Fleet) -> Iterator[None]:
    """Somebody uses the app all the while, and is answered."""
    with Asking(fleet.servers()["ingress016"], APP_HOST) as asking:
        yield
    assert asking.tally.failures == []
    assert asking.tally.requests > 100


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with Fleet(f"fleet-{os.getpid()}", WISHES) as fleet:
        fleet.bootstrap()
        fleet.chat.await_card(lambda card: card.ending == "done", "the first operation to end", BUILD_UP_SECONDS)
        yield fleet


def test_one_controller_becomes_three_by_a_merged_branch(fleet: Fleet) -> None:
    assert fleet.controllers() == ["controller001"]
    before = fleet.records()
    with app_in_use(fleet):
        fleet.merge("three-controllers", {ONE: THREE})
        card = fleet.await_new(before, "controller003")
        assert card.ending == "done", card.text
        fleet.settle()
    three = ["controller001", "controller002", "controller003"]
    assert fleet.stand() == three
    assert len(fleet.endpoints()) == 3
    # The laptop, which has known one of them, learns of the others.
    said = fleet.shell("status")
    assert all(node in said for node in three)
    assert [known.node for known in Access(fleet.around.state / "control").controllers()] == three


def test_the_controller_that_leads_is_replaced_and_the_operation_goes_on(fleet: Fleet) -> None:
    before = fleet.records()
    with app_in_use(fleet):
        fleet.say("/flstr scale controller 4")
        assert fleet.await_new(before, "controller004").ending == "done"
        fleet.settle()
        old = fleet.steady_leader()
        card = fleet.destroyed(old)
        fleet.settle()
    losses = fleet.operation(card.record).plan.losses
    assert losses is not None
    assert losses.nodes == (old,)
    assert old not in fleet.servers()
    assert fleet.steady_leader() != old
    assert fleet.stand() == fleet.controllers()
    assert len(fleet.controllers()) == 3


def test_a_controller_that_is_rebooted_comes_back_by_itself(fleet: Fleet) -> None:
    node = fleet.steady_leader()
    before = fleet.running()[node]
    fleet.reboot(node)
    await_true(lambda: fleet.running().get(node, before) != before, f"{node} to be back", BACK_SECONDS)
    await_true(lambda: keys.alive(node) in fleet.etcd(keys.ALIVE), f"{node} to register itself", BACK_SECONDS)
    fleet.settle()
    for unit in (ETCD_UNIT, FLSTR_UNIT, "flstr-node.service", "tinc@vpn_ctrl.service"):
        assert fleet.unit_state(node, unit) == "active", unit
    assert fleet.inside(node, "ls /var/lib/flstr-controller").split().count("etcd") == 0


def test_an_upgrade_to_what_is_there_changes_nothing(fleet: Fleet) -> None:
    before = fleet.running()
    assert "every controller has this version already" in fleet.shell("upgrade")
    assert fleet.running() == before


def test_an_upgrade_brings_the_unit_and_the_settings_of_a_shell_only_where_that_is_said(fleet: Fleet) -> None:
    first, *others = fleet.controllers()
    before = fleet.running()
    fleet.inside(first, "echo '# by hand' >>/etc/systemd/system/flstr.service")
    assert f"upgraded {first}\n" in fleet.shell("upgrade", FLSTR_POLL_SECONDS="2")
    assert "by hand" not in fleet.inside(first, "cat /etc/systemd/system/flstr.service")
    assert 'POLL_SECONDS="1.0"' in fleet.inside(first, "grep POLL /etc/flstr/flstr.env")
    assert [fleet.running()[node] for node in others] == [before[node] for node in others]

    said = fleet.shell("upgrade", "--settings", FLSTR_POLL_SECONDS="2")
    assert "settings of this shell: " in said
    assert "upgraded " in said
    for node in fleet.controllers():
        assert 'POLL_SECONDS="2.0"' in fleet.inside(node, "grep POLL /etc/flstr/flstr.env")
        assert fleet.told(node) == fleet.endpoints()
    assert "this version and these settings already" in fleet.shell("upgrade", "--settings", FLSTR_POLL_SECONDS="2")


def test_an_upgrade_that_was_killed_has_a_version_to_go_back_to(fleet: Fleet, tmp_path: Path) -> None:
    nodes = fleet.controllers()
    leads = fleet.steady_leader()
    first = next(node for node in nodes if node != leads)
    good = fleet.running()[first].version
    broken = Archive(tmp_path / "broken.tar.gz", "0123456789abcdef")
    pack({PROGRAM: b"#!/bin/sh\necho this one is broken\nexit 1\n".__bytes__}, broken.version, broken.path)

    def killed(line: str) -> None:
        if " to 0123456789abcdef" in line:
            raise KeyboardInterrupt

    with fleet.rolling(broken, killed) as rolling, pytest.raises(KeyboardInterrupt):
        rolling.roll(nodes)
    assert fleet.version(first) == broken.version
    await_true(lambda: first not in fleet.running(), f"{first} to be down", BACK_SECONDS)
    with fleet.rolling(broken, print) as rolling, pytest.raises(StepFailed) as failed:
        rolling.roll(nodes)
    assert f"so it has {good} again, as it was; its journal says: this one is broken" in failed.value.sentence
    assert fleet.version(first) == good
    fleet.settle()


def test_without_enough_that_live_no_other_goes_and_the_dead_one_is_replaced(fleet: Fleet) -> None:
    dead = fleet.steady_leader()
    living = next(node for node in fleet.controllers() if node != dead)
    with app_in_use(fleet):
        fleet.cut_power(dead)
        await_true(lambda: keys.dead(dead) in fleet.etcd(keys.DEAD), f"{dead} to be given up", BACK_SECONDS)
        said = fleet.say(f"/flstr destroy {living}")
        assert f"without {living} 1 of etcd's 2 members would live, and 2 are needed; bring {dead} back" in said
        fleet.destroyed(dead)
        before = fleet.records()
        fleet.say("/flstr scale controller 3")
        assert fleet.await_new(before, "add controller").ending == "done"
        fleet.settle()
    # Where it was the last one of its pool, the other one has its name.
    assert keys.dead(dead) not in fleet.etcd(keys.DEAD)
    assert living in fleet.controllers()
    assert fleet.stand() == fleet.controllers()
    assert len(fleet.controllers()) == 3


def test_three_become_five_of_which_two_may_be_lost(fleet: Fleet) -> None:
    before = fleet.records()
    with app_in_use(fleet):
        fleet.say("/flstr scale controller 5")
        assert fleet.await_new(before, "add controller").ending == "done"
        fleet.settle()
        assert len(fleet.members()) == 5
        assert fleet.stand() == fleet.controllers()
        for node in fleet.controllers()[:2]:
            fleet.cut_power(node)
        assert NOTHING in fleet.say("/flstr plan")
