"""The services that Ansible installed, as their machines keep them. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping

from pydantic import ValidationError

from executors.adopting.adopted import Adopted
from executors.adopting.facts import Facts
from executors.services.kept import KeptService
from gitops.manifests import Manifests
from gitops.service_leader import led_by
from gitops.services import instances_of, meta_data_of, nodes_of
from model import service_keys
from model.names import AppName, NodeName
from model.registered import Registered, ServiceRecord
from model.service import Service


def adopted_services(
    manifests: Manifests,
    facts: Mapping[NodeName, Facts],
    registered: Registered,
    known: Mapping[AppName, ServiceRecord],
) -> Adopted:
    """Everything that etcd is to hold of services; `registered` is what it holds of machines, and `known` are the
    services of a snapshot."""
    done = Adopted()
    newest = _newest(facts, done)
    routed = {name for one in facts.values() for name in one.services}
    wanted = routed | manifests.services.keys()
    for name in sorted(newest.keys() - wanted - known.keys()):
        done.left_out.append(f"service {name} is kept by a machine, and no manifest describes it: it is left out")
    for name in sorted(wanted):
        kept, record = newest.get(name), known.get(name)
        if kept is not None and (record is None or record.at <= kept.record.at):
            record = kept.record
            done.puts |= {service_keys.secret(name, secret): sealed for secret, sealed in kept.secrets.items()}
        elif record is None and name in routed and name in manifests.services:
            record = _unkept(manifests.services[name], manifests, done)
        if record is not None:
            _take(record, manifests, registered, _leader(name, facts), done, is_routed=name in routed)
    return done


def _take(
    record: ServiceRecord,
    manifests: Manifests,
    registered: Registered,
    leader: NodeName,
    done: Adopted,
    *,
    is_routed: bool,
) -> None:
    name = record.service.service
    if record.service.leads and leader in record.nodes and leader != record.leader:
        record = led_by(record, leader, manifests.cluster, registered)
    done.puts[service_keys.installed(name)] = record.to_json()
    if is_routed:
        done.puts |= _registration(record, manifests.services.get(name, record.service), manifests, registered)


def _newest(facts: Mapping[NodeName, Facts], done: Adopted) -> dict[AppName, KeptService]:
    """Of each service what was written last: a machine that was silent then has an older one."""
    newest: dict[AppName, KeptService] = {}
    for name, kept in _kept(facts, done):
        if name not in newest or newest[name].record.at < kept.record.at:
            newest[name] = kept
    return newest


def _kept(facts: Mapping[NodeName, Facts], done: Adopted) -> Iterator[tuple[AppName, KeptService]]:
    for node, said in sorted(facts.items()):
        for name, text in said.kept_services.items():
            try:
                kept = KeptService.model_validate_json(text)
            except ValidationError:
                done.left_out.append(f"{node}: what it keeps of service {name} cannot be read, and is left out")
                continue
            if kept.record.service.service == name:
                yield name, kept


def _unkept(service: Service, manifests: Manifests, done: Adopted) -> ServiceRecord:
    """One that runs, and of which no machine that answers says what it is: it is not new, and begins with no backup."""
    done.left_out.append(
        f"service {service.service} runs, and no machine that answers has its passwords, so that new ones are made"
    )
    nodes = nodes_of(service, manifests.cluster)
    leader = nodes[0] if service.leads and nodes else None
    return ServiceRecord(service=service, nodes=nodes, leader=leader, restored=service.restored)


def _leader(name: AppName, facts: Mapping[NodeName, Facts]) -> NodeName:
    """The machine whose instance HAProxy sends everybody to, as most machines have it; empty where that is not said."""
    said = Counter(nodes[0] for one in facts.values() if len(nodes := one.serving.get(name, ())) == 1)
    return said.most_common(1)[0][0] if said else ""


def _registration(
    record: ServiceRecord, service: Service, manifests: Manifests, registered: Registered
) -> dict[str, str]:
    instances = instances_of(record.service, record.nodes, manifests.cluster, registered)
    return {
        service_keys.meta_data(service.service): meta_data_of(service).to_json(),
        **{service_keys.instance(service.service, one): found.to_json() for one, found in instances.items()},
    }
