"""The daily round of crt.sh, from what was logged to what the channel is shown, over the lab's crt.sh and a real etcd."""

from collections.abc import Collection, Iterator

import pytest

from bot.cards import notice_parts
from executors.transparency.check import TransparencyCheck
from executors.transparency.fetching import Patience
from executors.transparency.source import NotAnswered
from executors.transparency.sources import CrtSh
from gitops.operations import Operations
from gitops.registry import Registry
from gitops.rounds import Round, Rounds, of_certificates
from gitops.store import Store
from lab.ct.settings import CtSettings
from model import keys
from model.errors import Unreadable
from model.operation import Notice
from model.registered import IngressPublish, IngressRecord
from model.transparency import Issuance
from tests.lab.ct.running_ct import RunningCt

FIRST, LAST = "example.com", "example.org"
DOMAINS = (FIRST, "example.net", LAST)
DAY = 86400.0


class Partly:
    """The lab's crt.sh, which does not answer about some domains."""

    name = "crt.sh"

    def __init__(self, url: str, silent: Collection[str] = ()) -> None:
        self._crtsh = CrtSh(url, Patience(attempt=20.0, first_pause=600.0))
        self.silent = silent

    def issued(self, domain: str, seconds: float) -> tuple[Issuance, ...]:
        if domain in self.silent:
            raise NotAnswered("answered 502")
        return self._crtsh.issued(domain, seconds)


class Channel:
    """A controller that makes the round, and what the channel is shown of it."""

    def __init__(self, store: Store, source: Partly) -> None:
        self.source = source
        self.now = 1_000_000.0
        self._store = store
        check = TransparencyCheck(((source, 30.0),))
        rounds = {"crtsh": Round(check.round, "The daily crt.sh round", of_certificates)}
        self._rounds = Rounds(Registry(store), Operations(store), rounds, lambda: self.now)

    def look(self) -> list[str]:
        """The lines of what the channel itself shows now, none where nothing is; the rest goes on in the thread."""
        before = self._store.prefix(keys.NOTICES)
        self._rounds.look()
        new = {key: text for key, text in self._store.prefix(keys.NOTICES).items() if key not in before}
        cards = [notice_parts(Notice.model_validate_json(text))[0] for text in new.values()]
        return "\n".join(block["text"]["text"] for card in cards for block in card.blocks).splitlines()


@pytest.fixture
def ct() -> Iterator[RunningCt]:
    running = RunningCt(CtSettings())
    yield running
    running.stop()


@pytest.fixture
def channel(store: Store, ct: RunningCt) -> Channel:
    """A cluster that publishes a shop at three registered domains."""
    for domain in DOMAINS:
        publish = IngressPublish(port=443, ssl=True, host_name=f"shop.{domain}")
        store.put(f"ingress/shop.{domain}:443", IngressRecord(publish=publish, location=()).to_json())
    return Channel(store, Partly(ct.url))


def domains(lines: list[str], mark: str) -> list[str]:
    """Of which domains the lines with a mark are."""
    return [line.split("*")[1] for line in lines if line.startswith(f":{mark}:")]


def test_all_well_is_a_line_a_domain(channel: Channel) -> None:
    lines = channel.look()
    assert domains(lines, "large_green_circle") == list(DOMAINS)
    assert lines[0] == "*The daily crt.sh round*"


def test_an_alarm_is_the_first_line_and_is_shown_however_much_there_is_of_other_domains(
    channel: Channel, ct: RunningCt
) -> None:
    for domain in DOMAINS[:2]:
        for number in range(30):
            ct.api.issue_rogue(*(f"{'long-name' * 6}{number}-{other}.{domain}" for other in range(3)))
    ct.api.issue_rogue(f"shop.{LAST}")
    lines = channel.look()
    assert lines[1].startswith(f":red_circle: *{LAST}*: Rogue")
    assert f"a certificate for shop.{LAST} that flstr did not ask for" in lines[1]
    # So much that the end of it is cut off.
    assert f"• *{LAST}*" not in "\n".join(lines)


def test_a_domain_of_which_nobody_says_anything_does_not_hide_an_alarm_of_another(
    channel: Channel, ct: RunningCt
) -> None:
    channel.source.silent = (FIRST,)
    ct.api.issue_rogue(f"shop.{LAST}")
    lines = channel.look()
    assert domains(lines, "red_circle") == [LAST]
    assert f":large_yellow_circle: *{FIRST}*: nobody could say what was issued (crt.sh answered 502)" in lines[2]
    channel.now += DAY - 1
    assert channel.look() == []


def test_where_nobody_says_anything_of_any_domain_the_round_is_made_later(channel: Channel) -> None:
    channel.source.silent = DOMAINS
    assert channel.look() == []
    channel.source.silent = ()
    channel.now += 600
    assert domains(channel.look(), "large_green_circle") == list(DOMAINS)


def test_what_was_known_is_shown_with_its_age_where_nobody_answers_any_more(channel: Channel) -> None:
    channel.look()
    channel.source.silent = DOMAINS
    channel.now += DAY
    lines = channel.look()
    assert domains(lines, "large_green_circle") == list(DOMAINS)
    assert all("(as crt.sh said " in line for line in lines[1:])


def test_a_round_that_cannot_be_made_says_of_whom_and_why(store: Store, channel: Channel, ct: RunningCt) -> None:
    check = TransparencyCheck(((Partly(ct.url, DOMAINS), 30.0),))
    said = r"^example\.com: nobody could say what was issued \(crt\.sh answered 502\)$"
    with pytest.raises(Unreadable, match=said):
        check.round((), Registry(store))


def test_a_round_has_more_time_than_somebody_who_waits(store: Store, channel: Channel, ct: RunningCt) -> None:
    check = TransparencyCheck(((Partly(ct.url), 30.0),), in_all=1e-9)
    assert "was not asked for lack of time" in check((), Registry(store))
    assert "was not asked for lack of time" not in check.round((), Registry(store))
