"""From nothing to the app answering, and an update of it, on lab hosts: where the time goes, step by step."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from bench.figures import Figure, Group
from cli.etcd import ENDPOINT_FILE
from gitops.operations import Operations
from gitops.store import Store
from lab.cgroup import unified_hierarchy
from lab.story.chapters import Story
from lab.story.narrator import Silent
from lab.story.stage import Stage
from model.operation import Operation


def measure() -> Iterator[Group]:
    """One run of the story's first two chapters; the times are those of the operations in etcd.

    The CPU time of the hosts says more than the clock, where other work keeps this machine busy.
    """
    with Stage(f"bench-{os.getpid()}") as stage:
        story = Story(stage, Silent())
        took = story.build_up()
        used = _cpu_seconds(stage)
        yield by_step(
            _newest(stage), f"from nothing to the app answering: {took:.0f} s, {used:.0f} s of CPU on the hosts"
        )
        used = _cpu_seconds(stage)
        tally = story.deploy()
        used = _cpu_seconds(stage) - used
        asked = f"{tally.requests} requests meanwhile, {len(tally.failures)} failed"
        yield by_step(_newest(stage), f"two instances replaced in turn: {asked}, {used:.1f} s of CPU on the hosts")


def _cpu_seconds(stage: Stage) -> float:
    """What all hosts of the lab have used so far."""
    said = (unified_hierarchy() / stage.around.lab.network.names.group / "cpu.stat").read_text()
    return int(dict(line.split() for line in said.splitlines())["usage_usec"]) / 1e6


def _newest(stage: Stage) -> Operation:
    with _store(stage) as store:
        return Operations(store).all()[-1]


@contextmanager
def _store(stage: Stage) -> Iterator[Store]:
    store = Store([(stage.around.state / ENDPOINT_FILE).read_text().strip()])
    try:
        yield store
    finally:
        store.close()


def by_step(operation: Operation, title: str) -> Group:
    """How long an operation took, and each of its steps."""
    began = operation.started or operation.created
    figures = [Figure("the operation as a whole", ((operation.ended or began) - began,))]
    for step in operation.plan.steps:
        state = operation.steps[step.id]
        if state.started is not None and state.ended is not None:
            note = f"began after {state.started - began:.1f} s"
            figures.append(Figure(step.title, (state.ended - state.started,), note=note))
    return Group(title, tuple(figures))
