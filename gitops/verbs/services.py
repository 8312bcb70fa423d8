"""The verbs about the data of a service: backup, backups, restore."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from gitops import edit
from gitops.backups.due import failing_words
from gitops.backups.service_making import ServiceBackups, check_keeps_data
from gitops.backups.service_names import asked_for_again, without_asking
from gitops.backups.service_notes import read_note
from gitops.holds.rules import read_holds, suspended, why_not_begin
from gitops.manifests import Manifests, service_path
from gitops.registry import Registry
from gitops.verbs.change import Change
from gitops.verbs.commits import Commits, text_of
from gitops.verbs.desk import Request
from gitops.verbs.names import known_as
from model import keys
from model.attachment import Reply
from model.errors import Refused
from model.locks import service_lock
from model.operation import Origin
from model.service import Service

SHOWN = 20
NONE_MADE = "this flstr makes no backups"


@dataclass(frozen=True)
class Services:
    """Answers and decides what a person asks for of a service's data; `backups` is None where nobody makes any."""

    commits: Commits
    registry: Registry
    backups: ServiceBackups | None

    def backup(self, request: Request) -> Reply:
        """`service backup <service>`."""
        service = self._installed(request)
        backups = self._backups()
        check_keeps_data(service)
        if request.cluster.backups is None:
            raise Refused("cluster.yaml names no place for backups; write one into the field `to` under `backups`")
        if (hold := suspended(read_holds(self.registry.store))) is not None:
            raise Refused(why_not_begin([hold]))
        operation, new = backups.begin(service.service, _origin(request))
        if new:
            return Reply(f"A backup of {service.service} begins; its thread says what comes of it.")
        told = ""
        if request.intent.asker.place == "slack":
            self.registry.store.put(keys.follower(operation.id, request.intent.asker.user), request.person)
            told = "; you will be told of its end"
        return Reply(f"A backup of {service.service} is under way already{told}.", operation=operation.id)

    def list(self, request: Request) -> str:
        """`service backups <service>`; of one that is gone, or is to come again, as well."""
        backups, there = self._backups(), self.registry.read().services
        known = {name for name, service in there.items() if service.record is not None}
        name = known_as(request, request.intent.arguments[0], "service", known | backups.kept_of(request.cluster))
        found = backups.of(request.cluster, name)
        lines = [f"• `{one}`: {one.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC, {one.size} bytes" for one in found[:SHOWN]]
        more = [f"• and {len(found) - SHOWN} older ones"] if len(found) > SHOWN else []
        why = failing_words(read_note(self.registry.store, name), backups.clock())
        return "\n".join([f"*Backups of {name}*", *(lines or ["none"]), *more, *([why] if why else [])])

    def restore(self, request: Request) -> Change:
        """`service restore <service> [backup]`; the worker asks for an approval."""
        manifests = self.commits.newest()
        service = _named(request, manifests)
        check_keeps_data(service)
        words = request.intent.arguments[1:]
        backup = str(self._backups().find(manifests.cluster, service.service, *words))
        if service.restored is not None and without_asking(service.restored) == backup:
            backup = asked_for_again(backup, datetime.fromtimestamp(self._backups().clock(), UTC))

        def write(files: Mapping[str, str]) -> Mapping[str, str]:
            path = service_path(service.service)
            return {path: edit.set_value(text_of(files, path), ["restored"], f'"{backup}"')}

        name = service.service
        found = self.registry.read().services.get(name)
        # One that nobody has come to yet loses nothing.
        serves = found is not None and found.meta_data is not None
        then = "it keeps what it has until somebody approves" if serves else "it begins with that as it is installed"
        return Change(
            write=write,
            subject=f"Restore {name} from {backup}",
            done=lambda revision: f"{name} is to hold what `{backup}` does: committed as `{revision[:8]}`; {then}.",
            nothing="",
            locks=frozenset({service_lock(name)}),
        )

    def _backups(self) -> ServiceBackups:
        if self.backups is None:
            raise Refused(NONE_MADE)
        return self.backups

    def _installed(self, request: Request) -> Service:
        """The service as it is installed. Raises `Refused`."""
        services = self.registry.read().services
        name = known_as(request, request.intent.arguments[0], "service", services)
        record = services[name].record
        if record is None:
            raise Refused(f"{name} was registered by hand; flstr has not installed it, and does not back it up.")
        if services[name].meta_data is None:
            raise Refused(f"{name} does not serve yet, so there is nothing to back up.")
        return record.service


def _named(request: Request, manifests: Manifests) -> Service:
    return manifests.services[known_as(request, request.intent.arguments[0], "service", manifests.services)]


def _origin(request: Request) -> Origin:
    words = " ".join(request.intent.words.split())[:200]
    return Origin(person=request.person, display=request.person, place=request.place, words=words)
