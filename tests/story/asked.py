"""What people ask for, followed to the end of the operation that comes of it."""

from lab.story.chat import OPERATOR, Card
from lab.story.stage import Stage
from model.operation import Operation
from tests.story.views import operation

OPERATION_SECONDS = 180.0


def ask_and_await(stage: Stage, person: str, text: str) -> Operation:
    """Type a command that changes something; its operation once it has ended well."""
    before = records(stage)
    answer = stage.chat.command(person, text)
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


def await_new(stage: Stage, before: set[str], what: str) -> Card:
    """The first card that was not there before, once its operation has ended."""
    return stage.chat.await_card(
        lambda card: card.record not in before and card.ending is not None, what, OPERATION_SECONDS
    )
