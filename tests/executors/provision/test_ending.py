"""The end of a cluster, against the lab's cloud: what bears its label is gone, and the machine that does it goes last."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from hcloud.locations import Location
from hcloud.servers import BoundServer

from executors import ending
from executors.clearing import give_back_all
from executors.cloud import CloudSettings
from executors.ending import Ending, Own, ending_cluster, finish
from executors.labelled import Labelled
from executors.provision import Provision
from gitops import heard
from gitops.executor import HostFence, StepContext
from gitops.registry import Registry
from gitops.store import Fence, Store
from model import keys
from model.errors import Fenced, StepFailed
from model.operation import Card
from model.registered import Orphan
from model.steps import CreateNode, EndCluster
from tests.executors.provision.asking import create
from tests.lab.cloud.running_cloud import AnyClient, RunningCloud

OURS = {"cluster": "small"}
FSN1 = Location(name="fsn1")


def controller(number: int) -> CreateNode:
    made = create(f"controller00{number}")
    return made.model_copy(update={"pool": "controller", "role": "controller", "spread": True})


@pytest.fixture
def populated(provision_: Provision, context: StepContext, cloud: RunningCloud) -> RunningCloud:
    """Three controllers, a floating IP, and something of everything that nobody knows; and what is somebody else's."""
    for number in (1, 2, 3):
        provision_.create_node(controller(number), context)
    cloud.server("lost", labels=OURS)
    cloud.client.floating_ips.create("ipv4", name="old", home_location=FSN1, labels=OURS)
    cloud.client.primary_ips.create("ipv4", "spare", location=FSN1, labels=OURS)
    cloud.client.volumes.create(10, "data", location=FSN1, labels=OURS)
    cloud.server("stranger", labels={"cluster": "another"})
    cloud.client.placement_groups.create("theirs", "spread")
    return cloud


def left(cloud: RunningCloud) -> dict[str, list[str]]:
    """What is there still, by kind."""
    client: AnyClient = cloud.client
    kinds = ("servers", "floating_ips", "volumes", "placement_groups", "ssh_keys")
    found = {kind: [one.name for one in getattr(client, kind).get_all()] for kind in kinds}
    found["primary_ips"] = [one.name for one in client.primary_ips.get_all() if not one.assignee_id]
    return {kind: names for kind, names in found.items() if names}


STRANGERS = {"servers": ["stranger"], "placement_groups": ["theirs"]}


def protect(one: AnyClient, *, delete: bool = True) -> None:
    """Forbid that it is deleted, as somebody does in the console, or allow it."""
    also = {"rebuild": delete} if isinstance(one, BoundServer) else {}
    one.change_protection(delete=delete, **also).wait_until_finished()


def deleted(cloud: RunningCloud) -> list[str]:
    return [one.path for one in cloud.api.requests.requests if one.method == "DELETE"]


def test_nothing_with_the_label_is_left_and_what_is_registered_is_forgotten(
    populated: RunningCloud, settings: CloudSettings, context: StepContext, registry: Registry
) -> None:
    registry.store.put(keys.orphan("server-42"), Orphan(kind="server", id=42, name="lost", since=0).to_json())
    Ending(settings).end(EndCluster(), context)
    assert left(populated) == STRANGERS
    tree = registry.read()
    assert (tree.hosts, tree.nodes, tree.orphans, tree.leases) == ({}, {}, {}, {})


def test_a_second_run_after_a_kill_goes_on(
    populated: RunningCloud, settings: CloudSettings, context: StepContext, registry: Registry
) -> None:
    fault = {"kind": "error", "method": "DELETE", "path": "/volumes/*", "code": "service_error"}
    populated.control("POST", "/faults", fault)
    with pytest.raises(StepFailed, match="giving volume"):
        Ending(settings).end(EndCluster(), context)
    assert registry.read().hosts
    Ending(settings).end(EndCluster(), context)
    Ending(settings).end(EndCluster(), context)
    assert left(populated) == STRANGERS
    assert registry.read().hosts == {}


def test_an_overtaken_controller_ends_nothing(
    populated: RunningCloud, settings: CloudSettings, store: Store, tmp_path: Path
) -> None:
    before = left(populated)
    store.put(keys.LEADER, "another")
    overtaken = StepContext("op", Registry(store.fenced(Fence(keys.LEADER, 1))), HostFence(1), lambda line: None)
    for own in (None, Own("controller002", tmp_path / "ending")):
        with pytest.raises(Fenced):
            Ending(settings, own).end(EndCluster(), overtaken)
    assert left(populated) == before


@pytest.fixture
def own(tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> Own:
    """flstr on controller002, whose channel has heard the last news already."""
    monkeypatch.setattr(ending, "AGAIN_SECONDS", 0.01)
    card = Card(record="ended-op", channel="C01FLSTR", ts="1.0")
    registry.store.put(keys.card("ended-op"), card.to_json())
    return Own("controller002", tmp_path / "ending")


def test_on_one_of_its_machines_that_machine_is_the_very_last_to_go(
    populated: RunningCloud, settings: CloudSettings, context: StepContext, own: Own
) -> None:
    number = populated.client.servers.get_by_name("controller002").id
    Ending(settings, own).end(EndCluster(), context)
    assert deleted(populated)[-1] == f"/servers/{number}"
    assert left(populated) == STRANGERS


def test_a_placement_group_that_the_last_machine_may_not_leave_while_it_runs_is_all_that_stays(
    populated: RunningCloud, settings: CloudSettings, context: StepContext, own: Own
) -> None:
    leaving = {"method": "POST", "path": "/servers/*/actions/remove_from_placement_group"}
    populated.control("POST", "/faults", {"kind": "error", "code": "server_not_stopped", **leaving})
    Ending(settings, own).end(EndCluster(), context)
    assert left(populated) == {**STRANGERS, "placement_groups": ["small-controller", "theirs"]}


def test_what_keeps_it_from_leaving_for_a_moment_only_is_waited_for(
    populated: RunningCloud, settings: CloudSettings, context: StepContext, own: Own
) -> None:
    leaving = {"method": "POST", "path": "/servers/*/actions/remove_from_placement_group"}
    populated.control("POST", "/faults", {"kind": "error", "code": "locked", **leaving})
    Ending(settings, own).end(EndCluster(), context)
    assert left(populated) == STRANGERS


def test_before_the_first_of_them_the_channel_has_heard_it_and_leadership_is_let_go(
    populated: RunningCloud, settings: CloudSettings, context: StepContext, registry: Registry, own: Own
) -> None:
    seen: list[tuple[bool, str | None, list[str]]] = []

    def unbind() -> None:
        told = registry.store.get(keys.notice("ended-op"))
        seen.append((told is not None, ending_cluster(own.note), deleted(populated)))

    populated.api.requests.requests.clear()
    Ending(settings, Own(own.node, own.note, unbind)).end(EndCluster(), context)
    assert seen == [(True, "small", [])]


def test_nothing_goes_before_the_operations_own_card_says_the_end(
    populated: RunningCloud, settings: CloudSettings, context: StepContext, own: Own, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, list[str]]] = []

    def says_the_end(_: Store, operation_id: str) -> bool:
        asked.append((operation_id, deleted(populated)))
        return len(asked) == 2

    populated.api.requests.requests.clear()
    monkeypatch.setattr(heard, "says_the_end", says_the_end)
    Ending(settings, own).end(EndCluster(), context)
    assert asked == [("op", []), ("op", [])]


@pytest.mark.parametrize(("shown", "says"), [("", False), ("running 0e", False), ("ending 1f", True)])
def test_a_card_says_the_end_once_slack_shows_it(store: Store, shown: str, says: bool) -> None:
    assert heard.says_the_end(store, "op")
    store.put(keys.card("op"), Card(record="op", channel="C01FLSTR", ts="2.0", shown=shown).to_json())
    assert heard.says_the_end(store, "op") is says


def test_whoever_was_killed_in_the_middle_goes_on_with_the_cloud_alone(
    populated: RunningCloud, settings: CloudSettings, own: Own
) -> None:
    assert ending_cluster(own.note) is None
    own.note.write_text("small\n")
    populated.client.servers.get_by_name("controller001").delete().wait_until_finished()
    fault = {"kind": "error", "method": "DELETE", "path": "/servers/*", "code": "service_error", "times": 2}
    populated.control("POST", "/faults", fault)
    populated.control("POST", "/faults", {"kind": "lost_answer", "method": "DELETE", "path": "/servers/*"})
    finish(settings, own.note, own.node)
    assert left(populated) == STRANGERS


CUT = {"kind": "lost_answer"}
REFUSED = {"kind": "error", "code": "service_error"}
LISTS = ("servers", "floating_ips", "primary_ips", "volumes", "ssh_keys", "placement_groups")


@pytest.mark.parametrize("fault", [CUT, REFUSED], ids=["cut", "refused"])
def test_once_it_has_begun_no_cloud_that_fails_for_a_while_ends_it_half_way(
    populated: RunningCloud, settings: CloudSettings, context: StepContext, own: Own, fault: dict[str, str]
) -> None:
    def unbind() -> None:
        for kind in LISTS:
            populated.control("POST", "/faults", {**fault, "method": "GET", "path": f"/{kind}", "times": 2})

    Ending(settings, Own(own.node, own.note, unbind)).end(EndCluster(), context)
    assert left(populated) == STRANGERS
    assert populated.control("GET", "/faults") == {"faults": []}


def test_nor_does_whatever_else_is_thrown(
    populated: RunningCloud, settings: CloudSettings, own: Own, monkeypatch: pytest.MonkeyPatch
) -> None:
    thrown = [KeyError("server"), ValueError("no such answer")]

    def once_it_works(labelled: Labelled, report: Callable[[str], object], own: str) -> None:
        if thrown:
            raise thrown.pop()
        give_back_all(labelled, report, own)

    monkeypatch.setattr(ending, "give_back_all", once_it_works)
    own.note.write_text("small\n")
    finish(settings, own.note, own.node)
    assert left(populated) == STRANGERS


def test_what_is_protected_is_named_before_anything_goes_and_while_the_channel_hears_it(
    populated: RunningCloud, settings: CloudSettings, context: StepContext, registry: Registry, own: Own
) -> None:
    protect(populated.client.servers.get_by_name("controller001"))
    protect(populated.client.volumes.get_by_name("data"))
    before = left(populated)
    with pytest.raises(StepFailed, match="not delete server controller001, volume data, which somebody has protected"):
        Ending(settings, Own(own.node, own.note, lambda: pytest.fail("leadership is let go"))).end(
            EndCluster(), context
        )
    assert left(populated) == before
    assert ending_cluster(own.note) is None
    assert registry.store.get(keys.notice("ended-op")) is None


def test_a_cloud_that_does_not_answer_before_anything_goes_fails_the_step(
    populated: RunningCloud, settings: CloudSettings, context: StepContext, own: Own
) -> None:
    before = left(populated)
    populated.control("POST", "/faults", {**CUT, "method": "GET", "path": "/floating_ips"})
    with pytest.raises(StepFailed, match="looking for each floating ip that bears the cluster's label failed"):
        Ending(settings, own).end(EndCluster(), context)
    assert left(populated) == before
    assert ending_cluster(own.note) is None


def test_a_volume_of_the_last_machine_is_detached_from_it_first(
    populated: RunningCloud, settings: CloudSettings, own: Own
) -> None:
    volume, machine = populated.client.volumes.get_by_name("data"), populated.client.servers.get_by_name(own.node)
    volume.attach(machine).wait_until_finished()
    own.note.write_text("small\n")
    finish(settings, own.note, own.node)
    assert left(populated) == STRANGERS


def test_what_cannot_be_deleted_does_not_keep_the_others_and_the_last_machine_stays_for_it(
    populated: RunningCloud, settings: CloudSettings, own: Own, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, last = (populated.client.servers.get_by_name(f"controller00{number}") for number in (1, 2))
    volume = populated.client.volumes.get_by_name("data")
    protect(first)
    protect(volume)
    seen: list[dict[str, list[str]]] = []

    def somebody_takes_the_protection_off(_: float) -> None:
        seen.append(left(populated))
        protect(first, delete=False)
        protect(volume, delete=False)

    monkeypatch.setattr(ending, "time", SimpleNamespace(sleep=somebody_takes_the_protection_off))
    own.note.write_text("small\n")
    finish(settings, own.note, own.node)
    assert seen == [{"servers": ["controller001", "controller002", "stranger"], "volumes": ["data"],
                     "placement_groups": ["theirs"]}]  # fmt: skip
    assert deleted(populated)[-1] == f"/servers/{last.id}"
    assert left(populated) == STRANGERS


def test_from_outside_the_step_names_all_that_stays(
    populated: RunningCloud, settings: CloudSettings, context: StepContext, registry: Registry
) -> None:
    protect(populated.client.servers.get_by_name("controller001"))
    protect(populated.client.floating_ips.get_by_name("old"))
    with pytest.raises(StepFailed) as failed:
        Ending(settings).end(EndCluster(), context)
    protected = "back failed: it is protected there; take the protection off in the Hetzner console"
    assert failed.value.sentence == f"giving server controller001 {protected}; giving floating ip old {protected}"
    assert left(populated) == {**STRANGERS, "servers": ["controller001", "stranger"], "floating_ips": ["old"]}
    assert registry.read().hosts


def test_a_machine_on_which_no_end_was_begun_ends_nothing(
    populated: RunningCloud, settings: CloudSettings, own: Own
) -> None:
    before = left(populated)
    finish(settings, own.note, own.node)
    assert left(populated) == before
