"""CAA: which records count, and whom they let issue; over real DNS."""

from collections.abc import Callable, Iterator

import pytest

from executors.padlock import dns_lookup
from executors.padlock.caa import CaaUnknown, caa_findings, see_caa
from executors.padlock.dns_lookup import caa_lookup
from executors.padlock.seen import CaaRecord, CaaSeen
from tests.loopback_dns import ADDRESS, LoopbackDns, caa_dns

HOST = "shop.example.com"
CA = "letsencrypt.org"
Serve = Callable[..., LoopbackDns]


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers: list[LoopbackDns] = []

    def start(*args: object, **kwargs: object) -> LoopbackDns:
        servers.append(caa_dns(*args, **kwargs))  # type: ignore[arg-type]
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


def see(server: LoopbackDns, host: str = HOST) -> CaaSeen:
    return see_caa(host, caa_lookup([ADDRESS], server.port))


def says(seen: CaaSeen, host: str = HOST, authority: str = CA) -> str:
    return "; ".join(one.text for one in caa_findings(host, seen, authority))


def test_the_nearest_records_count_and_nothing_above_is_asked(serve: Serve) -> None:
    server = serve({"example.com": [f'0 issue "{CA}"'], "com": ['0 issue ";"']})
    assert see(server) == CaaSeen("example.com", (CaaRecord(False, "issue", CA),))
    assert server.asked == [HOST, "example.com"]


def test_a_host_without_records_is_free(serve: Serve) -> None:
    server = serve({}, missing={HOST, "com"})
    assert see(server) == CaaSeen()
    assert server.asked == [HOST, "example.com", "com"]
    assert says(CaaSeen()) == ""


def test_a_wildcard_is_looked_up_without_its_star(serve: Serve) -> None:
    server = serve({"example.com": ['0 issuewild ";"', f'0 issue "{CA}"']})
    seen = see(server, "*.example.com")
    assert server.asked == ["example.com"]
    assert says(seen, "*.example.com") == f"CAA of example.com lets nobody issue, and not {CA}"
    assert says(seen) == ""


@pytest.mark.parametrize(
    ("records", "wanted"),
    [
        ([f'0 issue "{CA}"'], ""),
        (['0 issue "LetsEncrypt.org; accounturi=https://example.com/acct/1"'], ""),
        ([f'0 issue " {CA} ; x=y"'], ""),
        (['0 issue "a.example.net"', f'0 issue "{CA}"'], ""),
        (['0 iodef "mailto:security@example.com"'], ""),
        (['0 issuewild ";"'], ""),
        (['0 tbs "unknown"'], ""),
        (['0 issue ";"'], f"CAA of {HOST} lets nobody issue, and not {CA}"),
        (['0 issue "a.example.net"'], f"CAA of {HOST} lets a.example.net issue, and not {CA}"),
        ([f'0 issue "x.{CA}"'], f"CAA of {HOST} lets x.{CA} issue, and not {CA}"),
        (
            [f'0 issue "{CA}"', '128 tbs "unknown"'],
            f"CAA of {HOST} has a critical record that no authority knows (tbs)",
        ),
    ],
)
def test_whom_records_let_issue(serve: Serve, records: list[str], wanted: str) -> None:
    assert says(see(serve({HOST: records}))) == wanted


def test_the_authority_is_whoever_issues_for_the_cluster(serve: Serve) -> None:
    seen = see(serve({HOST: ['0 issue "pebble.example.net"']}))
    assert says(seen, authority="pebble.example.net") == ""


def test_a_name_server_that_fails_keeps_every_authority_from_issuing(serve: Serve) -> None:
    seen = see(serve({}, failing={"example.com"}))
    assert seen == CaaSeen("example.com", error="the name servers fail")
    (finding,) = caa_findings(HOST, seen, CA)
    assert finding.kind == "CAA unknown"


def test_a_name_server_that_is_silent_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, serve: Serve) -> None:
    monkeypatch.setattr(dns_lookup, "DNS_SECONDS", 0.2)
    port = serve({}, silent=True).port
    with pytest.raises(CaaUnknown, match=r"^silent for 0\.2 s$"):
        caa_lookup([ADDRESS], port)(HOST)
