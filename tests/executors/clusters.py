"""Clusters for tests, and the members that would be registered of them."""

from pathlib import Path

from ruamel.yaml import YAML

from gitops.networked import Members
from model.cluster import Cluster
from model.registered import MeshMember
from tests.executors.expected import FIXTURES

MESH_FIXTURES = FIXTURES / "mesh"


def cluster(name: str) -> Cluster:
    """The manifest of a fixture folder."""
    return Cluster.model_validate(YAML(typ="safe").load(Path(MESH_FIXTURES / name / "cluster.yaml")))


def members(of: Cluster) -> Members:
    """Every machine with an address in each of its meshes, and a key that says whose it is."""
    endpoints = {node: f"198.51.100.{number}" for number, node in enumerate(of.nodes(), start=1)}
    found: dict[str, dict[str, MeshMember]] = {}
    for name, mesh in of.meshes.items():
        nodes = [node for node, pool in of.nodes().items() if pool.role in mesh.roles()]
        found[name] = {
            node: MeshMember(
                node=node,
                role=of.nodes()[node].role,
                endpoint=endpoints[node],
                address=str(address),
                public_key=public_key(f"{name}/{node}"),
            )
            for node, address in zip(nodes, mesh.subnet.hosts(), strict=False)
        }
    return found


def public_key(text: str) -> str:
    """Something of the shape of tinc's public key."""
    return f"-----BEGIN RSA PUBLIC KEY-----\n{text}\n-----END RSA PUBLIC KEY-----\n"
