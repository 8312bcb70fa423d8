"""What public addresses must agree on with each other and with the ingresses. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gitops.manifests import Document, Fault
from model.app import App, IngressBinding
from model.cluster import Cluster
from model.names import NodeName, PoolName

Where = tuple[str | int, ...]


@dataclass(frozen=True)
class _Bound:
    """A binding, and where it stands."""

    binding: IngressBinding
    document: Document
    number: int

    @property
    def path(self) -> str:
        return self.document.path

    def fault(self, where: Where, sentence: str) -> Fault:
        return Fault(self.path, self.document.line(("ingress", self.number, *where)), sentence)

    def said(self) -> dict[str, object]:
        """What every binding of one address has to say the same of, as it is written."""
        one = self.binding
        return {"ssl": one.ssl, "hsts": one.ssl and one.hsts, "pool": one.pool, "nodes": tuple(sorted(one.nodes))}


def holder_faults(document: Document, cluster: Cluster) -> Iterator[Fault]:
    """Floating IPs that are to be held by what is no ingress, or where there is none."""
    there_is_one = any(one.role == "ingress" for one in cluster.nodes().values())
    for name, floating in cluster.floating_ips.items():
        if not there_is_one:
            sentence = f"floating IP {name} has no ingress to hold it; add a pool of role ingress"
            yield Fault(document.path, document.line(("floating_ips", name)), sentence)
            continue
        for where, sentence in _no_ingresses(floating.pool, floating.nodes, cluster):
            line = document.line(("floating_ips", name, *where))
            yield Fault(document.path, line, f"floating IP {name} cannot be held: {sentence}")


def binding_faults(apps: Sequence[tuple[Document, App]], cluster: Cluster) -> Iterator[Fault]:
    """Everything that is wrong between the public addresses, and with the ingresses that they name."""
    bound = [_Bound(one, document, number) for document, app in apps for number, one in enumerate(app.ingress)]
    for index, one in enumerate(bound):
        for where, sentence in _no_ingresses(one.binding.pool, one.binding.nodes, cluster):
            yield one.fault(where, f"{one.binding.host} cannot be served: {sentence}")
        yield from _disagreements(one, bound[:index])
        yield from _mixed_port(one, bound[:index])


def _no_ingresses(pool: PoolName | None, nodes: Sequence[NodeName], cluster: Cluster) -> Iterator[tuple[Where, str]]:
    """A pool or machines that are named, and that are no ingresses of the cluster."""
    ingresses = sorted(name for name, one in cluster.pools.items() if one.role == "ingress")
    if pool is not None and pool not in ingresses:
        there_are = f"name one of {', '.join(ingresses)}" if ingresses else "add a pool of role ingress"
        what = f"pool {pool} has the role {cluster.pools[pool].role}" if pool in cluster.pools else f"no pool is {pool}"
        yield ("pool",), f"{what}; {there_are}"
    elif pool is not None and cluster.pools[pool].count == 0:
        yield ("pool",), f"pool {pool} has no machine; let it have some, or name another"
    wanted = cluster.nodes()
    known = sorted(name for name, one in wanted.items() if one.role == "ingress")
    for number, node in enumerate(nodes):
        if node not in known:
            role = f"{node} has the role {wanted[node].role}" if node in wanted else f"no pool has a machine {node}"
            there_are = f"the ingresses are {', '.join(known)}" if known else "add a pool of role ingress"
            yield ("nodes", number), f"{role}; {there_are}"


def _disagreements(one: _Bound, before: Sequence[_Bound]) -> Iterator[Fault]:
    """One address is one thing to its users, whichever app a path of it leads to."""
    host, port = one.binding.host, one.binding.public_port
    other = next((two for two in before if (two.binding.host, two.binding.public_port) == (host, port)), None)
    if other is None:
        return
    there = "elsewhere in it" if other.path == one.path else f"in {other.path}"
    said = other.said()
    for field, value in one.said().items():
        if value != said[field]:
            differ = f"{_written(field, value)} in {one.path} and {_written(field, said[field])} {there}"
            yield one.fault((field,), f"{host}:{port} has {differ}; say the same in both")


def _mixed_port(one: _Bound, before: Sequence[_Bound]) -> Iterator[Fault]:
    host, port = one.binding.host, one.binding.public_port
    for two in before:
        if two.binding.public_port == port and two.binding.host != host and two.binding.ssl != one.binding.ssl:
            secure, plain = (one, two) if one.binding.ssl else (two, one)
            names = f"{secure.binding.host} is served by https in {secure.path}, and {plain.binding.host} in plain"
            sentence = f"port {port} is either or: {names} in {plain.path}; serve one of them on another"
            yield one.fault(("port",), sentence)
            return


def _written(field: str, value: object) -> str:
    if isinstance(value, bool):
        return f"{field}: {str(value).lower()}"
    if isinstance(value, tuple):
        return f"{field}: [{', '.join(map(str, value))}]" if value else f"no {field}"
    return f"no {field}" if value is None else f"{field}: {value}"
