"""Two ingresses, three hosts, one of them a wildcard: certificates come and are renewed under load, unnoticed."""

import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import hcloud
import pytest
from cryptography import x509

from lab.story.chapters import Story
from lab.story.chat import OPERATOR
from lab.story.load import Load
from lab.story.load_client import Orders
from lab.story.load_records import Report
from lab.story.narrator import Silent
from lab.story.stage import Stage
from lab.surroundings import CLOUD_TOKEN, Wishes
from tests.story.asked import await_settled
from tests.story.renewals import want_renewal
from tests.story.views import registered

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(1500)]

REQUESTS = 100_000
REQUESTS_EACH = REQUESTS / 50
INGRESSES = ("ingress016", "ingress017")
WISHES = Wishes(
    edits={
        "role: ingress\n    count: 1": "role: ingress\n    count: 2",
        "people:\n": "dns: {}\n\npeople:\n",
    }
)
# Two locations of one host on a frontend and a backend; a wildcard of a pool; and one that a single ingress serves.
TWO, WILD, ALONE = "www.flstr.lab", "*.shops.flstr.lab", "influencer.flstr.lab"
NAMES = {TWO, WILD, ALONE}
A_SHOP = "first.shops.flstr.lab"
COMES_SECONDS = 300.0


@dataclass(frozen=True)
class Asked:
    """What a load asks for, and at which ingress."""

    ingress: str
    host: str
    path: str
    release: str


ASKED = (
    Asked("ingress016", TWO, "/", "second"),
    Asked("ingress017", TWO, "/api/", "first"),
    Asked("ingress016", A_SHOP, "/", "second"),
    Asked("ingress017", ALONE, "/", "first"),
)


@dataclass(frozen=True)
class Played:
    """What the loads wrote down, and the certificates that each ingress showed, by host, before and after."""

    plain: tuple[Report, ...]
    encrypted: tuple[Report, ...]
    first: Mapping[tuple[str, str], int]
    renewed: Mapping[tuple[str, str], int]


def bindings(app: str, schemes: Sequence[str]) -> str:
    """How an app's manifest ends: each host by these schemes."""
    served = {
        "site": [(TWO, "/", ""), (WILD, "/", ", pool: ingress")],
        "influencer": [(TWO, "/api", ""), (ALONE, "/", ", nodes: [ingress017]")],
    }
    lines = ["ingress:"]
    for host, location, where in served[app]:
        for scheme in schemes:
            encrypted = ", ssl: true" if scheme == "https" else ""
            lines.append(f'  - {{host: "{host}", location: {location}{encrypted}{where}}}')
    return "\n".join(lines) + "\n"


def publish(stage: Stage, *schemes: str) -> None:
    """Merge the two apps with their hosts, and wait until that is followed."""
    second = stage.app_commit("main")

    def edit(folder: Path) -> None:
        influencer = folder / "apps/influencer.yaml"
        text = influencer.read_text().partition("ingress:\n")[0]
        influencer.write_text(text + bindings("influencer", schemes))
        frontend = text.replace("app: influencer", "app: site").replace("kind: backend", "kind: frontend")
        frontend = frontend.replace("port: 5001", "port: 5002").replace("INFLUENCER", "SITE")
        commit = stage.app_commit("main~1")
        (folder / "apps/site.yaml").write_text(frontend.replace(commit, second) + bindings("site", schemes))

    revision = stage.push("-and-".join(schemes), edit, person="operator")
    stage.chat.await_answer(OPERATOR, "/flstr status", f"follows `{revision[:8]}`")


@pytest.fixture(scope="module")
def played(stage: Stage) -> Played:
    cloud = hcloud.Client(CLOUD_TOKEN, api_endpoint=stage.around.cloud_url)
    cloud.zones.create(name="flstr.lab", mode="primary")
    Story(stage, Silent()).build_up()
    publish(stage, "http")
    with ExitStack() as loads:
        plain = [loads.enter_context(load) for load in eventually_answering(stage)]
        publish(stage, "http", "https")
        first = shown(stage, lambda name, serial: serial is not None)
        encrypted = [loads.enter_context(load_on(stage, asked, ssl=True)) for asked in ASKED]
        want_renewal(stage)
        renewed = shown(stage, lambda at, serial: serial not in (None, first[at]))
        while not enough([load.requests for load in (*plain, *encrypted)]):
            time.sleep(1.0)
    publish(stage, "https")
    await_settled(stage)
    return Played(tuple(load.report for load in plain), tuple(load.report for load in encrypted), first, renewed)


def enough(requests: Sequence[int]) -> bool:
    """Whether all of them together, and each of them, have asked so often as they are to."""
    return sum(requests) >= REQUESTS and min(requests) > REQUESTS_EACH


def load_on(stage: Stage, asked: Asked, *, ssl: bool) -> Load:
    root = str(stage.around.acme.root) if ssl else ""
    port = 443 if ssl else 80
    address = stage.servers()[asked.ingress]
    return Load(
        Orders(
            address, asked.host, port, root, asked.path, f"{asked.path.rstrip('/')}/ws", kept=3, short=1, pause=0.002
        )
    )


def eventually_answering(stage: Stage) -> Iterator[Load]:
    """The loads by plain HTTP, once every host answers at its ingress."""
    for asked in ASKED:
        await_open(stage.servers()[asked.ingress], asked)
        yield load_on(stage, asked, ssl=False)


def await_open(address: str, asked: Asked) -> None:
    deadline = time.monotonic() + COMES_SECONDS
    while asked.release not in said_by(address, asked):
        assert time.monotonic() < deadline, f"{asked.host}{asked.path} is not served at {asked.ingress}"
        time.sleep(0.5)


def said_by(address: str, asked: Asked) -> str:
    """What an ingress answers; nothing where it is just told of it, and begins anew."""
    try:
        with socket.create_connection((address, 80), timeout=5) as connection:
            connection.sendall(f"GET {asked.path} HTTP/1.1\r\nHost: {asked.host}\r\nConnection: close\r\n\r\n".encode())
            return connection.makefile().read()
    except OSError:
        return ""


def shown(stage: Stage, is_wanted: Callable[[tuple[str, str], int | None], bool]) -> dict[tuple[str, str], int]:
    """The serial numbers of the certificates that are shown at each ingress, once they are all as wanted."""
    deadline = time.monotonic() + COMES_SECONDS
    places = [(asked.ingress, asked.host) for asked in ASKED]
    while True:
        serials = {at: serial_at(stage, *at) for at in places}
        if all(is_wanted(at, serial) for at, serial in serials.items()):
            return {at: serial for at, serial in serials.items() if serial is not None}
        assert time.monotonic() < deadline, f"the certificates are {serials}; {registered(stage).certificates}"
        time.sleep(0.5)


def serial_at(stage: Stage, ingress: str, host: str) -> int | None:
    """The certificate that an ingress shows for a host, if it is one to trust."""
    context = ssl.create_default_context(cafile=stage.around.acme.root)
    try:
        with (
            socket.create_connection((stage.servers()[ingress], 443), timeout=5) as connection,
            context.wrap_socket(connection, server_hostname=host) as encrypted,
        ):
            certificate = encrypted.getpeercert(binary_form=True)
    except OSError:
        return None
    assert certificate is not None
    return x509.load_der_x509_certificate(certificate).serial_number


def test_no_request_failed(played: Played) -> None:
    reports = (*played.plain, *played.encrypted)
    assert sum(report.requests for report in reports) >= REQUESTS
    assert [one for report in reports for one in report.failures] == []


def test_the_load_was_one_by_both_ways(played: Played) -> None:
    for report in (*played.plain, *played.encrypted):
        assert {request.kind for request in report.asked} == {"kept", "short", "websocket"}
        assert report.requests > REQUESTS_EACH


def test_each_location_leads_to_its_app(played: Played) -> None:
    for reports in (played.plain, played.encrypted):
        for asked, report in zip(ASKED, reports, strict=True):
            assert {answer.split()[1] for answer in report.answers} == {asked.release}


def test_every_certificate_was_renewed_on_every_ingress_that_serves_its_host(played: Played) -> None:
    assert played.first.keys() == played.renewed.keys() == {(asked.ingress, asked.host) for asked in ASKED}
    assert all(played.first[at] != played.renewed[at] for at in played.first)


def test_each_name_has_its_certificate_and_no_other_has_one(stage: Stage, played: Played) -> None:
    assert registered(stage).certificates.keys() == NAMES


def test_a_host_of_one_ingress_is_served_by_that_one_alone(stage: Stage, played: Played) -> None:
    assert serial_at(stage, "ingress017", ALONE) is not None
    assert serial_at(stage, "ingress016", ALONE) is None


def test_the_names_lead_to_the_ingresses_that_serve_them(stage: Stage, played: Played) -> None:
    servers = stage.servers()
    both = tuple(sorted(servers[name] for name in INGRESSES))
    assert registered(stage).names == {TWO: both, WILD: both, ALONE: (servers["ingress017"],)}


def test_whoever_comes_by_plain_http_is_sent_on(stage: Stage, played: Played) -> None:
    for asked in ASKED:
        answer = said_by(stage.servers()[asked.ingress], asked)
        assert answer.startswith("HTTP/1.1 30"), answer
        assert f"Location: https://{asked.host}{asked.path}\n" in answer, answer


def test_padlock_finds_every_host_green(stage: Stage, played: Played) -> None:
    answer = stage.chat.command(OPERATOR, "/flstr padlock")
    assert answer.startswith(":large_green_circle: 3 hosts: ingress016, ingress017 answer as they should"), answer
