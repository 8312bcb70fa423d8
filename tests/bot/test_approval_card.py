"""What a card and its thread say of an approval."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from bot.approvals.card import asks, broken_glass, escalation, reminder
from bot.letters import card_letter, thread_letters
from bot.poster import may_approve
from lab.slack.blocks import MESSAGE, accepted
from model.cluster import Cluster
from model.operation import Approval, BrokenGlass, Decision, Fact, Operation
from model.steps import Losses

MakeApproval = Callable[..., Approval]
NAMES = tuple(f"worker{number}" for number in range(101, 301))


def text_of(blocks: Any) -> str:
    accepted(list(blocks), MESSAGE)
    return json.dumps(blocks, ensure_ascii=False)


def test_the_facts_stand_above_the_buttons(asking: Operation, make_approval: MakeApproval) -> None:
    facts = (Fact(title="Cost a month", text="4.51 € less"), Fact(title="Routes left", text="a <b> on 1 machine"))
    shown = text_of(asks(asking, make_approval(facts=facts), ()))
    assert "*Cost a month:* 4.51 € less\\n*Routes left:* a &lt;b&gt; on 1 machine" in shown


def test_approve_asks_for_names_where_machines_are_destroyed(asking: Operation, make_approval: MakeApproval) -> None:
    _, actions = asks(asking, make_approval(names=("worker103",)), ())
    approve, deny = actions["elements"]
    assert (approve["action_id"], approve["value"]) == ("approval.name", "appr-1 worker103")
    assert deny["action_id"] == "approval.deny"


def test_a_card_that_ends_a_cluster_names_it_and_all_that_goes(asking: Operation, make_approval: MakeApproval) -> None:
    losses = Losses(cluster="flstr-lab", nodes=("controller001", "worker101"), orphans=("volume data (7)",))
    ending = asking.model_copy(update={"plan": asking.plan.model_copy(update={"losses": losses})})
    shown = text_of(asks(ending, make_approval(names=("flstr-lab",)), ()))
    assert "*The whole cluster, with all that bears its label in the cloud:* flstr-lab" in shown
    assert "*Machines destroyed:* controller001, worker101" in shown
    assert "*Known to nobody, given back:* volume data (7)" in shown
    assert "that stay" not in shown


def test_a_card_with_more_than_slack_has_room_for(asking: Operation, make_approval: MakeApproval) -> None:
    facts = tuple(Fact(title=f"Fact {number}", text="x" * 500) for number in range(20))
    mentions = tuple(f"the members of #{'channel' * 10}{number}" for number in range(40))
    blocks = asks(asking, make_approval(facts=facts, names=NAMES), mentions)
    text_of(blocks)
    assert blocks[-1]["elements"][0]["value"] == "appr-1"


@pytest.fixture
def teams() -> Cluster:
    people = {
        name: {"slack": f"U0{name.upper()}", "email": f"{name}@flstr.lab", "may": may}
        for name, may in {"operator": ["approve"], "reviewer": ["read"], "developer": ["approve"]}.items()
    }
    members = {"people": ["reviewer"], "users": ["U07GUEST"], "groups": ["S01OPERATORS"], "channels": ["ops"]}
    text = {"cluster": "flstr-lab", "pools": {"worker": {"role": "worker", "count": 1}}, "people": people}
    return Cluster.model_validate({**text, "teams": {"operators": {**members, "may": ["approve"]}}})


def test_teams_are_mentioned_as_slack_knows_them(teams: Cluster, make_approval: MakeApproval) -> None:
    assert may_approve(teams, make_approval()) == (
        "<@U0OPERATOR>",
        "<@U0REVIEWER>",
        "<@U07GUEST>",
        "<!subteam^S01OPERATORS>",
        "the members of #ops",
    )
    yes = Decision(person="u07guest", approved=True, at=1.0)
    assert "<@U07GUEST>" not in may_approve(teams, make_approval(decisions=(yes,), needed=2))


def records(operation: Operation, approval: Approval) -> list[tuple[str, str]]:
    found = thread_letters(operation, approval, (), "flstr", ("<@U01OPERATOR>",))
    return [(letter.record, letter.shown) for letter in found]


def test_the_newest_reminder_and_the_escalation_are_said_once_and_never_edited(
    asking: Operation, make_approval: MakeApproval
) -> None:
    waiting = make_approval(reminded=(1.0, 2.0), escalated=2.0)
    assert records(asking, waiting) == [("7f3a/reminder/1", "said"), ("7f3a/escalation", "said")]
    assert records(asking, waiting.model_copy(update={"status": "denied"})) == []


def test_while_buttons_stand_the_card_is_noted_as_asking(asking: Operation, make_approval: MakeApproval) -> None:
    def word(approval: Approval) -> str:
        return card_letter(asking, approval, (), "flstr").shown.partition(" ")[0]

    assert word(make_approval()) == "asking"
    assert word(make_approval(status="approved")) == "awaiting_approval"


def test_messages_mention_those_who_may(asking: Operation, make_approval: MakeApproval) -> None:
    for message in (
        reminder(asking, make_approval(), ("<@U01OPERATOR>", "<!subteam^S01OPERATORS>")),
        escalation(asking, make_approval(), ("<@U01OPERATOR>", "<!subteam^S01OPERATORS>")),
    ):
        assert "<@U01OPERATOR> <!subteam^S01OPERATORS>" in text_of(message.blocks)
        assert "Scale worker to 2" in message.text


def test_broken_glass_is_told_with_its_reason(asking: Operation, make_approval: MakeApproval) -> None:
    glass = BrokenGlass(person="operator", reason="nobody is awake & all burns", at=1.0)
    assert "nobody is awake &amp; all burns" in text_of(broken_glass(glass).blocks)
    gone = asking.model_copy(update={"status": "running"})
    broken = make_approval(status="used", glass=glass)
    assert records(gone, broken) == [("7f3a/glass", "said")]
    assert "The glass was broken by operator: nobody is awake" in str(card_letter(gone, broken, (), "flstr").message)
