"""The step that gets a certificate, in a cluster whose two ingresses are here."""

from dataclasses import dataclass, field, replace

from executors.certificates.obtain import Doors, Obtaining
from executors.certificates.office import Office
from gitops.certificates import (
    read_certificate,
    read_history,
)
from gitops.executor import HostFence, StepContext
from gitops.registry import Registry
from gitops.store import Store
from model import keys
from model.certificates import CertificateRecord
from model.registered import IngressPublish, IngressRecord
from model.steps import ObtainCertificate
from tests.answering_dns import AnsweringDns
from tests.executors.certificates.test_dns01 import Zone
from tests.executors.certificates.web import HereRemote, Web

HOST, WILD = "app.example.com", "*.example.com"


@dataclass
class Step:
    """The step in a cluster with two ingresses, which are one here, and what it says."""

    store: Store
    office: Office
    remote: HereRemote
    web: Web
    zone: Zone
    dns: AnsweringDns
    reports: list[str] = field(default_factory=list)

    def publish(self, name: str, ssl: bool = True) -> None:
        """Have a host served by https, and a certificate for it noted as due."""
        record = IngressRecord(publish=IngressPublish(port=443, ssl=ssl, host_name=name), location=())
        self.store.put(keys.ingress(name, 443), record.to_json())
        self.note(name)

    def note(self, name: str) -> None:
        self.store.put(keys.due(name), "it has none yet")

    def run(self, name: str) -> CertificateRecord:
        """Carry it out; what is kept afterwards."""
        self.carry_out(name)
        return self.kept(name)

    def carry_out(self, name: str, store: Store | None = None) -> None:
        doors = Doors(
            self.remote, lambda cluster: self.zone, lambda name: [("127.0.0.1", self.dns.port)], self.web.port,
            str(self.web.acme_folder),
        )  # fmt: skip
        registry = Registry(store or self.store)
        context = StepContext("op", registry, HostFence(1), self.reports.append)
        Obtaining(lambda store: replace(self.office, store=store), doors).obtain(ObtainCertificate(name=name), context)

    def kept(self, name: str) -> CertificateRecord:
        record = read_certificate(self.store, name)
        assert record is not None
        return record

    def failure(self, name: str) -> str:
        failure = self.kept(name).failure
        assert failure is not None
        return failure.sentence

    @property
    def orders(self) -> int:
        """How many certificates were issued, or may have been, as far as is noted."""
        return len(read_history(self.store))

    def due(self) -> list[str]:
        return [key.removeprefix(keys.DUE) for key in self.store.prefix(keys.DUE)]


class PowerCut(BaseException):
    """The controller is gone, in the middle of everything."""
