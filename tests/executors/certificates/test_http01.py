"""Certificates from a real pebble, proved by files on a real nginx."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from acme import messages
from cryptography import x509

from executors.certificates.authority import Session, enter
from executors.certificates.faults import faults
from executors.certificates.http01 import Http01Solver
from executors.certificates.issue import prove
from executors.certificates.keypairs import account_key, make_key
from executors.certificates.network import Network
from executors.certificates.office import Office
from executors.certificates.proofs import Proof
from gitops.certificates import KeySafe, key_safe, read_certificate
from gitops.executor import HostFence
from gitops.secrets import read_identities
from gitops.store import Store
from model import keys
from model.certificates import AcmeAccount
from model.errors import Refused, StepFailed
from model.names import CertificateHost
from tests.answering_dns import AnsweringDns
from tests.executors.certificates.offices import office_at
from tests.executors.certificates.web import HereRemote, Web
from tests.running_acme import MakeAcme, RunningAcme

NAMES = ("app.example.com", "www.example.com")


def account(store: Store, office: Office) -> AcmeAccount:
    return AcmeAccount.model_validate_json(store.get(keys.acme_account(office.authority.directory)) or "")


def test_a_certificate_for_two_names_is_kept_with_its_key_sealed(
    store: Store, office: Office, http01: Http01Solver, web: Web
) -> None:
    record = office.obtain(NAMES, http01)
    assert record == read_certificate(store, "app.example.com")
    assert record.issued is not None
    assert record.failure is None
    assert record.issued.names == NAMES
    key = office.key_of(record.issued)
    assert faults(record.issued.chain, key, NAMES, office.roots, datetime.now(UTC)) == ()
    leaf, intermediate = x509.load_pem_x509_certificates(record.issued.chain.encode())
    assert (leaf.issuer, f"{leaf.serial_number:x}") == (intermediate.subject, record.issued.serial)
    assert (record.issued.not_before, record.issued.not_after) == (leaf.not_valid_before_utc, leaf.not_valid_after_utc)
    assert web.challenges() == []


def test_no_private_key_is_in_etcd(store: Store, office: Office, http01: Http01Solver) -> None:
    issued = office.obtain(NAMES, http01).issued
    assert issued is not None
    everything = store.prefix("")
    assert set(everything) == {
        "certificate/app.example.com",
        keys.acme_account(office.authority.directory),
        keys.asked_for(issued.serial),
    }
    assert not any("PRIVATE KEY" in value for value in everything.values())


def test_the_account_is_made_once_and_found_again(
    store: Store, office: Office, http01: Http01Solver, acme: RunningAcme, safe: KeySafe
) -> None:
    office.obtain(NAMES, http01)
    first = account(store, office)
    assert first.url
    # A controller that was killed before it could note where the account is.
    store.put(keys.acme_account(first.directory), first.model_copy(update={"url": ""}).to_json())
    office_at(acme, store, safe).obtain(("shop.example.com",), http01)
    assert account(store, office) == first


def test_a_renewed_certificate_has_another_serial_and_another_key(
    store: Store, office: Office, http01: Http01Solver
) -> None:
    old = office.obtain(NAMES, http01).issued
    new = office.obtain(NAMES, http01).issued
    assert old is not None
    assert new is not None
    assert new.serial != old.serial
    assert office.key_of(new) != office.key_of(old)
    assert read_certificate(store, "app.example.com") is not None


def test_names_that_the_authority_still_believes_need_no_proof(
    store: Store, make_acme: MakeAcme, web: Web, http01: Http01Solver, safe: KeySafe
) -> None:
    office = office_at(make_acme(http_port=web.port, authorization_reuse=100), store, safe)
    office.obtain(NAMES, http01)
    unreachable = replace(http01, remote=HereRemote(web, dead=("ingress016", "ingress017")))
    assert office.obtain(NAMES, unreachable).issued is not None


def test_rejected_nonces_are_asked_for_again(
    store: Store, make_acme: MakeAcme, web: Web, http01: Http01Solver, safe: KeySafe, tmp_path: Path
) -> None:
    office = office_at(make_acme(http_port=web.port, nonce_reject=50), store, safe)
    for _ in range(2):
        assert office.obtain(NAMES, http01).issued is not None
    # Each answer brings the nonce for the next request; only after a rejection is there none.
    assert (tmp_path / "acme0" / "pebble.log").read_text().count("HEAD /nonce-plz") > 2


def test_an_authority_that_takes_its_time_is_waited_for(
    store: Store, make_acme: MakeAcme, web: Web, http01: Http01Solver, safe: KeySafe
) -> None:
    office = replace(office_at(make_acme(http_port=web.port, validation_seconds=2), store, safe))
    assert office.obtain(NAMES, http01).issued is not None


def test_a_name_that_leads_elsewhere_is_one_sentence_and_leaves_nothing(
    store: Store, office: Office, http01: Http01Solver, web: Web, dns: AnsweringDns
) -> None:
    # The authority believes this name already, and pebble asks for a new proof of such a one mostly, not always.
    old = office.obtain(("app.example.com",), http01).issued
    dns.put_address("www.example.com", "127.0.0.9")
    with pytest.raises(StepFailed, match=r"^www\.example\.com: no certificate, because 127\.0\.0\.1 ") as failed:
        office.obtain(NAMES, http01)
    record = read_certificate(store, "app.example.com")
    assert record is not None
    assert record.issued == old
    assert record.failure is not None
    assert record.failure.sentence == failed.value.sentence
    assert "\n" not in failed.value.sentence
    assert web.challenges() == []
    dns.put_address("www.example.com", "127.0.0.1")
    assert office.obtain(NAMES, http01).failure is None


def test_a_name_whose_dns_fails_is_one_sentence(office: Office, http01: Http01Solver, dns: AnsweringDns) -> None:
    dns.fail("www.example.com")
    with pytest.raises(
        StepFailed, match=r"^www\.example\.com: no certificate, because .* \(.*could not resolve URL .*\)$"
    ):
        office.obtain(NAMES, http01)


def test_a_wrong_answer_is_one_sentence(office: Office, http01: Http01Solver) -> None:
    class Forging(Http01Solver):
        def put(self, proofs: Sequence[Proof]) -> None:
            super().put([replace(proof, content="forged") for proof in proofs])

        def await_seen(self, proofs: Sequence[Proof], within: float) -> None:
            super().await_seen([replace(proof, content="forged") for proof in proofs], within)

    solver = Forging(http01.remote, http01.fence, http01.ingresses, http01.port, http01.folder)
    with pytest.raises(StepFailed, match=r"because 127\.0\.0\.1 got a wrong answer from app\.example\.com; "):
        office.obtain(NAMES, solver)


def test_an_ingress_that_is_dead_fails_before_the_authority_is_asked_to_look(
    office: Office, http01: Http01Solver, web: Web
) -> None:
    with pytest.raises(StepFailed, match=r"^ingress017: no SSH connection"):
        office.obtain(NAMES, replace(http01, remote=HereRemote(web, dead=("ingress017",))))
    assert web.challenges() == []


def test_an_order_that_comes_to_nothing_leaves_no_name_pending_with_the_authority(
    office: Office, http01: Http01Solver, web: Web
) -> None:
    orders: list[messages.OrderResource] = []

    class Remembering(Session):
        def order(
            self, names: tuple[CertificateHost, ...], csr: bytes, replaces: str | None = None
        ) -> tuple[messages.OrderResource, bool]:
            placed = super().order(names, csr, replaces)
            orders.append(placed[0])
            return placed

    key = account_key(make_key())
    entered = enter(office.authority, key, Network(key, 60.0, office.authority.trust))
    session = Remembering(entered.authority, entered.client, entered.net, key, entered.url)
    with pytest.raises(StepFailed, match=r"^ingress017: no SSH connection"):
        prove(session, NAMES, replace(http01, remote=HereRemote(web, dead=("ingress017",))))
    (order,) = orders
    statuses = [session.authorization(url).body.status for url in order.body.authorizations]
    assert [status.name for status in statuses] == ["deactivated", "deactivated"]


def test_an_ingress_that_does_not_answer_is_found_before_the_authority_finds_it(
    office: Office, http01: Http01Solver, web: Web
) -> None:
    elsewhere = replace(http01, folder=str(web.folder / "elsewhere"))
    proofs = (Proof("http-01", "app.example.com", "t" * 22, "content"),)
    with pytest.raises(StepFailed, match=r"^ingress016 does not answer .* for app\.example\.com \(status 404\)"):
        elsewhere.await_seen(proofs, within=0.0)


def test_a_proof_that_cannot_be_taken_away_is_told_and_costs_no_certificate(
    office: Office, http01: Http01Solver, web: Web
) -> None:
    remote = HereRemote(web)

    class Forgetful(Http01Solver):
        def take_away(self, proofs: Sequence[Proof]) -> None:
            remote.dead = ("ingress017",)
            super().take_away(proofs)

    told: list[str] = []
    solver = Forgetful(remote, HostFence(1), http01.ingresses, web.port, str(web.acme_folder))
    assert office.obtain(NAMES, solver, told.append).issued is not None
    assert told == [
        "waiting until the proof by HTTP-01 is seen",
        "127.0.0.1 looks for the proof",
        "a proof could not be taken away: ingress017: no SSH connection to 192.0.2.1 port 22 (no answer)",
    ]


def test_proofs_of_other_names_come_and_go_meanwhile(http01: Http01Solver, web: Web) -> None:
    folder = web.acme_folder / ".well-known" / "acme-challenge"
    folder.mkdir(parents=True)
    proofs = (Proof("http-01", "app.example.com", "t" * 22, "content"),)
    others = (
        "from pathlib import Path\nfiles = [Path(str(name)) for name in range(1000)]\n"
        "while True:\n for file in files: file.touch()\n for file in files: file.unlink()"
    )
    command = ["setpriv", "--pdeathsig", "KILL", sys.executable, "-c", others]
    with subprocess.Popen(command, cwd=folder) as running:
        try:
            for _ in range(10):
                http01.put(proofs)
                http01.take_away(proofs)
        finally:
            running.kill()


def test_a_wildcard_is_refused_before_anybody_is_asked(office: Office, http01: Http01Solver, acme: RunningAcme) -> None:
    acme.pause()
    with pytest.raises(Refused, match=r"^\*\.example\.com can be proved by DNS only"):
        office.obtain(("example.com", "*.example.com"), http01)


def test_an_authority_that_is_down_is_one_sentence(
    store: Store, office: Office, http01: Http01Solver, acme: RunningAcme
) -> None:
    acme.pause()
    with pytest.raises(StepFailed, match=r"^app\.example\.com, www\.example\.com: 127\.0\.0\.1 cannot be reached"):
        office.obtain(NAMES, http01)
    record = read_certificate(store, "app.example.com")
    assert record is not None
    assert record.failure is not None


def test_an_authority_whose_directory_is_not_trusted_is_not_asked(office: Office, http01: Http01Solver) -> None:
    other = replace(office, authority=replace(office.authority, trust=None))
    with pytest.raises(StepFailed, match=r"shows a certificate that is not trusted here"):
        other.obtain(NAMES, http01)


def test_a_certificate_of_a_root_that_is_not_trusted_is_not_used(
    store: Store, office: Office, http01: Http01Solver, acme: RunningAcme
) -> None:
    old = office.obtain(NAMES, http01).issued
    acme.restart()  # with another root, and without our account
    with pytest.raises(StepFailed, match=r"the new certificate is not used, because nothing in its chain leads from "):
        office.obtain(NAMES, http01)
    record = read_certificate(store, "app.example.com")
    assert record is not None
    assert record.issued == old


def test_whoever_has_lost_the_private_key_gets_another_account_and_keys_to_open(
    store: Store, office: Office, http01: Http01Solver, tmp_path: Path
) -> None:
    office.obtain(NAMES, http01)
    before = account(store, office)
    later = replace(office, safe=key_safe(read_identities(tmp_path / "made anew")))
    issued = later.obtain(NAMES, http01).issued
    assert issued is not None
    assert later.key_of(issued)
    assert account(store, office).url != before.url


def test_an_account_that_the_authority_has_forgotten_is_made_again(
    store: Store, office: Office, http01: Http01Solver, acme: RunningAcme, safe: KeySafe
) -> None:
    office.obtain(NAMES, http01)
    before = account(store, office)
    acme.restart()
    assert office_at(acme, store, safe).obtain(NAMES, http01).issued is not None
    after = account(store, office)
    assert after.sealed_key == before.sealed_key
    assert after.url != before.url
