"""What is there of a cluster, as the cloud and its machines say."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address

from executors.adopting.facts import Facts
from executors.control.member_files import UNIT
from gitops.liveness import NODE_UNIT
from model.names import FloatingIpName, NodeName

# Where one of these runs, controllers carry the cluster's etcd, or did: a machine registers itself there for ever.
CARRIED_UNITS = frozenset({UNIT, NODE_UNIT})


@dataclass(frozen=True)
class Server:
    """A server that carries the cluster's label; `key_label` is that of the host key it was started with."""

    node: NodeName
    id: int
    ip: str
    pool: str
    key_label: str


@dataclass(frozen=True)
class Inventory:
    """What the cloud has under the cluster's label: servers, floating IPs with their holders, DNS names of flstr's."""

    servers: tuple[Server, ...] = ()
    floating: Mapping[FloatingIpName, tuple[IPv4Address, NodeName | None]] = field(default_factory=dict)
    names: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Survey:
    """The same, with the host keys that were found right, and what each machine said; `silent` are those that said
    nothing, with why."""

    inventory: Inventory
    host_keys: Mapping[NodeName, str] = field(default_factory=dict)
    facts: Mapping[NodeName, Facts] = field(default_factory=dict)
    silent: Mapping[NodeName, str] = field(default_factory=dict)

    @property
    def is_carried(self) -> bool:
        """Whether controllers carried the cluster's etcd: one does still, or a machine registers itself there."""
        return any(facts.active.intersection(CARRIED_UNITS) for facts in self.facts.values())

    @property
    def greatest_token(self) -> int:
        """The greatest fencing token that any machine has seen."""
        return max((token for facts in self.facts.values() for token in facts.fences.values()), default=0)
