"""The checks of the outside, put together from the settings."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.executors import build_checks
from cli.settings import Settings
from gitops.registry import Registry
from gitops.store import Store
from lab.ct.authority import Authority
from model.registered import IngressPublish, IngressRecord
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
    # Until flstr asks for certificates itself, nobody's are its own.
    assert str(crtsh((), registry)).startswith(
        f":red_circle: *flstr.lab*: Let's Encrypt R11 issued a certificate for {HOST} that flstr did not ask for"
    )
    ct.fault("too_many", "crt.sh", retry_after=3600)
    assert "(says Cert Spotter)" in str(crtsh((HOST,), registry))
    assert ct.asked() == [("/", 200), ("/", 429), ("/v1/issuances", 200), ("/v1/issuances", 200)]


@pytest.mark.parametrize("address", ["crt.sh", "ftp://crt.sh", "https://crt.sh/?q=", "https://a b/"])
def test_an_address_that_is_none_is_refused(flstr: Flstr, address: str) -> None:
    done = flstr("status", FLSTR_CRTSH_URL=address)
    assert refused(done, 1) == f"FLSTR_CRTSH_URL cannot be '{address}': Address of crt.sh, as https://host"
