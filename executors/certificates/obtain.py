"""The step that gets one certificate: a wildcard by DNS-01 through the zones, any other by HTTP-01 at its ingresses."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from executors.certificates.dns01 import Dns01Solver, FindServers, TxtRecords, authoritative_servers
from executors.certificates.failures import IssueFailed
from executors.certificates.http01 import Http01Solver
from executors.certificates.office import Office
from executors.certificates.proofs import RECORD_LABEL, Solver, record_name
from executors.nginx_files import ACME_FOLDER
from executors.remote import Remote
from gitops.certificate_budget import Known, limit_of, over_budget
from gitops.certificates import put_failure, read_history
from gitops.certificates_due import ingresses_of, secured_hosts
from gitops.executor import StepContext
from gitops.store import Store
from model import keys
from model.app import HTTP_PORT
from model.certificates import IssueFailure
from model.errors import Fenced, Refused, StepFailed, Unreadable
from model.names import CertificateHost, ClusterName
from model.registered import Registered
from model.steps import ObtainCertificate


@dataclass(frozen=True)
class Doors:
    """Where proofs are put: `records` opens the zones for a cluster, `port` and `folder` are the ingresses'."""

    remote: Remote
    records: Callable[[ClusterName], TxtRecords]
    servers: FindServers = authoritative_servers
    port: int = HTTP_PORT
    folder: str = ACME_FOLDER


class Obtaining:
    """Carries `ObtainCertificate` out. `office` opens one that writes by a step's own store.

    The note that a certificate is due goes with the record of how it went, in one write: while it is there, nothing
    has come of it yet, and once it is gone, nothing is ordered a second time.
    """

    def __init__(self, office: Callable[[Store], Office], doors: Doors) -> None:
        self._office = office
        self._doors = doors

    def obtain(self, step: ObtainCertificate, context: StepContext) -> None:
        """Order, prove, check and keep it; where that fails, the record says why."""
        registered = context.registry.read()
        if step.name not in registered.due:
            _say_how_it_went(step.name, registered, context)
            return
        try:
            self._order(step.name, registered, context)
        except (Fenced, Unreadable):
            raise
        except (StepFailed, Refused) as error:
            _note(step.name, error.sentence, context)
            raise
        except Exception as error:
            _note(step.name, f"flstr itself failed ({type(error).__name__}); its log says more", context)
            raise

    def _order(self, name: CertificateHost, registered: Registered, context: StepContext) -> None:
        if name not in secured_hosts(registered):
            raise StepFailed(f"{name} is not served by https any more, so no certificate is asked for")
        store = context.registry.store
        office = self._office(store)
        known = Known(registered.certificates, read_history(store), office.authority.directory)
        limit = limit_of(name, known, now := datetime.now(UTC))
        if limit is not None:
            refused = over_budget(name, limit, now)
            put_failure(store, name, refused)
            raise IssueFailed(refused.sentence, limit.until)
        solver = self._solver(name, registered, context)
        # The zones and the authority know no fence.
        store.check_fence()
        if isinstance(solver, Dns01Solver):
            _clear_old_proofs(name, solver.records, registered, context)
        office.obtain((name,), solver, context.report)

    def _solver(self, name: CertificateHost, registered: Registered, context: StepContext) -> Solver:
        doors = self._doors
        if name.startswith("*."):
            return Dns01Solver(doors.records(context.registry.cluster().cluster), doors.servers)
        ingresses = {node: registered.nodes[node].ip for node in ingresses_of(name, registered)}
        return Http01Solver(doors.remote, context.fence, ingresses, doors.port, doors.folder)


def _clear_old_proofs(name: CertificateHost, records: TxtRecords, registered: Registered, context: StepContext) -> None:
    """What a controller left that was killed, or could not take away. An order that may be under way is of a name that
    is still due, and of this one there is no other: nobody looks for the rest any more."""
    keep = {record_name(other) for other in registered.due.keys() - {name}}
    try:
        records.clear_texts(RECORD_LABEL, keep)
    except StepFailed as error:
        context.report(f"old proofs could not be taken away: {error.sentence}")


def _say_how_it_went(name: CertificateHost, registered: Registered, context: StepContext) -> None:
    """A controller was killed after it had noted how it went. Raises `StepFailed` where no certificate came."""
    record = registered.certificates.get(name)
    if record is not None and record.failure is not None:
        raise StepFailed(record.failure.sentence)
    context.report("it is there already" if record is not None else "nobody wants it any more")


def _note(name: CertificateHost, sentence: str, context: StepContext) -> None:
    """What went wrong before the office could note it itself."""
    store = context.registry.store
    if store.get(keys.due(name)) is not None:
        put_failure(store, name, IssueFailure(sentence=sentence, at=datetime.now(UTC)))
