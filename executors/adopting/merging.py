"""What a snapshot knew, and what runs by now, in one. Pure.

The machines know best what they are; etcd knew what no machine does: who asked for what, and what was before.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from executors.adopting.digests import digest_keys
from executors.adopting.survey import Survey
from gitops.overlay_leases import parse_leases
from gitops.registered_tree import parse
from model import keys
from model.certificates import CertificateRecord
from model.cluster import Cluster
from model.names import NodeName
from model.registered import FloatingRecord, InstanceRecord, Registered, Stable

DIGESTS = (keys.MESHED, keys.OVERLAID, keys.WALLED, keys.ROUTED)
OF_MACHINES = (keys.NODES, keys.HOSTS, *DIGESTS, keys.CERTIFIED, keys.FLOATED)


@dataclass(frozen=True)
class Merged:
    """What is written and removed."""

    puts: Mapping[str, str]
    deletes: tuple[str, ...]


def merge(found: Mapping[str, str], adopted: Mapping[str, str], cluster: Cluster, survey: Survey) -> Merged:
    """`found` is what the snapshot says, without what is gone; of machines that answer, `adopted` takes its place."""
    answering = {node for node in survey.facts if keys.node(node) in adopted}
    deletes = frozenset(_theirs(found, answering, survey))
    kept = {key: value for key, value in found.items() if key not in deletes}
    puts = {key: value for key, value in _newer(found, adopted) if not key.startswith(DIGESTS)}
    tree = parse({**kept, **puts})
    puts |= dict(_held(survey, tree))
    tree = parse({**kept, **puts})
    puts |= digest_keys(cluster, tree, {node: survey.facts[node] for node in answering})
    return Merged(puts, tuple(sorted(deletes - puts.keys())))


def _theirs(found: Mapping[str, str], nodes: set[NodeName], survey: Survey) -> Iterator[str]:
    """The keys that are about machines that answer."""
    ips = {server.ip for server in survey.inventory.servers if server.node in nodes}
    leases = parse_leases(found)
    # Of these, the cloud says all that there are.
    yield from (key for key in found if key.startswith((keys.FLOATING_IPS, keys.NAMES)))
    yield from (keys.overlay_subnet(subnet) for subnet, lease in leases.items() if lease.public_ip in ips)
    for key, value in found.items():
        about = next((key.removeprefix(prefix) for prefix in OF_MACHINES if key.startswith(prefix)), "")
        if about in nodes or (key.startswith(keys.PORTS) and key.removeprefix(keys.PORTS).partition("/")[0] in nodes):
            yield key
        elif key.startswith(keys.MESHES):
            member = key.rpartition("/")[2]
            if (("/member/" in key) and member in nodes) or (("/address/" in key) and value in nodes):
                yield key
        elif _is_instance(key) and InstanceRecord.model_validate_json(value).node in nodes:
            yield key


def _held(survey: Survey, tree: Registered) -> Iterator[tuple[str, str]]:
    """Who holds each floating IP; one that is silent holds it as well, as long as it is known."""
    for name, (ip, holder) in survey.inventory.floating.items():
        record = FloatingRecord(ip=ip, node=holder if holder in tree.nodes else None)
        yield keys.floating_ip(name), record.to_json()


def _is_instance(key: str) -> bool:
    match key.split("/"):
        case ["backend" | "frontend", _, "instance", _]:
            return True
    return False


def _newer(found: Mapping[str, str], adopted: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """What runs, without what the snapshot knows as well or better."""
    for key, value in adopted.items():
        before = found.get(key)
        if before is not None and key.startswith(keys.CERTIFICATES):
            if not _is_newer(before, value):
                continue
        elif before is not None and key.startswith(keys.STABLE):
            yield key, _after(before, value)
            continue
        elif before is not None and (_is_published(key) or key.startswith(keys.ASKED_FOR) or key == keys.CLUSTER):
            continue
        yield key, value


def _is_published(key: str) -> bool:
    return key.endswith("/meta_data") or key.startswith(keys.INGRESSES)


def _is_newer(before: str, value: str) -> bool:
    old, new = (CertificateRecord.model_validate_json(text).issued for text in (before, value))
    return old is None or (new is not None and new.serial != old.serial and new.not_after > old.not_after)


def _after(before: str, value: str) -> str:
    old, new = (Stable.model_validate_json(text) for text in (before, value))
    if old.spec == new.spec:
        return before
    return new.model_copy(update={"before": old.app.commit}).to_json()
