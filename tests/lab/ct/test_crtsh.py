"""crt.sh's search, field by field."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from lab.ct.authority import Authority
from tests.lab.ct.running_ct import RunningCt

BEGINS = datetime.now(UTC).replace(microsecond=0) - timedelta(days=3)


def test_a_row_has_the_fields_of_crt_sh_in_its_formats(ct: RunningCt, authority: Authority) -> None:
    ct.api.log(authority.issue(["shop.example.com", "*.example.com"], BEGINS, serial=0xC0FFEE))
    response = ct.crtsh(Identity="example.com")
    assert response.headers["Content-Type"].startswith("application/json")
    assert response.text.startswith('[{"issuer_ca_id":180000,"issuer_name":"C=US, O=Let\'s Encrypt, CN=R11",')
    (row,) = response.json()
    assert row["common_name"] == "shop.example.com"
    assert row["name_value"] == "*.example.com\nshop.example.com"
    assert row["serial_number"] == "00c0ffee"
    assert row["not_before"] == BEGINS.strftime("%Y-%m-%dT%H:%M:%S")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?", row["entry_timestamp"])
    assert not row["entry_timestamp"].endswith("0") or "." not in row["entry_timestamp"]


def test_an_organisation_with_a_comma_is_in_quotes(ct: RunningCt) -> None:
    ct.api.issue_rogue("example.com")
    assert ct.crtsh(Identity="example.com").json()[0]["issuer_name"] == (
        'C=PW, O="Rogue & Sons, Ltd", CN=Rogue Issuing CA 1'
    )


def test_only_the_names_that_match_are_told(ct: RunningCt, authority: Authority) -> None:
    ct.api.log(authority.issue(["shop.example.com", "shop.example.org"]))
    assert [row["name_value"] for row in ct.crtsh(Identity="example.org").json()] == ["shop.example.org"]


def test_the_search_goes_by_whole_labels(ct: RunningCt, authority: Authority) -> None:
    ct.api.log(authority.issue(["notexample.com"]))
    assert ct.crtsh(Identity="example.com").json() == []


@pytest.mark.parametrize(("identity", "found"), [("%.example.com", 1), ("%example.com%", 1), ("example.com", 1)])
def test_where_a_star_of_sql_may_stand(ct: RunningCt, authority: Authority, identity: str, found: int) -> None:
    ct.api.log(authority.issue(["example.com"]))
    assert len(ct.crtsh(Identity=identity).json()) == found


def test_a_star_elsewhere_is_refused_in_html_that_says_it_is_json(ct: RunningCt) -> None:
    response = ct.crtsh(Identity="%example.com")
    assert response.headers["Content-Type"].startswith("application/json")
    assert response.text.startswith("<BR><BR>Unsupported use of '%'")


def test_precertificate_and_certificate_are_two_rows_unless_deduplicated(ct: RunningCt, authority: Authority) -> None:
    for one in authority.issue_both(["example.com"]):
        ct.api.log(one)
    assert len(ct.crtsh(Identity="example.com").json()) == 1
    both = ct.crtsh(Identity="example.com", deduplicate="").json()
    assert len(both) == 2
    assert len({row["serial_number"] for row in both}) == 1


def test_expired_ones_are_left_out_where_that_is_asked_for(ct: RunningCt, authority: Authority) -> None:
    ct.api.log(authority.issue(["example.com"], BEGINS, timedelta(days=1)))
    assert ct.crtsh(Identity="example.com").json() == []
    assert len(ct.crtsh(Identity="example.com", exclude="").json()) == 1


def test_what_was_logged_last_comes_first(ct: RunningCt, authority: Authority) -> None:
    for name in ("a.example.com", "b.example.com"):
        ct.api.log(authority.issue([name]).public_bytes(Encoding.PEM))
    rows = ct.crtsh(Identity="example.com").json()
    assert [row["name_value"] for row in rows] == ["b.example.com", "a.example.com"]


def test_without_output_json_there_is_a_page(ct: RunningCt) -> None:
    assert ct.crtsh(Identity="example.com", output="").text.startswith("<HTML>")
