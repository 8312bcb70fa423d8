"""What flstr works out without asking anybody: manifests, plans, the files and scripts of machines."""

import functools
from collections.abc import Iterator

from ruamel.yaml import YAML

from bench import clusters
from bench.figures import Figure, Group, in_turn, timed
from executors.firewall import firewall_of
from executors.mesh_files import mesh_script, places, tunnels
from executors.mesh_keys import keys_script
from executors.overlay_files import overlay_script, place
from executors.routing import Checks, routing_script
from executors.routing_files import routing_files
from gitops.lint import check
from gitops.plan import plan
from gitops.routed import routing_nodes
from model.networks import Overlay
from model.registered import Registered

SIZES = (5, 50, 200)
RUNS = 5


def measure() -> Iterator[Group]:
    """Manifests and plans for three sizes of cluster, rendering for 50 machines."""
    yield _parsing(SIZES[-1])
    yield Group("plan(), 20 apps with 2 instances each", tuple(figure for size in SIZES for figure in _planning(size)))
    yield _rendering(50)


def _parsing(nodes: int) -> Group:
    files = clusters.files(nodes)
    texts = list(files.values())

    def read_only() -> None:
        for text in texts:
            YAML(typ="safe").load(text)

    checked, floor = in_turn([lambda: check(files), read_only], RUNS)
    return Group(
        f"a revision with {nodes} machines and 20 apps, read and checked",
        (Figure("flstr lint", checked), Figure("ruamel.yaml's safe loader alone", floor, "floor")),
    )


def _planning(nodes: int) -> Iterator[Figure]:
    manifests = check(clusters.files(nodes))
    settled = clusters.registered(manifests)
    newer = check(clusters.files(nodes, commit=clusters.SECOND))
    cases = {
        "from nothing": (manifests, Registered()),
        "new commits": (newer, settled),
        "unchanged": (manifests, settled),
    }
    for name, trees in cases.items():
        seconds = timed(functools.partial(plan, *trees), RUNS)
        yield Figure(
            f"{nodes} machines, {name}",
            seconds,
            note=f"{sum(len(change.steps) for change in plan(*trees).changes)} steps",
        )


def _rendering(nodes: int) -> Group:
    manifests = check(clusters.files(nodes))
    cluster, members, registered = manifests.cluster, clusters.members(manifests), clusters.registered(manifests)
    up = frozenset(registered.nodes)

    def keys() -> list[str]:
        return [keys_script([place.name for place in places(node, cluster, members)]) for node in registered.nodes]

    def meshes() -> list[str]:
        scripts = []
        for node in registered.nodes:
            of_node = places(node, cluster, members)
            rules = firewall_of(node, cluster, registered)
            scripts.append(mesh_script(of_node, tunnels(of_node, up), firewall=rules))
        return scripts

    def overlay() -> list[str]:
        ips = {node: record.ip for node, record in registered.nodes.items()}
        overlaid = Overlay.model_validate({"network": "10.5.0.0/16"})
        leases = clusters.leases(registered)
        return [overlay_script(place(ip, overlaid, leases, ips)) for ip in ips.values()]

    def routing() -> list[str]:
        return [routing_script(routing_files(registered, node), Checks()) for node in routing_nodes(registered)]

    return Group(
        f"rendering for {nodes} machines and 20 apps",
        (
            Figure("scripts that make mesh keys", timed(keys, RUNS), note=_size(keys())),
            Figure("mesh and firewall files and scripts of all", timed(meshes, RUNS), note=_size(meshes())),
            Figure("overlay files and scripts of all", timed(overlay, RUNS), note=_size(overlay())),
            Figure("routing files and scripts of all", timed(routing, RUNS), note=_size(routing())),
        ),
    )


def _size(scripts: list[str]) -> str:
    return f"{len(scripts)} scripts, {sum(map(len, scripts)) // 1024} KiB"
