"""What a service loses: all of it where no manifest describes it any more, or its data to a backup that is restored."""

from collections.abc import Iterator

from gitops.manifests import Manifests
from gitops.plan.rollout import StepList
from gitops.plan.service_state import answers_again_or_is, held_by
from model import keys, service_keys
from model.locks import service_lock
from model.names import AppName, NodeName
from model.registered import Registered, RegisteredService, ServiceRecord
from model.service import Service, user_secret
from model.service_steps import BackUpService, RemoveService, RestoreService
from model.steps import ApplyRouting, WriteKeys


def services_not_removed(manifests: Manifests, registered: Registered) -> tuple[str, ...]:
    """Why services that no manifest describes stay, and others keep their data, a sentence each."""
    removals = (_why_stays(name, manifests, registered) for name in _unwanted(manifests, registered))
    restorations = (_why_not_restored(name, registered) for name, _ in _to_restore(manifests, registered))
    return tuple(filter(None, (*removals, *restorations)))


def removed_services(manifests: Manifests, registered: Registered) -> tuple[AppName, ...]:
    """Services that flstr has installed, that no manifest describes any more, and that can go."""
    return tuple(name for name in _unwanted(manifests, registered) if not _why_stays(name, manifests, registered))


def restored_services(manifests: Manifests, registered: Registered) -> dict[AppName, str]:
    """The services that serve and are to have their data from another backup than they have, with its name."""
    wanted = _to_restore(manifests, registered)
    return {name: backup for name, backup in wanted if not _why_not_restored(name, registered)}


def _to_restore(manifests: Manifests, registered: Registered) -> Iterator[tuple[AppName, str]]:
    for name, service in sorted(manifests.services.items()):
        found = registered.services.get(name, RegisteredService())
        if found.record is None or found.meta_data is None or manifests.cluster.backups is None:
            continue
        if service.restored is not None and service.restored != found.record.restored:
            yield name, service.restored


def _why_not_restored(name: AppName, registered: Registered) -> str:
    record = registered.services[name].record
    unheard = sorted(set(() if record is None else record.nodes) - _answering(registered))
    if not unheard:
        return ""
    return f"service {name} is not restored until {answers_again_or_is(unheard)} no machine of it any more"


def machines_of_services(manifests: Manifests, registered: Registered) -> frozenset[NodeName]:
    """Machines that answer and hold a service that is not removed: it leaves them first, with its data."""
    going = removed_services(manifests, registered)
    held = (held_by(service) for name, service in registered.services.items() if name not in going)
    return frozenset(node for nodes in held for node in nodes) - registered.dead.keys()


def restored_in_words(name: AppName, backup: str) -> str:
    """`cache from <backup>`, as losses list it."""
    return f"{name} from {backup}"


def add_service_removal(
    steps: StepList, name: AppName, manifests: Manifests, registered: Registered, after: tuple[str, ...] = ()
) -> str:
    """Take a service off its machines after a last backup; returns the id of the last step."""
    service = registered.services[name]
    record = service.record
    assert record is not None  # noqa: S101 - those without are registered by hand
    nodes = tuple(node for node in held_by(service) if node in _answering(registered))
    done = list(after)
    if nodes and _holds_data(service):
        done = [steps.add(f"back-up-{name}", f"back {name} up a last time", BackUpService(service=name), done)]
    gone = (service_keys.meta_data(name), *(service_keys.instance(name, one) for one in sorted(service.instances)))
    done = [steps.add(f"deregister-{name}", f"deregister {name}", WriteKeys(delete=gone), done)]
    done = [steps.add(f"unroute-{name}", f"route no more to {name}", ApplyRouting(), done)]
    if nodes:
        # By now the revision may be without its playbook.
        source = "" if record.service.ours else record.source or manifests.playbooks
        step = RemoveService(service=record.service, nodes=nodes, source=source)
        done = [steps.add(f"remove-{name}", f"take {name} off {', '.join(nodes)}, its data with it", step, done)]
    forget = WriteKeys(delete=tuple(_remembered(record)))
    return steps.add(f"forget-{name}", f"forget {name}", forget, done)


def add_restoration(steps: StepList, name: AppName, backup: str) -> None:
    """Put a backup in the place of what a service holds, once that is backed up itself."""
    steps.add(f"back-up-{name}", f"back {name} up before it is restored", BackUpService(service=name))
    step = RestoreService(service=name, backup=backup)
    steps.add(f"restore-{name}", f"restore {restored_in_words(name, backup)}", step, [f"back-up-{name}"])


def _unwanted(manifests: Manifests, registered: Registered) -> Iterator[AppName]:
    installed = (name for name, service in sorted(registered.services.items()) if service.record is not None)
    return (name for name in installed if name not in manifests.services)


def _why_stays(name: AppName, manifests: Manifests, registered: Registered) -> str:
    service = registered.services[name]
    silent = [node for node in held_by(service) if node in registered.not_ready and node not in registered.dead]
    if silent:
        return f"service {name} is not removed until {answers_again_or_is(silent)} given up"
    answering = _answering(registered).intersection(held_by(service))
    if manifests.cluster.backups is None and answering and _holds_data(service):
        return (
            f"service {name} is not removed, because there is no place for a last backup of its data; "
            "write `backups` with its `to` in cluster.yaml"
        )
    return ""


def _answering(registered: Registered) -> frozenset[NodeName]:
    return frozenset(registered.nodes) - registered.silent()


def _holds_data(service: RegisteredService) -> bool:
    """Whether there is something to lose that can be kept: one that never served has nothing."""
    return service.meta_data is not None and service.record is not None and service.record.service.has_data


def _remembered(record: ServiceRecord) -> Iterator[str]:
    """What is kept of a service beside its registration."""
    name = record.service.service
    yield service_keys.installed(name)
    yield service_keys.backup(name)
    yield keys.attempt(service_lock(name))
    yield from (service_keys.secret(name, secret) for secret in _secrets(record.service))


def _secrets(service: Service) -> list[str]:
    of_playbook = [secret for secret, _ in service.ours.secrets] if service.ours else list(service.passwords)
    return [*of_playbook, *map(user_secret, sorted(service.users))]
