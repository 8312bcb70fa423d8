"""flstr in a lab, told by the lab's environment alone: a certificate for a host there, and what the checks make of it."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import paramiko
import pytest
from hcloud.zones import ZoneRecord

from cli.executors import build_checks, build_rounds, certificate_office
from cli.settings import Settings, read_settings, variable_of
from executors.certificates.proofs import ChallengeKind, Proof
from executors.nginx_files import ACME_FOLDER, ACME_PATH
from gitops.executor import HostChecks
from gitops.operations import Operations
from gitops.registry import Registry
from gitops.rounds import Rounds
from gitops.secrets import read_identities
from gitops.store import Store
from lab.lab import lab_folders
from model import keys
from model.operation import Notice
from model.registered import IngressPublish, IngressRecord, NodeRecord
from tests.lab.cloud.running_cloud import AnyClient
from tests.lab.ssh import KeyPair, connect, run
from tests.lab.standing import Standing

pytestmark = pytest.mark.hosts

HOST = "shop.flstr.lab"
INGRESS = "ingress016"
WITHIN_SECONDS = 30.0
FOLDER = f"{ACME_FOLDER}{ACME_PATH}".rstrip("/")
NGINX = f"""
events {{}}
http {{
    server {{
        listen 80;
        location {ACME_PATH} {{ root {ACME_FOLDER}; }}
        location / {{ return 301 https://$host$request_uri; }}
    }}
    include /etc/nginx/secured;
}}
"""
SECURED = """
server {
    listen 443 ssl;
    ssl_certificate /etc/nginx/shop.pem;
    ssl_certificate_key /etc/nginx/shop.pem;
    ssl_protocols TLSv1.2 TLSv1.3;
    add_header Strict-Transport-Security "max-age=31536000" always;
    location / { return 200 "hello"; }
}
"""


@dataclass(frozen=True)
class Ingress:
    """A host of the lab that serves as an ingress does; a `Solver` by files, as `Http01Solver`."""

    ssh: paramiko.SSHClient
    kind: ChallengeKind = "http-01"

    def does(self, command: str) -> None:
        status, output = run(self.ssh, command)
        assert status == 0, output

    def writes(self, path: str, content: str) -> None:
        self.does(f"mkdir -p {Path(path).parent} && cat >{path} <<'END'\n{content.rstrip()}\nEND")

    def put(self, proofs: Sequence[Proof]) -> None:
        for proof in proofs:
            self.writes(f"{FOLDER}/{proof.token}", proof.content)

    def await_seen(self, proofs: Sequence[Proof], within: float) -> None:
        """It was seen once it was written."""

    def take_away(self, proofs: Sequence[Proof]) -> None:
        for proof in proofs:
            self.does(f"rm {FOLDER}/{proof.token}")


@dataclass(frozen=True)
class Field:
    """A lab with one ingress, and the flstr that its environment makes."""

    standing: Standing
    ingress: Ingress
    zone: AnyClient
    registry: Registry
    settings: Settings
    checks: HostChecks

    def says(self, check: str) -> str:
        return str(self.checks[check]((HOST,), self.registry))


@pytest.fixture(scope="module")
def field(etcd_endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    host_key, client_key = KeyPair.new(), KeyPair.new()
    store = Store([etcd_endpoint])
    store.delete_prefix("")
    standing = Standing(f"acme-{os.getpid()}", lab_folders())
    try:
        (server,) = standing.servers(client_key, **{INGRESS: host_key})
        address = server.public_net.ipv4.ip
        zone = standing.client.zones.create(name="flstr.lab", mode="primary").zone
        zone.create_rrset(name="shop", type="A", records=[ZoneRecord(address)])
        registry = Registry(store)
        store.put(
            f"node/{INGRESS}",
            NodeRecord(name=INGRESS, ip=address, role="ingress", pool="ingress", services=()).to_json(),
        )
        published = IngressPublish(port=443, ssl=True, host_name=HOST)
        store.put(f"ingress/{HOST}:443", IngressRecord(publish=published, location=()).to_json())
        ssh = connect(address, host_key, client_key)
        settings = settings_of(standing, tmp_path_factory.mktemp("flstr"))
        yield Field(standing, Ingress(ssh), zone, registry, settings, build_checks(settings, registry))
        ssh.close()
    finally:
        standing.stop()
        store.close()


def settings_of(standing: Standing, state: Path) -> Settings:
    """The settings of a flstr that is told by the lab, and by nothing else."""
    with pytest.MonkeyPatch.context() as patch:
        for name in Settings.model_fields:
            patch.delenv(variable_of(name), raising=False)
        for variable, value in {**standing.around.environment(), "FLSTR_STATE": str(state)}.items():
            patch.setenv(variable, value)
        return read_settings()


def eventually(look: Callable[[], bool]) -> bool:
    """Whether something becomes so: what an authority issues is logged a moment later, here as everywhere."""
    deadline = time.monotonic() + WITHIN_SECONDS
    while not look():
        if time.monotonic() > deadline:
            return False
    return True


@pytest.fixture(scope="module")
def served(field: Field) -> Field:
    """The host, with a certificate that was proved through it."""
    field.ingress.writes("/etc/nginx/nginx.conf", NGINX)
    field.ingress.does("firewall-cmd --quiet --add-service=http --add-service=https")
    field.ingress.does("touch /etc/nginx/secured && systemctl restart nginx")
    identities = read_identities(field.settings.state / "identity")
    office = certificate_office(field.settings, field.registry.store, identities)
    issued = office.obtain((HOST,), field.ingress).issued
    assert issued is not None
    field.ingress.writes("/etc/nginx/shop.pem", issued.chain + office.key_of(issued).decode())
    field.ingress.writes("/etc/nginx/secured", SECURED)
    field.ingress.does("systemctl restart nginx")
    return field


def test_padlock_trusts_the_labs_authority_and_asks_the_labs_dns(served: Field) -> None:
    assert served.says("padlock").startswith(f":large_green_circle: *{HOST}*: {INGRESS} answers as it should")
    rrset = served.zone.create_rrset(name="@", type="CAA", records=[ZoneRecord('0 issue "other.example.net"')]).rrset
    assert served.says("padlock").startswith(
        f":red_circle: *{HOST}*: CAA of flstr.lab lets other.example.net issue, and not letsencrypt.org. "
    )
    rrset.delete_rrset().action.wait_until_finished()


def test_the_daily_rounds_are_two_green_lines_and_are_said_once(served: Field) -> None:
    assert eventually(lambda: "good now is 1 by Pebble Intermediate CA" in served.says("crtsh"))
    store = served.registry.store
    for _ in range(2):
        # Another controller each time.
        Rounds(served.registry, Operations(store), build_rounds(served.settings)).look()
    padlock, crtsh = (
        Notice.model_validate_json(text).text for _, text in sorted(store.prefix(keys.NOTICES).items(), reverse=True)
    )
    assert padlock.startswith(f":large_green_circle: *{HOST}*: {INGRESS} answers as it should")
    assert crtsh.startswith(":large_green_circle: *flstr.lab*: good now is 1 by Pebble Intermediate CA")
    assert "\n" not in padlock + crtsh
    assert sorted(store.prefix(keys.ROUNDS)) == [keys.check_round("crtsh"), keys.check_round("padlock")]


def test_crtsh_sees_what_the_labs_authority_issued_and_that_flstr_asked_for_it(served: Field) -> None:
    assert eventually(lambda: "good now is 1 by Pebble Intermediate CA" in served.says("crtsh"))
    line = served.says("crtsh")
    assert line.startswith(f":large_green_circle: *{HOST}*: ")
    assert "1 of 50 new ones in 7 days by Pebble (says crt.sh)" in line
    served.standing.around.ct.issue_rogue(HOST)
    assert served.says("crtsh").startswith(f":red_circle: *{HOST}*: Rogue &amp; Sons, Ltd Rogue Issuing CA 1 issued ")
