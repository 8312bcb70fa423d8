"""What a verb will do is shown before it is done, asked where it stops what serves, and not asked for twice."""

import threading

import pytest

from model import keys
from tests.gitops.flstr import DEVELOPER, OPERATOR, THREE_WORKERS, Flstr
from tests.gitops.remote import git
from tests.gitops.test_bad_commit import failing


def head(flstr: Flstr) -> str:
    return git(flstr.cluster.bare, "rev-parse", "main")


def test_an_answer_shows_the_first_steps_and_how_many_more_there_are(flstr: Flstr) -> None:
    _, first, second = flstr.app
    flstr.settle()
    lines = flstr.ask(f"deploy influencer@{second[:7]}").splitlines()
    assert lines[0] == f"• build influencer@{second[:8]} on worker101"
    assert lines[6].startswith("• and ")
    assert lines[7].startswith(f'influencer {first[:8]} → {second[:8]} "second": committed as')
    titles = [step.title for step in flstr.settle()[-1].plan.steps]
    assert [f"• {title}" for title in titles[:6]] == lines[:6]


def test_what_waits_for_an_approval_is_shown_as_that(flstr: Flstr) -> None:
    flstr.cluster.push({"cluster.yaml": THREE_WORKERS})
    flstr.settle()
    assert "• after an approval: destroy worker103\nworker 3 → 2: committed as" in flstr.ask("scale worker 2")


@pytest.mark.parametrize(("words", "title"), [("stop influencer", "Stop influencer:"), ("scale influencer 0", "Scale")])
def test_what_stops_an_app_is_asked_back(flstr: Flstr, words: str, title: str) -> None:
    flstr.settle()
    before = head(flstr)
    answered = flstr.answered(words)
    assert answered.answer.startswith(title)
    assert "on worker101" in answered.answer
    assert answered.answer.endswith(f"Nothing is done yet; `{words} --yes` does it.")
    assert (answered.instead, answered.refused, head(flstr)) == (f"{words} --yes", False, before)
    assert "committed as" in flstr.ask(answered.instead)
    assert head(flstr) != before


def test_what_is_under_way_is_not_asked_for_twice_and_its_end_is_told(flstr: Flstr) -> None:
    _, _, second = flstr.app
    flstr.settle()
    asked: list[tuple[str, str]] = []
    once = threading.Lock()

    def again(_: object) -> None:
        if once.acquire(blocking=False):
            for words in (f"deploy influencer@{second[:7]}", "scale influencer 2"):
                answered = flstr.answered(words, DEVELOPER if words.startswith("deploy") else OPERATOR)
                asked.append((answered.answer, answered.operation))

    flstr.answered(f"deploy influencer@{second[:7]}", OPERATOR)
    flstr.pretend.before = again
    operation = flstr.settle()[-1]
    said = f"That is under way: deploy influencer@{second[:8]}; you will be told of its end."
    assert asked == [(said, operation.id)] * 2
    followers = flstr.store.prefix(keys.followers(operation.id))
    assert {key.rpartition("/")[2] for key in followers} == {DEVELOPER, OPERATOR}
    assert "is already at" in flstr.ask(f"deploy influencer@{second[:7]}")


def test_what_waits_for_leave_is_not_asked_for_twice_either(flstr: Flstr) -> None:
    waiting = flstr.removal()
    answered = flstr.answered("scale worker 2")
    assert answered.operation == waiting.id
    assert answered.answer.startswith("That waits for an approval: destroy worker103")


def test_a_rehearsal_leaves_a_release_in_quarantine(flstr: Flstr) -> None:
    _, _, second = flstr.app
    flstr.settle()
    flstr.pretend.before = failing(second)
    flstr.ask(f"deploy influencer@{second[:7]}")
    flstr.settle()
    before, quarantined = head(flstr), flstr.store.prefix(keys.QUARANTINE)
    assert quarantined
    assert "is in quarantine" in flstr.ask(f"plan deploy influencer@{second[:7]}")
    assert f"build influencer@{second[:8]}" in flstr.ask(f"plan deploy influencer@{second[:7]} --anyway")
    assert (head(flstr), flstr.store.prefix(keys.QUARANTINE)) == (before, quarantined)
