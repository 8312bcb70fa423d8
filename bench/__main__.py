"""`make bench`: every figure, as tables."""

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated

import structlog
import typer
from rich.console import Console

from bench import acks, bootstrap, chaos, command, failover, following, hosts, poll, pure, scripts, slack, storm
from bench.deploys import measure as deploys
from bench.figures import Group
from bench.report import table
from bench.routing.measure import measure as routing
from lab.preconditions import why_no_lab

# By name; each is given a folder of its own.
MEASUREMENTS: Mapping[str, Callable[[Path], Iterator[Group]]] = {
    "command": lambda _: command.measure(),
    "pure": lambda _: pure.measure(),
    "poll": poll.measure,
    "following": following.measure,
    "slack": slack.measure,
    "storm": storm.measure,
    "acks": acks.measure,
    "scripts": scripts.measure,
    "deploys": deploys.measure,
    "routing": routing,
    "hosts": lambda _: hosts.measure(),
    "bootstrap": bootstrap.measure,
    "failover": lambda _: failover.measure(),
    "chaos": lambda _: chaos.measure(),
}
# These boot lab hosts.
ON_HOSTS = frozenset({"routing", "hosts", "bootstrap", "failover", "chaos"})

out = Console(highlight=False, width=None if sys.stdout.isatty() else 160)


def main(
    only: Annotated[str, typer.Option(help=f"Some of {', '.join(MEASUREMENTS)}, with commas between")] = "",
    with_hosts: Annotated[bool, typer.Option("--hosts/--no-hosts", help="Boot lab hosts, where possible")] = True,
) -> None:
    """Measure flstr, the floors under it, and its peers."""
    unknown = set(filter(None, only.split(","))) - MEASUREMENTS.keys()
    if unknown:
        raise typer.BadParameter(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(MEASUREMENTS)}")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    began = time.monotonic()
    for name in only.split(",") if only else MEASUREMENTS:
        if name in ON_HOSTS and (reason := _why_no_hosts(with_hosts)):
            out.print(f"no figures of {name}: {reason}", style="dim")
        else:
            _show(MEASUREMENTS[name])
    load = os.getloadavg()[0]
    out.print(f"\n{time.monotonic() - began:.0f} s in all; load {load:.1f} on {os.cpu_count()} cores", style="dim")


def _show(measurement: Callable[[Path], Iterator[Group]]) -> None:
    with tempfile.TemporaryDirectory(prefix="flstr-bench-") as folder:
        for group in measurement(Path(folder)):
            out.print()
            out.print(table(group))
            if group.conclusion:
                out.print(group.conclusion)


def _why_no_hosts(wanted: bool) -> str | None:
    return why_no_lab() if wanted else "--no-hosts"


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    app()
