"""What each machine of a service keeps of it, for a cluster whose etcd is lost: its record, and its secrets as etcd has
them, sealed to the cluster's own key."""

from collections.abc import Iterable
from dataclasses import dataclass

import structlog

from executors.remote import Remote
from executors.script import STATE_FOLDER
from executors.services.noted import record_if_any
from executors.templates import render
from gitops.executor import StepContext
from model import service_keys
from model.base import Frozen
from model.errors import StepFailed
from model.names import AppName, NodeName
from model.registered import ServiceRecord

KEEP_SECONDS = 20.0

log = structlog.get_logger()


class KeptService(Frozen):
    """The file; `secrets` are by name."""

    record: ServiceRecord
    secrets: dict[str, str]


def kept_file(service: AppName, folder: str = STATE_FOLDER) -> str:
    """Where it stands on a machine."""
    return f"{folder}/services/{service}.json"


def keep_script(kept: KeptService, folder: str = STATE_FOLDER) -> str:
    """Writes the file, for root alone."""
    file = kept_file(kept.record.service.service, folder)
    return render("services/keep.sh.j2", file=file, content=f"{kept.to_json()}\n")


def drop_script(service: AppName, folder: str = STATE_FOLDER) -> str:
    """Removes the file."""
    return render("services/drop.sh.j2", file=kept_file(service, folder))


@dataclass(frozen=True)
class Keeping:
    """Has the machines of a service keep it. Who does not answer keeps what it had: the newest counts."""

    remote: Remote
    folder: str = STATE_FOLDER

    def keep(self, service: AppName, context: StepContext) -> None:
        """Write what is noted of a service to all of its machines."""
        record = record_if_any(service, context)
        if record is None:
            return
        prefix = service_keys.secrets(service)
        sealed = context.registry.store.prefix(prefix)
        secrets = {key.removeprefix(prefix): value for key, value in sealed.items()}
        kept = KeptService(record=record, secrets=secrets)
        self._run(record.nodes, keep_script(kept, self.folder), context)

    def drop(self, service: AppName, nodes: Iterable[NodeName], context: StepContext) -> None:
        """Remove it from machines that the service has left."""
        self._run(nodes, drop_script(service, self.folder), context)

    def _run(self, nodes: Iterable[NodeName], script: str, context: StepContext) -> None:
        answers = self.remote.run_all(dict.fromkeys(nodes, script), context.fence, KEEP_SECONDS)
        for node, answer in answers.items():
            if isinstance(answer, StepFailed):
                log.warning("a machine does not keep what is noted of a service", node=node, why=answer.sentence)
