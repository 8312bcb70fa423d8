"""An authority, an ingress, and the office that gets certificates from the one for the other."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from executors.certificates.failures import IssueFailed
from executors.certificates.http01 import Http01Solver
from executors.certificates.office import Office
from gitops.certificates import KeySafe, key_safe
from gitops.executor import HostFence
from gitops.secrets import read_identities
from gitops.store import Store
from model import keys
from model.registered import NodeRecord
from tests.answering_dns import AnsweringDns
from tests.executors.certificates.obtaining import HOST, Step
from tests.executors.certificates.offices import NAME, Obtain, Start, office_at, scripted_office
from tests.executors.certificates.scripted_acme import Reply, ScriptedAcme
from tests.executors.certificates.test_dns01 import Zone
from tests.executors.certificates.web import HereRemote, Web
from tests.executors.scripted import ScriptedRemote
from tests.gitops.scene import manifests
from tests.running_acme import MakeAcme, RunningAcme


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    """An ingress."""
    web = Web(tmp_path / "web")
    yield web
    web.stop()


@pytest.fixture
def acme(make_acme: MakeAcme, web: Web) -> RunningAcme:
    """An authority that looks for its proofs at the ingress."""
    return make_acme(http_port=web.port)


@pytest.fixture
def safe(tmp_path: Path) -> KeySafe:
    return key_safe(read_identities(tmp_path / "age" / "identity"))


@pytest.fixture
def office(store: Store, acme: RunningAcme, safe: KeySafe) -> Office:
    return office_at(acme, store, safe)


@pytest.fixture
def http01(web: Web) -> Http01Solver:
    """Two ingresses, which are one here."""
    ingresses = {"ingress016": "127.0.0.1", "ingress017": "127.0.0.1"}
    return Http01Solver(HereRemote(web), HostFence(1), ingresses, web.port, str(web.acme_folder), lambda _: None)


@pytest.fixture
def start() -> Iterator[Start]:
    """`start(*orders, windows=None)`: an authority that answers so."""
    running: list[ScriptedAcme] = []

    def make(*orders: Reply, windows: list[Reply] | None = None) -> ScriptedAcme:
        running.append(ScriptedAcme(list(orders), windows))
        return running[-1]

    yield make
    for one in running:
        one.stop()


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def obtain(store: Store, safe: KeySafe, pauses: list[float]) -> Obtain:
    """Ask for a certificate, and return how it failed."""

    def ask(acme: ScriptedAcme) -> IssueFailed:
        office = replace(scripted_office(acme, store, safe), pause=pauses.append)
        with pytest.raises(IssueFailed) as failed:
            office.obtain((NAME,), Http01Solver(ScriptedRemote(lambda node, script: ""), HostFence(1), {}))
        assert "\n" not in failed.value.sentence
        return failed.value

    return ask


@pytest.fixture
def step(store: Store, office: Office, web: Web, dns: AnsweringDns) -> Step:
    store.put(keys.CLUSTER, manifests().cluster.to_json())
    for node in ("ingress016", "ingress017"):
        record = NodeRecord(name=node, ip="127.0.0.1", role="ingress", pool="ingress", services=())
        store.put(keys.node(node), record.to_json())
    step = Step(store, office, HereRemote(web), web, Zone(dns), dns)
    step.publish(HOST)
    return step


@pytest.fixture
def issued(step: Step, tmp_path: Path) -> Callable[[], int]:
    """How many certificates the authority itself says that it has issued."""
    log = tmp_path / "acme0" / "pebble.log"
    return lambda: log.read_text().count("Issued certificate serial")
