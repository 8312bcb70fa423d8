"""An etcd that is new, or came from a snapshot, is brought to what runs; whoever leads by it goes on from there."""

from collections.abc import Mapping, Sequence

from executors.adopting.merging import merge
from executors.adopting.records import Terms, adopt
from executors.adopting.survey import Survey
from gitops.backups.reviving import next_epoch, revive
from gitops.manifests import Manifests
from gitops.overlay_leases import drop
from gitops.registry import Registry
from gitops.store import Store
from model import keys
from model.names import NodeName


def prepare(store: Store, manifests: Manifests, survey: Survey, terms: Terms) -> list[str]:
    """Bring etcd to what runs; what it holds is from a snapshot, or it is empty. Returns what is to be known, a
    sentence each.

    Nothing is changed on machines or in the cloud. The last that is written is an epoch, so that machines obey whoever
    leads by this etcd, and no longer anybody who led by another.
    """
    said = []
    revival = revive(store.prefix(""), terms.now)
    _write(store, revival.puts, revival.deletes)
    if given_up := sum(key.startswith(keys.OPERATIONS) for key in revival.puts):
        said.append(f"{given_up} operation{' was' if given_up == 1 else 's were'} under way, and given up")
    for node in _gone(store, survey):
        _forget(store, node)
        said.append(f"{node} is gone from the cloud, and forgotten")
    services = {name: one.record for name, one in Registry(store).read().services.items() if one.record is not None}
    adopted = adopt(manifests, survey, terms, services)
    merged = merge(store.prefix(""), adopted.puts, manifests.cluster, survey)
    _write(store, merged.puts, merged.deletes)
    store.put(keys.EPOCH, str(next_epoch(store.get(keys.EPOCH), survey.greatest_token)))
    return [*said, *adopted.left_out, *_unknown_services(store, survey)]


def _gone(store: Store, survey: Survey) -> list[NodeName]:
    """Machines that are known, and have no server under the cluster's label."""
    there = {server.node for server in survey.inventory.servers}
    registered = Registry(store).read()
    return sorted((registered.nodes.keys() | registered.hosts.keys() | registered.etcd_members.keys()) - there)


def _forget(store: Store, node: NodeName) -> None:
    """As a removal does it."""
    registry = Registry(store)
    registered = registry.read()
    for (kind, app), record in registered.apps.items():
        for instance, where in record.instances.items():
            if where.node == node:
                registry.delete_instance(kind, app, instance)
    known = (registered.nodes.get(node), registered.hosts.get(node))
    for ip in {one.ip for one in known if one is not None and one.ip is not None}:
        drop(store, ip)
    registry.forget_node(node)
    store.delete(keys.overlaid(node))
    registry.forget_host(node)


def _unknown_services(store: Store, survey: Survey) -> list[str]:
    """Those that are registered by hand: how they are published, no machine and no manifest says."""
    routed = {name for facts in survey.facts.values() for name in facts.services}
    return [
        f"service {name} is routed to, and only the etcd that is lost knew how; register it again before flstr starts"
        for name in sorted(routed - Registry(store).read().services.keys())
    ]


def _write(store: Store, puts: Mapping[str, str], deletes: Sequence[str]) -> None:
    """Whoever is killed in between begins anew, from the snapshot or from nothing."""
    store.delete(*deletes)
    store.write_many(dict(sorted(puts.items())))
