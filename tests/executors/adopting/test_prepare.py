"""A real etcd, new or from a snapshot, is brought to what runs."""

from dataclasses import replace

from executors.adopting.prepare import prepare
from executors.adopting.records import Terms
from executors.adopting.survey import Survey
from gitops.certificates import key_safe
from gitops.plan import plan
from gitops.registered_tree import parse
from gitops.registry import Registry
from gitops.store import Store
from model import keys
from model.operation import Operation, Origin, StepState
from model.registered import EtcdMember, HostRecord, InstanceRecord, Quarantine, Stable
from model.steps import Plan, PlannedStep, RefreshMeshes
from tests.executors.adopting.printing import NOW, REVISION, Machine, machine, running, survey
from tests.gitops.scene import DIRECTORY, SECOND, manifests
from tests.identity import IDENTITIES

FOUND = running()
TERMS = Terms(key_safe(IDENTITIES), DIRECTORY, NOW, REVISION)
OLD_SPEC = "0badc0de"


def put(store: Store, found: dict[str, str]) -> None:
    for key, value in found.items():
        store.put(key, value)


def is_at_rest(store: Store) -> bool:
    both = plan(manifests(), Registry(store).read())
    return not both.changes and not both.removal.steps


def without(seen: Survey, node: str) -> Survey:
    """The cloud has that machine no more."""
    servers = tuple(one for one in seen.inventory.servers if one.node != node)
    facts = {name: one for name, one in seen.facts.items() if name != node}
    return replace(seen, inventory=replace(seen.inventory, servers=servers), facts=facts)


def test_from_nothing_all_that_runs_is_there_and_a_first_epoch(store: Store) -> None:
    assert prepare(store, manifests(), survey(FOUND), TERMS) == []
    assert store.prefix("") == {**FOUND, keys.EPOCH: "1"}
    assert is_at_rest(store)


def test_a_second_time_it_is_the_same_but_for_the_epoch(store: Store) -> None:
    for _ in range(2):
        prepare(store, manifests(), survey(FOUND), TERMS)
    assert store.prefix("") == {**FOUND, keys.EPOCH: "2"}


def test_an_epoch_is_greater_than_any_that_a_machine_has_seen(store: Store) -> None:
    later = machine("worker101", manifests().cluster, parse(FOUND))
    later.say("fence", "leader", (6 << 40) + 99)
    store.put(keys.EPOCH, "3")
    prepare(store, manifests(), survey(FOUND, {"worker101": later}), TERMS)
    assert store.get(keys.EPOCH) == "7"


def test_what_was_started_since_the_backup_takes_the_place_of_what_it_knew(store: Store) -> None:
    old = {key.replace(spec(), OLD_SPEC): value.replace(spec(), OLD_SPEC) for key, value in FOUND.items()}
    stable = Stable.model_validate_json(FOUND[keys.stable("backend", "influencer")])
    before = stable.model_copy(update={"spec": OLD_SPEC, "app": stable.app.model_copy(update={"commit": SECOND})})
    quarantine = Quarantine(commit=SECOND, reason="it failed", operation="o", at=1.0).to_json()
    key = keys.quarantine("backend", "influencer", "ffffffff")
    put(store, {**old, keys.stable("backend", "influencer"): before.to_json(), key: quarantine})
    prepare(store, manifests(), survey(FOUND), TERMS)
    tree = Registry(store).read()
    assert tree.apps["backend", "influencer"].instances.keys() == {f"1-{spec()}", f"2-{spec()}"}
    assert {one.instance for one in tree.ports.values()} == {f"1-{spec()}", f"2-{spec()}"}
    assert tree.apps["backend", "influencer"].stable == stable.model_copy(update={"before": SECOND})
    assert store.get(key) == quarantine
    assert is_at_rest(store)


def test_a_machine_that_is_gone_is_forgotten_and_the_plan_makes_it_anew(store: Store) -> None:
    put(store, FOUND)
    said = prepare(store, manifests(), without(survey(FOUND), "worker102"), TERMS)
    assert said == ["worker102 is gone from the cloud, and forgotten"]
    assert not [key for key in store.prefix("") if "worker102" in key]
    assert not [key for key, value in store.prefix("").items() if "worker102" in value and key != keys.CLUSTER]
    steps = [step.id for change in plan(manifests(), Registry(store).read()).changes for step in change.steps]
    assert "create-worker102" in steps
    assert not [step for step in steps if step.startswith("create-") and step != "create-worker102"]


def test_a_controller_that_is_gone_carries_no_member_of_etcd_any_more(store: Store) -> None:
    member = EtcdMember(node="controller001", address="10.110.0.1")
    put(store, {**FOUND, keys.etcd_member("controller001"): member.to_json()})
    prepare(store, manifests(), without(survey(FOUND), "controller001"), TERMS)
    assert Registry(store).read().etcd_members == {}


def test_of_a_machine_that_is_silent_what_the_backup_knew_stays(store: Store) -> None:
    put(store, FOUND)
    seen = survey(FOUND)
    facts = {node: one for node, one in seen.facts.items() if node != "worker102"}
    host_keys = {node: one for node, one in seen.host_keys.items() if node != "worker102"}
    silent = replace(seen, facts=facts, host_keys=host_keys, silent={"worker102": "worker102: no SSH connection"})
    prepare(store, manifests(), silent, TERMS)
    assert HostRecord.model_validate_json(store.get(keys.host("worker102")) or "").ip is not None
    tree = Registry(store).read()
    assert (
        InstanceRecord.model_validate(tree.apps["backend", "influencer"].instances[f"2-{spec()}"]).node == "worker102"
    )
    assert is_at_rest(store)


def test_a_file_that_was_changed_since_the_backup_is_brought_up_to_date_by_the_plan(store: Store) -> None:
    put(store, FOUND)
    lines = machine("worker101", manifests().cluster, parse(FOUND)).lines
    changed = Machine([line for line in lines if "haproxy.cfg" not in line])
    prepare(store, manifests(), survey(FOUND, {"worker101": changed}), TERMS)
    assert [change.title for change in plan(manifests(), Registry(store).read()).changes] == [
        "bring the routing up to date"
    ]


def test_what_was_under_way_is_given_up_however_long_its_records_are(store: Store) -> None:
    """More than etcd takes in one request."""
    plan_of_it = Plan(title="a change " * 2000, steps=(PlannedStep(id="a", title="a", step=RefreshMeshes(nodes=())),))
    state = {"a": StepState(status="waiting")}
    for number in range(90):
        waiting = Operation(
            id=f"{number}", revision="r", plan=plan_of_it, origin=Origin(), status="queued", steps=state, created=1.0
        )
        store.put(keys.operation(waiting.id), waiting.to_json())
    assert "90 operations were under way, and given up" in prepare(store, manifests(), survey(FOUND), TERMS)


def test_a_service_that_only_etcd_knew_is_named(store: Store) -> None:
    routing = machine("worker101", manifests().cluster, parse(FOUND))
    routing.say("service", "redis")
    (sentence,) = prepare(store, manifests(), survey(FOUND, {"worker101": routing}), TERMS)
    assert sentence.startswith("service redis is routed to, and only the etcd that is lost knew how")


def spec() -> str:
    known = manifests()
    return known.spec(known.apps["backend", "influencer"])
