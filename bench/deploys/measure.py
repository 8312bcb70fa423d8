"""The same deploy by every way there is, to 1, 10 and 50 hosts."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from bench import servers
from bench.deploys import by_peers, by_script
from bench.deploys.by_flstr import PORT, ByFlstr
from bench.deploys.by_peers import ByAnsible, ByPyinfra
from bench.deploys.by_script import ByScript
from bench.deploys.hosts import Hosts, running
from bench.figures import Figure, Group, Kind, in_turn

SIZES = (1, 10, 50)
RUNS = 5
SLOW_RUNS = 1  # of what takes a minute


@dataclass(frozen=True)
class Way:
    """A way to deploy a commit to every host, and the port its app answers at there."""

    name: str
    deploy: Callable[[str], object]
    port: int
    kind: Kind = "flstr"


def measure(folder: Path) -> Iterator[Group]:
    """A commit fetched, laid out, built, its unit written and restarted, its health waited for, on every host.

    Nothing is routed or drained: that only flstr does. Each deploy brings a commit that no host has yet.
    """
    for size in SIZES:
        # A short name: the sockets of master connections stand below it.
        of_size = folder / str(size)
        of_size.mkdir()
        with running(of_size / "hosts", size) as hosts:
            yield _group(of_size, hosts)


def _group(folder: Path, hosts: Hosts) -> Group:
    with ExitStack() as stack:
        endpoint = stack.enter_context(servers.etcd(folder))
        flstr = stack.enter_context(closing(ByFlstr(hosts, endpoint, folder / "flstr")))
        script = stack.enter_context(closing(ByScript(hosts, folder)))
        flstr.connect()
        script.connect()
        quick = [
            Way("flstr, warm connections as in service", flstr.deploy, PORT),
            Way("flstr, a new connection to each host", flstr.deploy_cold, PORT),
            Way("one bash script a host, ssh with ControlMaster", script.deploy_warm, by_script.PORT, "floor"),
            Way("one bash script a host, ssh", script.deploy, by_script.PORT, "peer"),
        ]
        slow = []
        if by_peers.installed():
            quick.append(Way("pyinfra", ByPyinfra(hosts, folder / "pyinfra").deploy, by_peers.PYINFRA_PORT, "peer"))
            ansible = stack.enter_context(closing(ByAnsible(hosts, folder / "ansible")))
            slow.append(Way("Ansible", ansible.deploy, by_peers.ANSIBLE_PORT, "peer"))
        figures = [*_figures(quick, hosts, RUNS), *_figures(slow, hosts, SLOW_RUNS)]
    count = len(hosts.addresses)
    where = "1 host" if count == 1 else f"{count} hosts"
    return Group(f"a commit deployed to {where}, where a script stands in for systemd", _compared(figures))


def _figures(ways: Sequence[Way], hosts: Hosts, runs: int) -> Iterator[Figure]:
    """One run of each way at a time."""
    commits = iter([hosts.repo.commit() for _ in range(runs * len(ways))])
    deployed: dict[int, str] = {}

    def run(way: Way) -> None:
        deployed[way.port] = next(commits)
        way.deploy(deployed[way.port])

    measured = in_turn([lambda way=way: run(way) for way in ways], runs)  # type: ignore[misc]
    for port, commit in deployed.items():
        hosts.see_serving(port, commit)
    for way, seconds in zip(ways, measured, strict=True):
        yield Figure(way.name, seconds, way.kind)


def _compared(figures: Sequence[Figure]) -> tuple[Figure, ...]:
    flstr = figures[0].median
    return tuple(
        Figure(figure.name, figure.seconds, figure.kind, f"{figure.median / flstr:.1f} times as long as flstr, warm")
        if figure.kind == "peer"
        else figure
        for figure in figures
    )
