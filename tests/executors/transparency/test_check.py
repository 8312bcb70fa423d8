"""`crtsh` over HTTP against the lab's crt.sh and Cert Spotter, with each of their faults, and etcd behind it."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import pytest

from executors.transparency.check import TransparencyCheck
from executors.transparency.fetching import Patience
from executors.transparency.issuers import certificate_id
from executors.transparency.sources import CertSpotter, CrtSh
from gitops.registry import Registry
from gitops.store import Store
from lab.ct.authority import Authority
from lab.ct.settings import CtSettings
from model import keys
from model.errors import Refused
from model.transparency import CertificateId
from tests.executors.example import registered_keys
from tests.lab.ct.running_ct import RunningCt

SHOP = "shop.example.com"
ALWAYS = 1000
# Long enough for a busy machine: no answer but a slow one takes any time.
AGAIN = Patience(attempt=20.0, first_pause=0.01, longest_pause=0.02)
ONCE = Patience(attempt=20.0, first_pause=600.0)
SHORT = Patience(attempt=0.3, first_pause=600.0)


@pytest.fixture
def ct() -> Iterator[RunningCt]:
    running = RunningCt(CtSettings(page_size=2))
    yield running
    running.stop()


@pytest.fixture
def authority() -> Authority:
    return Authority("Let's Encrypt", "R11")


@pytest.fixture
def registry(store: Store) -> Registry:
    """A cluster that publishes shop, vault and later at example.com."""
    store.write(registered_keys("several"))
    return Registry(store)


Ask = Callable[..., str]


@pytest.fixture
def asked(ct: RunningCt, authority: Authority) -> set[CertificateId]:
    """What flstr asked for: one certificate for the shop, with its precertificate in the log as well."""
    before, certificate = authority.issue_both([SHOP])
    for one in (before, certificate):
        ct.api.log(one)
    return {certificate_id(certificate)}


@pytest.fixture
def ask(ct: RunningCt, registry: Registry, asked: set[CertificateId]) -> Ask:
    def run(
        *arguments: str, crtsh: Patience = ONCE, certspotter: Patience = ONCE, later: timedelta = timedelta(0)
    ) -> str:
        check = TransparencyCheck(
            (
                (CrtSh(ct.url, crtsh), 1.5 * crtsh.attempt),
                (CertSpotter(ct.url, certspotter), 1.5 * certspotter.attempt),
            ),
            asked_for=lambda _: frozenset(asked),
            clock=lambda: datetime.now(UTC) + later,
        )
        return check(arguments, registry)

    return run


GREEN = ":large_green_circle: *example.com*: good now is 1 by Let's Encrypt R11; 1 of 50 new ones in 7 days by Let's Encrypt "


def test_all_well_is_one_line_and_precertificate_and_certificate_count_once(ask: Ask, ct: RunningCt) -> None:
    assert ask() == f"{GREEN}(says crt.sh)"
    assert ct.asked() == [("/", 200)]
    (request,) = ct.api.requests.requests
    assert request.query == "Identity=example.com&match=LIKE&exclude=expired&deduplicate=Y&output=json"


@pytest.mark.parametrize("kind", ["bad_gateway", "too_many", "cut", "html"])
def test_a_fault_that_passes_is_got_over(ask: Ask, ct: RunningCt, kind: str) -> None:
    ct.fault(kind, "crt.sh", times=2)
    assert ask(crtsh=AGAIN) == f"{GREEN}(says crt.sh)"
    assert [path for path, _ in ct.asked()] == ["/", "/", "/"]


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("bad_gateway", "answered 502"),
        ("too_many", "answered 429"),
        ("cut", "sent JSON that is broken or cut short"),
        ("html", "sent a page for people instead of JSON"),
        ("slow", "was silent for 0"),
        ("empty", "left out 1 that was logged"),
    ],
)
def test_where_crt_sh_fails_cert_spotter_is_asked_and_where_both_do_the_last_answer_is_shown(
    ask: Ask, ct: RunningCt, kind: str, why: str
) -> None:
    patience = SHORT if kind == "slow" else ONCE
    ct.fault(kind, "crt.sh", times=ALWAYS)
    first = ask(crtsh=patience)
    assert first == f"{GREEN}(says Cert Spotter)"
    ct.control("DELETE", "/faults")
    ct.fault(kind, times=ALWAYS)
    second = ask(crtsh=patience, certspotter=patience, later=timedelta(hours=3))
    assert second.startswith(f"{GREEN}(as Cert Spotter said 3 hours ago; crt.sh {why}")
    assert f"; Cert Spotter {why}" in second


def test_whoever_says_when_to_come_back_is_not_asked_before(ask: Ask, ct: RunningCt) -> None:
    ct.fault("too_many", times=ALWAYS, retry_after=3600)
    assert ask(crtsh=AGAIN, certspotter=AGAIN) == (
        ":large_yellow_circle: *example.com*: nobody could say what was issued (crt.sh answered 429, and to ask again in "
        "3600 s; Cert Spotter answered 429, and to ask again in 3600 s). _Mend:_ ask again later"
    )
    assert ct.asked() == [("/", 429), ("/v1/issuances", 429)]


def test_a_rogue_certificate_is_an_alarm_from_either_source(ask: Ask, ct: RunningCt) -> None:
    rogue = ct.api.issue_rogue(SHOP)
    for expected in ("crt.sh", "Cert Spotter"):
        lines = ask().splitlines()
        assert lines[0].startswith(
            ":red_circle: *example.com*: Rogue &amp; Sons, Ltd Rogue Issuing CA 1 issued a certificate for shop.example.com "
            "that flstr did not ask for"
        )
        assert f"serial number {rogue.serial_number:x}. _Mend:_ " in lines[0]
        assert lines[1].startswith("• *example.com*: good now are 1 by ")
        assert lines[1].endswith(f"(says {expected})")
        ct.fault("bad_gateway", "crt.sh", times=ALWAYS)


def test_a_rogue_certificate_is_seen_while_an_answer_lacks_what_was_known(ask: Ask, ct: RunningCt) -> None:
    ask()
    ct.api.issue_rogue(SHOP)
    ct.fault("empty", "crt.sh")
    ct.fault("bad_gateway", "certspotter", times=ALWAYS)
    first = ask()
    assert first.startswith(GREEN)
    assert "crt.sh left out 1 that was logged" in first
    assert ask().startswith(":red_circle: ")


def test_pages_of_cert_spotter_are_all_read(
    ask: Ask, ct: RunningCt, authority: Authority, asked: set[CertificateId]
) -> None:
    for number in range(4):
        certificate = authority.issue([f"host{number}.example.com"])
        ct.api.log(certificate)
        asked.add(certificate_id(certificate))
    ct.fault("bad_gateway", "crt.sh", times=ALWAYS)
    assert "good now are 5 by Let's Encrypt R11; 5 of 50" in ask()
    pages = [one for one in ct.api.requests.requests if one.path == "/v1/issuances"]
    assert len(pages) == 4


def test_one_name_is_asked_about_by_its_registered_domain(ask: Ask, ct: RunningCt) -> None:
    ct.api.issue_rogue("blog.example.com")
    assert ask(SHOP) == f"{GREEN}(says crt.sh)".replace("*example.com*", f"*{SHOP}*")
    assert ask("example.com").startswith(":large_yellow_circle: *example.com*: Rogue")
    assert ask("blog.example.com.").startswith(":red_circle: *blog.example.com*: Rogue")


def test_a_round_goes_over_all_domains_and_forgets_the_others(
    ask: Ask, ct: RunningCt, registry: Registry, authority: Authority
) -> None:
    other = registered_keys("several")["ingress/shop.example.com:80"].replace("example.com", "example.co.uk")
    registry.store.put("ingress/shop.example.co.uk:80", other)
    registry.store.put(keys.transparency("gone.example.org"), "{}")
    ct.api.issue_rogue("shop.example.co.uk")
    lines = ask().splitlines()
    assert [line.split(":")[1] for line in lines[:1]] == ["red_circle"]
    assert "*example.co.uk*" in lines[0]
    assert lines[-1] == f"{GREEN}(says crt.sh)"
    assert set(registry.store.prefix(keys.TRANSPARENCY)) == {
        keys.transparency("example.co.uk"),
        keys.transparency("example.com"),
    }


def test_a_certificate_for_two_domains_of_ours_has_all_its_names_in_a_round(
    ask: Ask, ct: RunningCt, registry: Registry
) -> None:
    other = registered_keys("several")["ingress/shop.example.com:80"].replace("example.com", "example.org")
    registry.store.put("ingress/shop.example.org:80", other)
    ct.api.issue_rogue(SHOP, "shop.example.org")
    alarms = [line for line in ask().splitlines() if line.startswith(":red_circle: ")]
    assert len(alarms) == 2
    assert all("a certificate for shop.example.com, shop.example.org that" in line for line in alarms)


def test_another_controller_knows_the_last_answer(ask: Ask, ct: RunningCt, registry: Registry) -> None:
    ask()
    ct.fault("bad_gateway", times=ALWAYS)
    check = TransparencyCheck(((CrtSh(ct.url, ONCE), 30.0), (CertSpotter(ct.url, ONCE), 30.0)))
    assert "(as crt.sh said less than a minute ago; " in check((SHOP,), registry)


def test_without_time_nobody_is_asked(ct: RunningCt, registry: Registry) -> None:
    check = TransparencyCheck(((CrtSh(ct.url), 0.0), (CertSpotter(ct.url), 0.0)))
    assert "crt.sh was not asked for lack of time" in check((), registry)
    assert ct.asked() == []


def test_a_round_that_has_used_up_its_time_asks_nobody_any_more(ct: RunningCt, registry: Registry) -> None:
    check = TransparencyCheck(((CrtSh(ct.url, ONCE), 30.0), (CertSpotter(ct.url, ONCE), 30.0)), in_all=1e-9)
    assert "crt.sh was not asked for lack of time" in check((), registry)
    assert ct.asked() == []


def test_where_time_is_short_those_come_first_of_which_nothing_is_known(
    ask: Ask, ct: RunningCt, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("executors.transparency.check.SIDE_BY_SIDE", 1)
    ask()
    shop = registered_keys("several")["ingress/shop.example.com:80"]
    for domain in ("example.net", "example.org"):
        registry.store.put(f"ingress/shop.{domain}:80", shop.replace("example.com", domain))
    assert [line.split("*")[1] for line in ask().splitlines()] == ["example.com", "example.net", "example.org"]
    asked = [parse_qs(one.query)["Identity"] for one in ct.api.requests.requests[1:] if one.path == "/"]
    assert asked == [["example.net"], ["example.org"], ["example.com"]]


@pytest.mark.parametrize("name", ["shop.example.org", "notexample.com", "com"])
def test_a_name_of_somebody_else_is_refused_with_ours(ask: Ask, ct: RunningCt, name: str) -> None:
    with pytest.raises(Refused) as refused:
        ask(name)
    assert refused.value.sentence == f"{name} is none of our names. Ours are in example.com."
    assert ct.asked() == []


def test_before_the_first_app_there_is_no_name(store: Store) -> None:
    with pytest.raises(Refused, match=r"^No app has a public address yet, so there is no name to look for\.$"):
        TransparencyCheck(())((), Registry(store))
