"""Hosts that get certificates and renew them, as the worker does it, and an authority that refuses some."""

from datetime import UTC, datetime
from typing import Any

from gitops.certificates import put_failure, read_certificate
from model.certificates import CertificateRecord, IssueFailure
from model.errors import StepFailed
from model.operation import Operation
from tests.gitops.flstr import Flstr
from tests.gitops.scene import HOST, app_yaml, secured

HOUR, DAY = 3600.0, 86400.0
A, B = "a.flstr.lab", "b.flstr.lab"


def publish(flstr: Flstr, *hosts: str) -> None:
    """Have the app's hosts served by https."""
    flstr.cluster.pull()
    flstr.cluster.push({"apps/influencer.yaml": secured(app_yaml(flstr.app[0].url, flstr.app[1]), *hosts)})


def poll(flstr: Flstr) -> list[Operation]:
    """What a poll does, and what comes of it; the operations about certificates."""
    flstr.renewals.look()
    return [operation for operation in flstr.settle() if operation.plan.locks == ("certificates",)]


def later(flstr: Flstr, seconds: float) -> None:
    flstr.now[0] += seconds


def today(flstr: Flstr) -> datetime:
    return datetime.fromtimestamp(flstr.now[0], UTC)


def kept(flstr: Flstr, host: str = HOST) -> CertificateRecord:
    record = read_certificate(flstr.store, host)
    assert record is not None
    return record


def serial(flstr: Flstr, host: str = HOST) -> str:
    issued = kept(flstr, host).issued
    assert issued is not None
    return issued.serial


def due(flstr: Flstr) -> dict[str, str]:
    return flstr.registry.read().due


class Failing:
    """The authority refuses these hosts, as the real step tells it."""

    def __init__(self, flstr: Flstr, *hosts: str) -> None:
        self.hosts = set(hosts)
        self.asked: list[str] = []
        self._flstr = flstr
        self._act = flstr.pretend.act["certificate.obtain"]
        flstr.pretend.act["certificate.obtain"] = self

    def __call__(self, step: Any, context: Any) -> None:
        self.asked.append(step.name)
        if step.name in self.hosts:
            sentence = f"{step.name}: no certificate, because nobody answers there"
            put_failure(context.registry.store, step.name, IssueFailure(sentence=sentence, at=today(self._flstr)))
            raise StepFailed(sentence)
        self._act(step, context)
