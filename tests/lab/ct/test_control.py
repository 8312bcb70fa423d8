"""Faults on request, and what can be fed."""

import json

import pytest
import requests
from cryptography.hazmat.primitives.serialization import Encoding

from lab.ct.authority import Authority
from lab.errors import LabError
from tests.lab.ct.running_ct import RunningCt


def test_the_next_answers_fail_as_they_were_told(ct: RunningCt) -> None:
    ct.fault("bad_gateway", "crt.sh", times=2)
    assert [ct.crtsh(Identity="example.com").status_code for _ in range(3)] == [502, 502, 200]
    assert ct.certspotter("example.com").status_code == 200


def test_each_service_says_too_many_in_its_own_words(ct: RunningCt) -> None:
    ct.fault("too_many", times=2, retry_after=7)
    page, refusal = ct.crtsh(Identity="example.com"), ct.certspotter("example.com")
    assert (page.status_code, page.headers["Retry-After"]) == (429, "7")
    assert page.text.startswith("<html>")
    assert (refusal.status_code, refusal.json()["code"]) == (429, "rate_limited")


def test_half_an_answer_is_no_json(ct: RunningCt, authority: Authority) -> None:
    ct.api.log(authority.issue(["example.com"]))
    whole = ct.crtsh(Identity="example.com").text
    ct.fault("cut")
    half = ct.crtsh(Identity="example.com")
    assert (half.status_code, half.text) == (200, whole[: len(whole) // 2])
    with pytest.raises(json.JSONDecodeError):
        half.json()


def test_a_page_instead_of_json_has_status_200(ct: RunningCt) -> None:
    ct.fault("html", times=2)
    for response in (ct.crtsh(Identity="example.com"), ct.certspotter("example.com")):
        assert (response.status_code, response.text[:6]) == (200, "<html>")


def test_an_empty_answer_though_there_is_something(ct: RunningCt, authority: Authority) -> None:
    ct.api.log(authority.issue(["example.com"]))
    ct.fault("empty")
    assert ct.crtsh(Identity="example.com").json() == []
    assert len(ct.crtsh(Identity="example.com").json()) == 1


def test_a_slow_answer_comes_in_the_end_for_whoever_waits(ct: RunningCt) -> None:
    ct.fault("slow", "crt.sh", seconds=30)
    with pytest.raises(requests.Timeout):
        requests.get(f"{ct.url}/?Identity=example.com&output=json", timeout=0.05)
    ct.fault("slow", "crt.sh", seconds=0.1)
    assert ct.crtsh(Identity="example.com").json() == []


def test_faults_can_be_seen_and_taken_back(ct: RunningCt) -> None:
    ct.fault("cut", times=3)
    ct.crtsh(Identity="example.com")
    assert [fault["times"] for fault in ct.control("GET", "/faults")["faults"]] == [2]
    ct.control("DELETE", "/faults")
    assert ct.crtsh(Identity="example.com").json() == []


def test_a_certificate_is_handed_in_as_pem_and_kept_once(ct: RunningCt, authority: Authority) -> None:
    pem = authority.issue(["example.com"], serial=5).public_bytes(Encoding.PEM).decode()
    first = ct.control("POST", "/certificates", {"certificate": pem})
    assert first["serial_number"] == "05"
    assert ct.control("POST", "/certificates", {"certificate": pem}) == first
    assert len(ct.crtsh(Identity="example.com").json()) == 1


def test_what_is_no_certificate_is_refused_in_a_sentence(ct: RunningCt) -> None:
    response = requests.post(f"{ct.url}/lab/certificates", json={"certificate": "hello"}, timeout=5)
    assert response.status_code == 422
    assert "takes certificates as PEM" in response.text
    with pytest.raises(LabError, match=r"^The log takes certificates as PEM"):
        ct.api.log("hello")


def test_a_rogue_certificate_is_issued_for_any_name(ct: RunningCt) -> None:
    ct.control("POST", "/rogue", {"names": ["shop.example.com"]})
    (row,) = ct.crtsh(Identity="example.com").json()
    assert "Rogue Issuing CA 1" in row["issuer_name"]
    assert requests.post(f"{ct.url}/lab/rogue", json={"names": []}, timeout=5).status_code == 422


def test_the_log_of_requests_counts(ct: RunningCt) -> None:
    ct.crtsh(Identity="example.com")
    ct.fault("bad_gateway")
    ct.certspotter("example.com")
    assert ct.asked() == [("/", 200), ("/v1/issuances", 502)]
    assert ct.control("GET", "/requests")["requests"][0]["query"].startswith("match=LIKE")
    ct.control("DELETE", "/requests")
    assert ct.asked() == []
