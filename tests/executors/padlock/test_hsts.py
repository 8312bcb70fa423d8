"""HSTS, by its header."""

import pytest

from executors.padlock.hsts import hsts_findings
from executors.padlock.seen import Answer


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ("max-age=31536000", ""),
        ('Max-Age="31536000"; includeSubDomains; preload', ""),
        ("includeSubDomains; max-age=86400", ""),
        ("max-age=" + "9" * 5000, ""),
        ("max-age=86399", "HSTS for 86399 seconds only"),
        ("max-age=0", "HSTS for 0 seconds only"),
        ("max-age", "no HSTS, since its header says no max-age (max-age)"),
        ("max-age=-1", "no HSTS, since its header says no max-age (max-age=-1)"),
        ("", "no HSTS, since its header says no max-age ()"),
        (None, "no HSTS"),
    ],
)
def test_what_browsers_make_of_the_header(header: str | None, says: str) -> None:
    headers = {} if header is None else {"strict-transport-security": header}
    assert [one.text for one in hsts_findings(Answer(200, headers))] == ([says] if says else [])
