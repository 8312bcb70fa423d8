"""What is wrong with a new certificate before it is used."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executors.certificates.faults import faults
from tests.executors.certificates.chains import DAY, NOW, Holder, authority, chain, host

ROOT = authority("root")
OTHER_ROOT = authority("other root")
INTERMEDIATE = authority("intermediate", ROOT)
LOWER = authority("lower intermediate", INTERMEDIATE)
ENDED = authority("ended intermediate", ROOT, begins=NOW - 400 * DAY, days=300)
NAMES = ("app.example.com", "www.example.com")
GOOD = host(INTERMEDIATE, *NAMES)


def found(leaf: Holder, *issuers: Holder, names: tuple[str, ...] = NAMES, key: bytes = b"") -> tuple[str, ...]:
    roots = [OTHER_ROOT.certificate, ROOT.certificate]
    return faults(chain(leaf, *issuers), key or leaf.key_pem, names, roots, NOW)


def test_a_good_certificate_has_no_fault() -> None:
    assert found(GOOD, INTERMEDIATE) == ()


def test_two_intermediates_are_fine_and_so_is_the_root_itself() -> None:
    leaf = host(LOWER, *NAMES)
    assert found(leaf, LOWER, INTERMEDIATE) == ()
    assert found(leaf, LOWER, INTERMEDIATE, ROOT) == ()


def test_a_wildcard_is_looked_at_like_any_other() -> None:
    names = ("*.example.com", "example.com")
    assert found(host(INTERMEDIATE, *names), INTERMEDIATE, names=names) == ()


def test_an_intermediate_that_another_root_has_signed_as_well_leads_to_either() -> None:
    crossed = authority("crossed", OTHER_ROOT)
    leaf = host(crossed, *NAMES)
    assert faults(chain(leaf, crossed, OTHER_ROOT), leaf.key_pem, NAMES, [OTHER_ROOT.certificate], NOW) == ()


@pytest.mark.parametrize(
    ("sent", "fault"),
    [
        ((GOOD,), "nothing in its chain leads from CN=app.example.com to a trusted root"),
        ((host(LOWER, *NAMES), LOWER), "nothing in its chain leads from CN=lower intermediate to a trusted root"),
        ((host(LOWER, *NAMES), INTERMEDIATE), "its chain lacks the issuer of CN=app.example.com"),
        ((host(LOWER, *NAMES), INTERMEDIATE, LOWER), "its chain is in the wrong order"),
        ((host(LOWER, *NAMES), LOWER, ROOT, INTERMEDIATE), "its chain is in the wrong order"),
        ((host(INTERMEDIATE, *NAMES, is_client=True), INTERMEDIATE), "browsers would not take it"),
        ((host(GOOD, *NAMES), GOOD, INTERMEDIATE), "browsers would not take it"),
        ((host(INTERMEDIATE, *NAMES, begins=NOW + DAY), INTERMEDIATE), "it begins on 2026-11-27 12:00 UTC only"),
        ((host(INTERMEDIATE, *NAMES, begins=NOW - 91 * DAY), INTERMEDIATE), "it ended on 2026-11-25"),
        ((host(INTERMEDIATE, *NAMES, days=366), INTERMEDIATE), "its lifetime of 366 days is not from 1 to 200 days"),
        ((host(ENDED, *NAMES), ENDED), "CN=ended intermediate in its chain is not valid now"),
        ((host(INTERMEDIATE, "app.example.com"), INTERMEDIATE), "it is not for www.example.com"),
        (
            (host(INTERMEDIATE, *NAMES, "x.example"), INTERMEDIATE),
            "it is for x.example as well, which nobody asked for",
        ),
    ],
)
def test_each_fault_is_named_alone(sent: tuple[Holder, ...], fault: str) -> None:
    (only,) = found(*sent)
    assert only.startswith(fault)


def test_a_key_of_another_certificate_is_found() -> None:
    assert found(GOOD, INTERMEDIATE, key=INTERMEDIATE.key_pem) == ("its key is not the one that was made for it",)


def test_a_root_nobody_trusts_is_no_root() -> None:
    untrusted = authority("root")  # the same name, another key
    leaf = host(untrusted, *NAMES)
    assert found(leaf, untrusted) == ("nothing in its chain leads from CN=root to a trusted root",)


def test_several_faults_are_all_told() -> None:
    leaf = host(INTERMEDIATE, "x.example", begins=NOW - 300 * DAY, days=250)
    assert len(found(leaf, key=GOOD.key_pem)) == 6


@given(st.text())
def test_what_is_no_certificate_is_said_so(text: str) -> None:
    assert faults(text, GOOD.key_pem, NAMES, [ROOT.certificate], NOW) == ("it cannot be read",)


@given(st.binary(max_size=200))
def test_what_is_no_key_is_said_so(key: bytes) -> None:
    assert faults(chain(GOOD, INTERMEDIATE), key, NAMES, [ROOT.certificate], NOW) == ("it cannot be read",)
