"""What people ask for, followed to the end of the operation that comes of it."""

import time

from bot.listeners import NOT_TAKEN
from lab.errors import LabError
from lab.story.chat import OPERATOR, Card
from lab.story.stage import Stage
from model.operation import Operation
from tests.story.views import operation

OPERATION_SECONDS = 180.0


def asked(stage: Stage, person: str, text: str) -> str:
    """Type a command until somebody has taken it, as a person does whom a busy flstr tells that it has not; its answer.

    It must be one that changes nothing more when it is taken twice."""
    deadline = time.monotonic() + OPERATION_SECONDS
    while True:
        try:
            answer = stage.chat.command(person, text)
        except LabError as error:
            answer = str(error)
        else:
            if answer != NOT_TAKEN:
                return answer
        assert time.monotonic() < deadline, f"nobody takes {text!r}: {answer}"
        time.sleep(1.0)


def ask_and_await(stage: Stage, person: str, text: str) -> Operation:
    """Type a command that changes something; its operation once it has ended well."""
    before = records(stage)
    answer = asked(stage, person, text)
    card = await_new(stage, before, f"the end of {text!r}, which was answered {answer!r}")
    assert card.ending == "done", card.text
    return operation(stage, card.record)


def await_settled(stage: Stage) -> None:
    """Wait until every operation has ended, and nothing is left to do."""
    stage.chat.await_connected()
    stage.chat.await_answer(OPERATOR, "/flstr plan", "changes nothing", OPERATION_SECONDS)
    stage.chat.await_card(lambda _: all(card.ending for card in stage.chat.cards()), "every operation to end")


def records(stage: Stage) -> set[str]:
    """The operations that have a card."""
    return {card.record for card in stage.chat.cards()}


def await_new(stage: Stage, before: set[str], what: str, words: str = "") -> Card:
    """The first card that was not there before, with these words, once its operation has ended."""
    return stage.chat.await_card(
        lambda card: card.record not in before and words in card.text and card.ending is not None,
        what,
        OPERATION_SECONDS,
    )
