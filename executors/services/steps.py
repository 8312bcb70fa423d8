"""The steps of services that are carried out by their playbooks."""

import time
from collections.abc import Callable, Sequence

from executors.services.kept import Keeping
from executors.services.noted import record_if_any
from executors.services.playbooks import Playbooks
from executors.services.secrets import wanted
from executors.services.told import PlaybookRun
from executors.services.words import would_change
from gitops.executor import StepContext
from gitops.registry import Registry
from gitops.service_secrets import forget_others
from model.errors import StepFailed
from model.registered import ServiceRecord
from model.service_steps import ApplyService, NoteService, RemoveService


class Services:
    """Applies and removes services."""

    def __init__(self, playbooks: Playbooks, keeping: Keeping, clock: Callable[[], float] = time.time) -> None:
        self._playbooks = playbooks
        self._keeping = keeping
        self._clock = clock

    def apply(self, step: ApplyService, context: StepContext) -> None:
        """Bring a service to what its manifest says, on all of its machines, and note that."""
        service = step.service
        run = _run(step)
        before = record_if_any(service.service, context)
        if before is not None and before.leader != step.leader and before.leader in run.everywhere:
            # Redis would be told to follow one that has less of its data.
            raise StepFailed(f"{before.leader} leads {service.service} by now, so this is planned anew")
        self._playbooks.run(run, context)
        context.registry.put_service(
            ServiceRecord(
                service=service,
                nodes=run.everywhere,
                leader=step.leader,
                restored=before.restored if before else None,
                silent=step.silent,
                at=self._clock(),
                digest=step.digest,
                source=step.source,
            )
        )
        forget_others(context.registry.store, service.service, wanted(service))
        self._keeping.keep(service.service, context)

    def note(self, step: NoteService, context: StepContext) -> None:
        """Note what else its manifest says: how backups are kept, how long a run may take, what apps are told."""
        record = record_if_any(step.service.service, context)
        if record is not None:
            context.registry.put_service(record.model_copy(update={"service": step.service, "at": self._clock()}))
            self._keeping.keep(step.service.service, context)

    def preview(self, step: ApplyService, registry: Registry) -> Sequence[str]:
        """What applying it would change, a line for each machine; nothing is changed by that."""
        run = _run(step)
        return would_change(self._playbooks.check(run, registry).changes)

    def remove(self, step: RemoveService, context: StepContext) -> None:
        """Take a service off machines that it is to leave; what is left of it is noted."""
        run = PlaybookRun(step.service, leaving=step.nodes, action="remove", source=step.source)
        self._playbooks.run(run, context)
        self._keeping.drop(step.service.service, step.nodes, context)
        record = record_if_any(step.service.service, context)
        if record is None:
            return
        left = tuple(node for node in record.nodes if node not in step.nodes)
        if left:
            context.registry.put_service(record.model_copy(update={"nodes": left, "at": self._clock()}))


def _run(step: ApplyService) -> PlaybookRun:
    return PlaybookRun(step.service, step.nodes, step.leaving, step.silent, step.leader, "apply", step.source)
