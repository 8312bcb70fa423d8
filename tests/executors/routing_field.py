"""What the routing is made from, a registry, and machines that answer as a test says."""

from collections.abc import Iterable

from executors.routing import Routing
from gitops.executor import HostFence, StepContext
from gitops.registry import Registry
from gitops.store import Store
from model import keys
from model.certificates import CertificateRecord
from model.steps import ApplyRouting
from tests.executors.clusters import cluster
from tests.executors.example import registered_keys
from tests.executors.issued import pair_for, record_of
from tests.executors.scripted import Answer, ScriptedRemote
from tests.identity import IDENTITIES

SHOP, WILD = "shop.example.com", "*.example.com"


class Field:
    """The example's registry, and machines that answer as a test says."""

    def __init__(
        self,
        store: Store,
        answer: Answer = lambda node, script: "",
        dead: tuple[str, ...] = (),
        case: str = "example",
        certificates: Iterable[CertificateRecord] = (),
    ) -> None:
        store.write({**registered_keys(case), keys.CLUSTER: cluster("small").to_json()})
        store.write({keys.certificate(one.name): one.to_json() for one in certificates})
        self.remote = ScriptedRemote(answer, dead)
        self.reports: list[str] = []
        self.told: list[str] = []
        self.context = StepContext("op", Registry(store), HostFence(1), self.reports.append, self.told.append)

    def apply(self, *serving: tuple[str, str, str]) -> None:
        Routing(self.remote, IDENTITIES.decrypt).apply(ApplyRouting.model_validate({"serving": serving}), self.context)


def secure_field(store: Store, answer: Answer = lambda node, script: "", **sealed: str) -> Field:
    """The cluster with two ingresses, and certificates with real keys; `sealed` are keys that others have."""
    pairs = [pair_for(name) for name in (SHOP, WILD, "both.example.com", "admin.example.com")]
    records = [record_of(one, "5", sealed.get(one.name.partition(".")[0])) for one in pairs]
    return Field(store, answer, case="secure", certificates=records)


def carried(field: Field) -> dict[str, list[str]]:
    """By machine, the hosts whose certificates came with the last script."""
    found = {}
    for node, script in field.remote.ran:
        lines = (line.split() for line in script.splitlines() if line.startswith("take_pair "))
        found[node] = [line[1].strip("'") for line in lines]
    field.remote.ran.clear()
    return found
