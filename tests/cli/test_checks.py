"""The checks of the outside, put together from the settings."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.executors import build_checks
from cli.settings import Settings, read_settings
from executors.transparency.issuers import certificate_id
from gitops.certificates import put_asked_for
from gitops.registry import Registry
from gitops.store import Store
from lab.ct.authority import Authority
from model.registered import IngressPublish, IngressRecord
from model.transparency import AskedFor
from tests.cli.shell import Flstr, refused
from tests.lab.ct.running_ct import RunningCt

HOST = "influencer.flstr.lab"


@pytest.fixture
def ct() -> Iterator[RunningCt]:
    running = RunningCt()
    yield running
    running.stop()


@pytest.fixture
def registry(store: Store) -> Registry:
    """A cluster with one public address."""
    record = IngressRecord(publish=IngressPublish(port=443, ssl=True, host_name=HOST), location=())
    store.put(f"ingress/{HOST}:443", record.to_json())
    return Registry(store)


def test_crtsh_asks_where_the_settings_say(ct: RunningCt, registry: Registry, tmp_path: Path) -> None:
    ct.api.log(Authority("Let's Encrypt", "R11").issue([HOST]))
    settings = Settings(state=tmp_path, crtsh_url=ct.url, certspotter_url=f"{ct.url}/")
    crtsh = build_checks(settings, registry)["crtsh"]
    assert str(crtsh((), registry)).startswith(
        f":red_circle: *flstr.lab*: Let's Encrypt R11 issued a certificate for {HOST} that flstr did not ask for"
    )
    ct.fault("too_many", "crt.sh", retry_after=3600)
    assert "(says Cert Spotter)" in str(crtsh((HOST,), registry))
    assert ct.asked() == [("/", 200), ("/", 429), ("/v1/issuances", 200), ("/v1/issuances", 200)]


def test_crtsh_is_quiet_about_what_flstr_asked_for_of_the_authority_in_the_settings(
    ct: RunningCt, registry: Registry, tmp_path: Path
) -> None:
    certificate = Authority("Lab Trust", "L1").issue([HOST])
    ct.api.log(certificate)
    put_asked_for(registry.store, AskedFor(id=certificate_id(certificate), not_after=certificate.not_valid_after_utc))
    settings = Settings(state=tmp_path, crtsh_url=ct.url, certspotter_url=ct.url, acme_issuer="Lab Trust")
    assert build_checks(settings, registry)["crtsh"]((), registry) == (
        ":large_green_circle: *flstr.lab*: good now is 1 by Lab Trust L1; 1 of 50 new ones in 7 days by Lab Trust "
        "(says crt.sh)"
    )


@pytest.mark.parametrize("address", ["crt.sh", "ftp://crt.sh", "https://crt.sh/?q=", "https://a b/"])
def test_an_address_that_is_none_is_refused(flstr: Flstr, address: str) -> None:
    done = flstr("status", FLSTR_CRTSH_URL=address)
    assert refused(done, 1) == f"FLSTR_CRTSH_URL cannot be '{address}': Address of crt.sh, as https://host"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("FLSTR_NAMESERVER", "ns.example.com"),
        ("FLSTR_ACME_DIRECTORY", "http://acme.example.com/directory"),
        ("FLSTR_ACME_DIRECTORY_CA", "/nowhere/ca.pem"),
        ("FLSTR_ACME_ROOT", "/nowhere/root.pem"),
        ("FLSTR_ACME_ROOT", f"/{'x' * 300}"),
        ("FLSTR_ACME_ISSUER", ""),
        ("FLSTR_ACME_CAA", "letsencrypt.org;"),
    ],
)
def test_an_authority_that_cannot_be_asked_is_refused(flstr: Flstr, variable: str, value: str) -> None:
    assert refused(flstr("status", **{variable: value}), 1).startswith(f"{variable} cannot be '{value}': ")


def test_a_file_that_is_not_named_is_the_machines_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLSTR_ACME_ROOT", "")
    assert read_settings().acme_root is None
