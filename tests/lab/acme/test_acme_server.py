"""The lab's certificate authority, as it starts, answers and fails on request."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography import x509

from lab.acme.server import AcmeServer
from lab.acme.settings import AcmeSettings
from lab.errors import LabError
from tests.answering_dns import AnsweringDns
from tests.running_acme import MakeAcme


def get(server: AcmeServer) -> Any:
    with requests.Session() as session:
        session.trust_env = False
        return session.get(server.directory, verify=str(server.directory_authority), timeout=5).json()


def test_it_serves_a_directory_under_a_certificate_of_its_own(make_acme: MakeAcme) -> None:
    server = make_acme().server
    assert {"newNonce", "newAccount", "newOrder", "revokeCert"} <= set(get(server))
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(server.directory, timeout=5, proxies={"https": ""})


def test_its_root_can_be_read_and_is_another_one_after_each_start(make_acme: MakeAcme) -> None:
    acme = make_acme()
    first = x509.load_pem_x509_certificate(acme.server.root.read_bytes())
    assert first.subject == first.issuer
    directory = acme.server.directory
    acme.restart()
    assert x509.load_pem_x509_certificate(acme.server.root.read_bytes()) != first
    assert acme.server.directory == directory
    get(acme.server)


def test_what_it_was_told_stands_in_its_log(make_acme: MakeAcme, dns: AnsweringDns, tmp_path: Path) -> None:
    acme = make_acme(nonce_reject=7, authorization_reuse=13, validation_seconds=3, chain_length=2, always_valid=True)
    log = (tmp_path / "acme0" / "pebble.log").read_text()
    assert "reject 7% of good nonces" in log
    assert "authz reuse for each identifier 13% of the time" in log
    assert "maximum random VA sleep time to 3 seconds" in log
    assert "VA always returns valid" in log
    assert f"Using custom DNS resolver for ACME challenges: {dns.address}" in log
    assert f"certificate validity period of {90 * 86400} seconds" in log
    acme.restart(AcmeSettings(dns=dns.address))
    assert "Disabling random VA sleeps" in (tmp_path / "acme0" / "pebble.log").read_text()


def test_only_its_user_reads_its_key(make_acme: MakeAcme, tmp_path: Path) -> None:
    make_acme()
    assert (tmp_path / "acme0" / "directory-key.pem").stat().st_mode & 0o777 == 0o600
    assert json.loads((tmp_path / "acme0" / "pebble.json").read_text())["pebble"]["httpPort"] == 80


def test_one_that_is_stopped_answers_nobody(make_acme: MakeAcme) -> None:
    acme = make_acme()
    acme.pause()
    with pytest.raises(requests.ConnectionError):
        get(acme.server)
    acme.pause()


def test_one_that_cannot_start_says_where_its_log_is(tmp_path: Path) -> None:
    server = AcmeServer(tmp_path / "acme", AcmeSettings(dns="127.0.0.1:53", lifetime_seconds=-(2**70)))
    with pytest.raises(LabError, match=r"^pebble at 127\.0\.0\.1:\d+ did not start; see .*pebble\.log\.$"):
        asyncio.run(server.start())


def test_without_pebble_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LabError, match="install Debian's package pebble"):
        asyncio.run(AcmeServer(tmp_path / "acme", AcmeSettings(dns="127.0.0.1:53")).start())
