"""What is wrong with the schedules of pools. Pure."""

from collections.abc import Iterator

from gitops.manifests import Document, Fault
from gitops.schedules import why_wrong
from model.cluster import Cluster


def schedule_faults(document: Document, cluster: Cluster) -> Iterator[Fault]:
    """Each line is one that cron would take, and comes to pass."""
    for name, pool in cluster.pools.items():
        for number, line in enumerate(pool.schedule):
            if why := why_wrong(line.at):
                sentence = f"'{line.at}' is no time for {name}: {why}; write one such as 0 8 * * mon-fri"
                yield Fault(document.path, document.line(("pools", name, "schedule", number, "at")), sentence)
