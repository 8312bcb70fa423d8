"""`graph`: what the doctor sees of the networks, as a picture."""

import time
from collections.abc import Callable

from executors.doctor.check import Doctor
from executors.graph.drawing import picture
from executors.graph.networks import networks
from executors.graph.words import answer, description
from gitops.registry import Registry
from model.attachment import Attachment, Reply


class Graph:
    """A `HostCheck`."""

    def __init__(self, doctor: Doctor, clock: Callable[[], float] = time.time) -> None:
        self._doctor = doctor
        self._clock = clock

    def __call__(self, _: tuple[str, ...], registry: Registry) -> str | Reply:
        """A line a network, and the picture; words alone where there is nothing to draw."""
        patient = self._doctor.patient(None, registry)
        seen = self._doctor.look(patient)
        cluster = patient.cluster.cluster
        drawn = networks(patient.cluster, patient.registered, seen)
        if not drawn:
            return answer(drawn)
        content = picture(cluster, drawn, self._clock())
        attachment = Attachment.of(
            f"{cluster}-networks.png", f"Networks of {cluster}", description(cluster, drawn), content
        )
        return Reply(answer(drawn), attachment)
