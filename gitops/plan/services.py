"""The plans of services that Ansible installs; each has its own, and an app that needs one waits for it."""

from collections.abc import Iterator

from gitops.manifests import Manifests
from gitops.plan.rollout import StepList
from gitops.plan.service_state import ServiceState, registered_by_hand
from gitops.services import meta_data_of
from model import service_keys
from model.locks import MACHINES, service_lock
from model.names import AppName, NodeName
from model.registered import Registered, ServiceRecord
from model.service_steps import ApplyService, LeadService, NoteService, RemoveService, RestoreService
from model.steps import ApplyRouting, Plan, WriteKeys


def service_plans(manifests: Manifests, registered: Registered, busy: frozenset[str] = frozenset()) -> tuple[Plan, ...]:
    """Install services, and bring those that are installed to what their manifests say.

    What is `busy`, by the names of its locks, is left out; a service waits for its machines while some are coming.
    """
    plans = (
        _plan_of(state)
        for state in _states(manifests, registered)
        if service_lock(state.name) not in busy and not (MACHINES in busy and state.coming) and not state.why_waits
    )
    return tuple(plan for plan in plans if plan.steps)


def services_that_stay(manifests: Manifests, registered: Registered) -> tuple[str, ...]:
    """Why services are not brought to what their manifests say, a sentence each."""
    return tuple(state.why_waits for state in _states(manifests, registered) if state.why_waits)


def _states(manifests: Manifests, registered: Registered) -> Iterator[ServiceState]:
    for name, service in sorted(manifests.services.items()):
        if not registered_by_hand(registered.services.get(name)):
            yield ServiceState(service, manifests, registered)


def _plan_of(state: ServiceState) -> Plan:
    """Nothing where nothing is to be done; all there is to do otherwise, whatever of it was done by one that failed,
    so that the same plan is known as the one that was tried."""
    steps = StepList()
    if not state.standing:
        return Plan(title="")
    if state.is_new or not state.is_as_told:
        _add_change(steps, state)
    else:
        _add_keys(steps, state)
    return Plan(title=_title(state), steps=steps.all(), locks=(service_lock(state.name),))


def _add_keys(steps: StepList, state: ServiceState) -> None:
    """What HAProxy and the apps are told has changed, or how it is backed up, and nothing that the playbook is told."""
    noted = []
    if not state.is_noted:
        noted = [steps.add("note", f"note what {state.name} is to be like", NoteService(service=state.service))]
    put = {**state.missing_keys(), **_meta_data(state)}
    if put:
        registered = steps.add("register", f"register {state.name}", WriteKeys(put=put), noted)
        steps.add("route", f"route to {state.name}", ApplyRouting(), [registered])


def _add_change(steps: StepList, state: ServiceState) -> None:
    name, on = state.name, ", ".join(state.standing)
    led = []
    if state.heir is not None:
        led = [_add_lead(steps, state, state.heir, [])]
    put = state.new_keys()
    if state.is_new:
        record = ServiceRecord(
            service=state.service, nodes=state.held_on, leader=state.leader_before, restored=state.restored_before
        )
        put[service_keys.installed(name)] = record.to_json()
    ready = led
    if put:
        # The firewalls let in what the instances say to each other before any of them does.
        announced = steps.add("announce", f"announce {name} on {on}", WriteKeys(put=put), led)
        ready = [*led, steps.add("open", f"open the port of {name}", ApplyRouting(), [announced])]
    done = [steps.add("apply", f"{'install' if state.is_new else 'set up'} {name} on {on}", _apply(state), ready)]
    backup = state.service.restored
    if state.is_new and backup is not None and backup != state.restored_before:
        # Nothing is lost: nobody has come to it yet.
        step = RestoreService(service=name, backup=backup)
        done = [steps.add("restore", f"restore {name} from {backup}", step, done)]
    if meta_data := _meta_data(state):
        done = [steps.add("register", f"register {name}", WriteKeys(put=meta_data), done)]
        done = [steps.add("route", f"route to {name}", ApplyRouting(), done)]
    if gone := (*state.leaving, *state.lost):
        _add_departure(steps, state, gone, done)


def _add_departure(steps: StepList, state: ServiceState, gone: tuple[NodeName, ...], done: list[str]) -> None:
    """What the machines that stay hold by now goes from those that leave."""
    name, off = state.name, ", ".join(gone)
    if state.leader_before != state.leader and state.leader is not None and state.leader_before in state.leaving:
        done = [_add_lead(steps, state, state.leader, done)]
    delete = tuple(service_keys.instance(name, instance) for instance in state.instances_on(gone))
    withdrawn = steps.add("withdraw", f"send nobody to {name} on {off} any more", WriteKeys(delete=delete), done)
    unrouted = steps.add("route-without", f"route no more to {name} on {off}", ApplyRouting(), [withdrawn])
    if state.leaving:
        step = RemoveService(service=state.installed, nodes=state.leaving, source=state.source)
        removed = steps.add("remove", f"take {name} off {', '.join(state.leaving)}", step, [unrouted])
        on = ", ".join(state.standing)
        steps.add("settle", f"set up {name} on {on} alone", _settle(state), [removed])


def _add_lead(steps: StepList, state: ServiceState, leader: NodeName, after: list[str]) -> str:
    step = LeadService(service=state.name, leader=leader)
    led = steps.add("lead", f"have {leader} lead {state.name}", step, after)
    return steps.add("route-leader", f"route to {state.name} on {leader}", ApplyRouting(), [led])


def _apply(state: ServiceState) -> ApplyService:
    return ApplyService(
        service=state.service, nodes=state.standing, leaving=state.leaving, silent=state.silent,
        leader=state.leader_before, source=state.source,
        digest=state.digest(state.standing, state.leaving, state.leader_before, state.silent),
    )  # fmt: skip


def _settle(state: ServiceState) -> ApplyService:
    return ApplyService(
        service=state.service, nodes=state.standing, silent=state.silent, leader=state.leader,
        source=state.source, digest=state.digest(state.standing, (), state.leader, state.silent),
    )  # fmt: skip


def _meta_data(state: ServiceState) -> dict[str, str]:
    wanted = meta_data_of(state.service)
    return {} if state.found.meta_data == wanted else {service_keys.meta_data(state.name): wanted.to_json()}


def _title(state: ServiceState) -> str:
    name: AppName = state.name
    gone, added = (*state.leaving, *state.lost), state.added
    if state.is_new:
        return f"install {name}"
    if gone and added:
        return f"move {name} from {', '.join(gone)} to {', '.join(added)}"
    if gone:
        return f"take {name} off {', '.join(gone)}"
    if state.heir is not None:
        return f"have {state.heir} lead {name}"
    if added:
        return f"add {'a replica of ' if state.service.leads else ''}{name} on {', '.join(added)}"
    return f"bring {name} up to date"
