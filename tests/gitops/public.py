"""The example's cluster with a public side: several ingresses, DNS names, floating IPs."""

from collections.abc import Mapping
from ipaddress import IPv4Address

from gitops.routed import routing_digest, routing_nodes
from model.registered import FloatingRecord, NodeRecord, Registered
from tests.gitops.scene import CLUSTER_YAML, public_ip, registered

ONE_INGRESS = "    role: ingress\n    count: 1\n"
DNS = "dns:\n  nodes: example.com\n"
FLOATING_IP = "floating_ips:\n  public: {}\n"
FIRST, SECOND, THIRD = "ingress016", "ingress017", "ingress018"
HOST = "influencer.flstr.lab"
PUBLIC = IPv4Address("10.78.0.1")


def public_yaml(*more: str, ingresses: int = 2) -> str:
    """The example's cluster.yaml with so many ingresses, and what is put at its end."""
    assert ONE_INGRESS in CLUSTER_YAML
    text = CLUSTER_YAML.replace(ONE_INGRESS, ONE_INGRESS.replace("1", str(ingresses)))
    return "\n".join([text.rstrip("\n"), "", *more])


def public_tree(
    holder: str | None = FIRST,
    ingresses: int = 2,
    silent: tuple[str, ...] = (),
    floated: Mapping[str, tuple[str, ...]] | None = None,
    **update: object,
) -> Registered:
    """What etcd holds of it: floating IP `public` with its holder, and ingresses that do not answer."""
    tree = registered()
    nodes = dict(tree.nodes)
    for number in range(1, ingresses):
        name = f"ingress{16 + number:03}"
        nodes[name] = NodeRecord(
            name=name, ip=public_ip(name), services=(), role="ingress", pool="ingress",
            addresses=nodes[FIRST].addresses,
        )  # fmt: skip
    if floated is None:
        floated = {} if holder is None else {holder: (str(PUBLIC),)}
    tree = tree.model_copy(
        update={
            "nodes": nodes,
            "floating_ips": {} if holder is None else {"public": FloatingRecord(ip=PUBLIC, node=holder)},
            "floated": dict(floated),
            "unreachable": dict.fromkeys(silent, 1000.0),
        }
    )
    routed = {node: routing_digest(tree, node) for node in routing_nodes(tree)}
    return tree.model_copy(update={"routed": routed, **update})
