"""The environment of a controller, read by systemd itself where there is one on hosts; here by its rules."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executors.control.environment import environment_file
from executors.control.given import Given

values = st.text(st.characters(blacklist_characters="\n\r\0", blacklist_categories=["Cs"]))


def read(text: str) -> dict[str, str]:
    """What systemd reads: inside double quotes, a backslash takes away the meaning of what stands behind it."""
    pairs = (re.fullmatch(r'([A-Z_0-9]+)="(.*)"', line) for line in text[:-1].split("\n"))
    return {pair[1]: re.sub(r'\\(["\\`$])', r"\1", pair[2]) for pair in pairs if pair}


@given(values)
def test_every_value_is_read_as_it_is(value: str) -> None:
    assert read(environment_file({"FLSTR_BRANCH": value})) == {"FLSTR_BRANCH": value}


@given(values)
def test_nothing_ends_the_quotes_but_their_end(value: str) -> None:
    inside = environment_file({"A": value})[3:-2]
    assert not re.sub(r"\\.", "", inside, flags=re.DOTALL).count('"')


@pytest.mark.parametrize("value", ["two\nlines", "carriage\rreturn", "nul\0"])
def test_a_setting_is_one_line(value: str) -> None:
    with pytest.raises(ValueError, match="FLSTR_BRANCH: a setting is one line"):
        environment_file({"FLSTR_BRANCH": value})


def test_a_controller_asks_its_own_etcd_first_and_finds_its_files(tmp_path: Path) -> None:
    of_laptop = Given({"HCLOUD_TOKEN": "abc"}, {"FLSTR_ACME_ROOT": "PEM\n"}, tmp_path / "ssh", tmp_path / "age")
    text = of_laptop.environment("controller102", ("https://10.110.0.2:2379", "https://10.110.0.1:2379"))
    assert read(text) == {
        "FLSTR_ACME_ROOT": "/etc/flstr/files/flstr_acme_root.pem",
        "FLSTR_ETCD_CA": "/etc/flstr/ca.pem",
        "FLSTR_ETCD_CERTIFICATE": "/etc/flstr/client.pem",
        "FLSTR_ETCD_ENDPOINTS": "https://10.110.0.2:2379,https://10.110.0.1:2379",
        "FLSTR_ETCD_KEY": "/etc/flstr/client-key.pem",
        "FLSTR_NODE": "controller102",
        "FLSTR_STATE": "/var/lib/flstr-controller",
        "HCLOUD_TOKEN": "abc",
    }
    assert of_laptop.public() == {"/etc/flstr/files/flstr_acme_root.pem": "PEM\n"}


def test_secrets_are_not_shown(tmp_path: Path) -> None:
    assert "abc" not in repr(Given({"HCLOUD_TOKEN": "abc"}, {}, tmp_path / "ssh", tmp_path / "age"))
