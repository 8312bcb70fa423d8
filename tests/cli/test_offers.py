"""On a terminal, a line that was probably meant is asked about, what stops an app as well, and names are asked for."""

from collections.abc import Iterator

import pytest

from cli import offers
from gitops import intents
from gitops.store import Store
from model import keys
from model.attachment import Reply
from model.operation import Approval, Intent
from tests.cli.shell import Flstr

ANSWERS = {
    "stop influencer": Reply("Stop influencer:\nNothing is done yet", instead="stop influencer --yes"),
    "stop influencer --yes": Reply("influencer is to run nowhere"),
    "status": Reply("all well"),
}


@pytest.fixture
def serve(etcd_endpoint: str) -> Iterator[str]:
    """An etcd with somebody who answers."""
    store = Store((etcd_endpoint,))

    def answer(_: str, value: str | None) -> None:
        intent = Intent.model_validate_json(value) if value else None
        if intent is not None and intent.status == "new":
            intents.answer(store, intent, ANSWERS[" ".join((intent.verb, *intent.arguments))])

    with store.follow(keys.INTENTS, answer):
        yield etcd_endpoint
    store.close()


@pytest.fixture
def typing(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A terminal at which this is typed, line after line; what it asked is nobody's to read here."""
    lines: list[str] = []
    monkeypatch.setattr(offers, "on_a_terminal", lambda: True)
    monkeypatch.setattr("builtins.input", lambda question: lines.pop(0))
    return lines


def run(flstr: Flstr, endpoint: str, *words: str) -> tuple[int, str, str]:
    done = flstr(*words, FLSTR_ETCD_ENDPOINTS=endpoint, FLSTR_EMAIL="operator@flstr.lab")
    return done.status, done.out, done.err


def test_what_stops_an_app_is_done_once_somebody_says_yes(flstr: Flstr, serve: str, typing: list[str]) -> None:
    typing.append("y")
    status, out, _ = run(flstr, serve, "stop", "influencer")
    assert (status, out.splitlines()[-1]) == (0, "influencer is to run nowhere")
    typing.append("")
    status, out, _ = run(flstr, serve, "stop", "influencer")
    assert (status, out.splitlines()[-1]) == (0, "Nothing is done yet")


def test_a_line_that_was_meant_is_carried_out_once_somebody_says_so(
    flstr: Flstr, serve: str, typing: list[str]
) -> None:
    typing += ["yes", "no"]
    status, out, _ = run(flstr, serve, "stop", "Influencer")
    assert (status, out.splitlines()[-1]) == (0, "Nothing is done yet")
    typing.append("n")
    status, out, err = run(flstr, serve, "stop", "Influencer")
    assert (status, out, err) == (1, "", "flstr: stop needs the name of an app, such as influencer, not Influencer\n")


def test_the_names_of_machines_that_go_are_asked_for() -> None:
    waiting = Approval(id="7f3a01", operation="7f3a01", digest="d", names=("worker102",), needed=1, asked=0, expires=9)
    asked: list[str] = []

    def typed(question: str) -> str:
        asked.append(question)
        return " worker102 "

    assert offers.with_names(("7f3a",), [waiting], typed, lambda: True) == ("7f3a", "worker102")
    assert asked == ["Type the name of the machine that goes: "]
    assert offers.with_names(("7f3a", "worker102"), [waiting], typed, lambda: True) == ("7f3a", "worker102")
    assert offers.with_names(("7f3a",), [waiting], typed, lambda: False) == ("7f3a",)
    assert offers.with_names(("9999",), [waiting], typed, lambda: True) == ("9999",)
    assert len(asked) == 1
