"""Services' data go to where backups are kept, and come back from there."""

import contextlib
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from executors.remote import FetchingRemote
from executors.services.kept import Keeping
from executors.services.noted import service_record
from executors.services.playbooks import Playbooks
from executors.services.told import Action, PlaybookRun
from executors.templates import quote
from gitops.backups.due import failed, succeeded
from gitops.backups.keeping import keep
from gitops.backups.place import PlaceOf
from gitops.backups.service_keeping import fetch, find, place_in, seal
from gitops.backups.service_names import ServiceBackup, superfluous, without_asking
from gitops.backups.service_notes import change_note
from gitops.backups.service_spared import wanted_backups
from gitops.executor import StepContext
from gitops.secrets import Identities
from model.errors import Cancelled, EtcdSilent, Refused, StepFailed
from model.names import AppName, NodeName
from model.registered import ServiceRecord
from model.service_steps import BackUpService, RestoreService

PREFIX = "service-"
# How long a file may be on its way from or to a machine.
WAY_SECONDS = 3600.0
REMOVE_SECONDS = 30.0


def file_there(service: AppName) -> str:
    """Where on a machine its backup stands while it is made or put back."""
    return f"/var/lib/flstr/service-backups/{service}"


@dataclass(frozen=True)
class BackingUp:
    """Carries out `BackUpService` and `RestoreService`.

    Files are for a while in `folder`, on the machine that flstr runs on, and are gone from there afterwards.
    """

    remote: FetchingRemote
    playbooks: Playbooks
    keeping: Keeping
    place_of: PlaceOf
    identities: Identities
    folder: Path
    clock: Callable[[], float] = time.time

    def back_up(self, step: BackUpService, context: StepContext) -> None:
        """Have the playbook write a file, and keep it encrypted; how that went is noted."""
        store = context.registry.store
        try:
            name = self._back_up(step.service, context)
        except (EtcdSilent, Cancelled):
            raise
        except (Refused, StepFailed) as error:
            sentence = error.sentence
            change_note(store, step.service, lambda before: failed(before, sentence, self.clock()))
            raise _of_the_step(error) from error
        change_note(store, step.service, lambda before: succeeded(before, str(name), name.size, self.clock()))
        context.report(f"kept {name.size} bytes as {name}")

    def restore(self, step: RestoreService, context: StepContext) -> None:
        """Have the playbook put a backup in the place of what the service holds, and note which one it was."""
        try:
            self._restore(step, context)
        except EtcdSilent:
            raise
        except Refused as error:
            raise _of_the_step(error) from error

    def _back_up(self, service: AppName, context: StepContext) -> ServiceBackup:
        cluster, record = context.registry.cluster(), service_record(service, context)
        place, node = place_in(cluster, self.place_of), _node(record, context)
        at = datetime.fromtimestamp(self.clock(), UTC)
        with self._temporary(service) as folder:
            plain = folder / "data"
            with self._file_on(node, service, context):
                context.report(f"{node} writes its data to a file")
                # Whoever does not answer has nothing to do with it.
                alive = tuple(one for one in record.nodes if one in _answering(context))
                self.playbooks.run(_run(record, "back_up", node, alive), context)
                file = file_there(service)
                self.remote.download(node, file, plain, context.fence, WAY_SECONDS, context.report)
            recipients = (self.identities.recipient, *cluster.secrets.recipients)
            name, sealed = seal(plain, cluster, service, at, recipients)
            context.report(f"keeping {name.size} bytes")
            spared = wanted_backups(context.registry.store, service)
            old = partial(superfluous, new=name, keep=record.service.backup.keep, spared=spared)
            keep(place, name, sealed, old, context.registry.store.check_fence)
        return name

    def _restore(self, step: RestoreService, context: StepContext) -> None:
        cluster, record = context.registry.cluster(), service_record(step.service, context)
        place, node = place_in(cluster, self.place_of), _node(record, context)
        name = find(place, cluster, step.service, without_asking(step.backup))
        with self._temporary(step.service) as folder, self._file_on(node, step.service, context):
            plain = folder / "data"
            context.report(f"fetching {name.size} bytes")
            fetch(place, name, plain, self.identities)
            file = file_there(step.service)
            self.remote.upload(node, plain, file, context.fence, WAY_SECONDS, context.report)
            context.report(f"{node} takes the data of {name}")
            self.playbooks.run(_run(record, "restore", node, record.nodes), context)
        newest = service_record(step.service, context)
        restored = {"restored": step.backup, "at": self.clock()}
        context.registry.put_service(newest.model_copy(update=restored))
        self.keeping.keep(step.service, context)

    @contextlib.contextmanager
    def _temporary(self, service: AppName) -> Iterator[Path]:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        prefix = f"{PREFIX}{service}."
        for left in self.folder.glob(f"{prefix}*"):
            # Whoever was killed in the middle left it, as plain text it may be; nobody else is at work on this service.
            shutil.rmtree(left, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix=prefix, dir=self.folder) as temporary:
            yield Path(temporary)

    @contextlib.contextmanager
    def _file_on(self, node: NodeName, service: AppName, context: StepContext) -> Iterator[None]:
        """The file is gone from the machine afterwards, whatever came of it."""
        file = file_there(service)
        self.remote.run(node, f"rm -rf {quote(file)}\nmkdir -p {quote(Path(file).parent)}", context.fence)
        try:
            yield
        finally:
            # A machine that does not answer any more says so by what was asked of it before.
            with contextlib.suppress(StepFailed):
                self.remote.run(node, f"rm -rf {quote(file)}", context.fence, REMOVE_SECONDS)


def _run(record: ServiceRecord, action: Action, node: NodeName, nodes: tuple[NodeName, ...]) -> PlaybookRun:
    return PlaybookRun(
        service=record.service,
        nodes=nodes,
        leader=record.leader,
        action=action,
        source=record.source,
        backup_node=node,
        backup_file=file_there(record.service.service),
    )


def _node(record: ServiceRecord, context: StepContext) -> NodeName:
    """The machine whose data it is: that of the leader, or the first one that lives."""
    nodes = [record.leader] if record.leader is not None else [*record.nodes]
    answering = _answering(context)
    alive = [node for node in nodes if node in answering]
    if not alive:
        raise StepFailed(f"{record.service.service}: {', '.join(nodes) or 'no machine'} does not answer")
    return alive[0]


def _answering(context: StepContext) -> frozenset[NodeName]:
    registered = context.registry.read()
    return frozenset(registered.nodes) - registered.silent()


def _of_the_step(error: Refused | StepFailed) -> StepFailed:
    """A place that does not answer is a fault of the step, unlike an etcd that is silent for a moment."""
    return error if isinstance(error, StepFailed) else StepFailed(error.sentence)
