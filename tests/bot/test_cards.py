"""Cards tell the truth about a record, and never exceed what Slack takes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.cards import decision, ending, failed_step, notice_parts, operation_card, told_line
from bot.letters import card_letter
from bot.message import Message
from lab.slack.blocks import MESSAGE, accepted
from model.operation import Approval, Decision, Notice, Operation, StepState, StepTask, StepTasks
from model.steps import EndCluster, Losses, Plan, PlannedStep

FIXTURES = Path(__file__).with_name("cards")

MakeOperation = Callable[..., Operation]
DONE = StepState(status="done", started=1.0, ended=2.0)
RUNNING = StepState(status="running", detail="joining vpn_ctrl")
FAILED = StepState(status="failed", detail="the build ended with status 2", output="make: *** no rule\n")
WAITING = StepState()


def shown(message: Message) -> str:
    return json.dumps([message.blocks, message.text], ensure_ascii=False)


def slack_takes(message: Message) -> None:
    """Refused as Slack refuses, by the lab's rules."""
    for blocks in message.forms():
        accepted(list(blocks), MESSAGE)
    accepted(list(message.plain_blocks), MESSAGE, accept_plan=False)
    assert 0 < len(message.text) <= 300


def tasks(message: Message) -> list[dict[str, Any]]:
    plan = next(block for block in message.blocks if block["type"] == "plan")
    return list(plan["tasks"])


def buttons(message: Message) -> list[dict[str, Any]]:
    return [part for block in message.blocks if block["type"] == "actions" for part in block["elements"]]


def test_a_running_operation_is_a_header_a_context_and_a_plan(make_operation: MakeOperation) -> None:
    card = operation_card(make_operation((DONE, RUNNING, WAITING)))
    expected = json.loads((FIXTURES / "running.json").read_text())
    assert {"text": card.text, "blocks": list(card.blocks), "plain_blocks": list(card.plain_blocks)} == expected


PLAYBOOK = StepTasks(
    shown=(
        *(StepTask(name=f"task {number}", status="changed", changed=2) for number in range(6)),
        StepTask(name="Start <it>", status="failed", failed=1, changed=1),
        StepTask(name="Wait until it answers", status="running"),
    ),
    quiet=3,
)


def test_the_newest_tasks_of_a_playbook_are_shown_below_its_step(make_operation: MakeOperation) -> None:
    card = operation_card(make_operation((StepState(status="running", detail="Ansible is at work", tasks=PLAYBOOK),)))
    slack_takes(card)
    (task,) = tasks(card)
    assert task["details"]["elements"][0]["elements"][0]["text"].splitlines() == [
        "Ansible is at work",
        "✓ 6 other tasks done",
        "✓ task 3 (changed on 2)",
        "✓ task 4 (changed on 2)",
        "✓ task 5 (changed on 2)",
        "✗ Start <it> (changed on 1, failed on 1)",
        "▶ Wait until it answers",
    ]
    assert "        ✗ Start &lt;it&gt; (changed on 1, failed on 1)" in json.dumps(card.plain_blocks, ensure_ascii=False)


def test_a_playbook_that_is_done_is_one_line(make_operation: MakeOperation) -> None:
    (task,) = tasks(operation_card(make_operation((StepState(status="done", tasks=PLAYBOOK),))))
    assert "details" not in task


def test_a_card_of_many_playbooks_is_one_that_slack_takes(make_operation: MakeOperation) -> None:
    many = StepTasks(shown=tuple(StepTask(name="<&>" * 33, status="running") for _ in range(20)), quiet=100)
    slack_takes(operation_card(make_operation([StepState(status="running", detail="x" * 300, tasks=many)] * 60)))


def test_an_operation_that_asks_shows_what_would_be_lost(asking: Operation, make_approval: Callable[..., Any]) -> None:
    card = operation_card(asking, make_approval(), ("<@U01OPERATOR>", "<@U03REVIEWER>"))
    expected = json.loads((FIXTURES / "asking.json").read_text())
    assert {"text": card.text, "blocks": list(card.blocks)} == expected


def test_a_floating_ip_that_would_be_given_back_is_shown(
    make_operation: MakeOperation, make_approval: Callable[..., Any]
) -> None:
    plan = Plan(title="give back floating IP public", losses=Losses(floating_ips=("public",)))
    waiting = make_operation((), "awaiting_approval", titles=(), plan=plan, started=None, approval="appr-1")
    assert "*Floating IPs given back:* public\\n" in shown(operation_card(waiting, make_approval()))


def test_buttons_name_the_approval_and_deny_asks_back(asking: Operation, make_approval: Callable[..., Any]) -> None:
    approve, deny = buttons(operation_card(asking, make_approval()))
    assert (approve["action_id"], approve["value"], approve["style"]) == ("approval.approve", "appr-1", "primary")
    assert (deny["action_id"], deny["value"], deny["style"]) == ("approval.deny", "appr-1", "danger")
    assert "confirm" in deny
    assert "confirm" not in approve


def test_a_card_that_nobody_may_approve_says_so(asking: Operation, make_approval: Callable[..., Any]) -> None:
    assert "nobody who has the right to and had no hand in it" in shown(operation_card(asking, make_approval()))


def test_the_count_of_approvals_is_shown_where_more_are_needed(
    asking: Operation, make_approval: Callable[..., Any]
) -> None:
    one = Decision(person="operator", approved=True, at=1_700_000_100.0)
    text = shown(operation_card(asking, make_approval(needed=2, decisions=(one,)), ("<@U03REVIEWER>",)))
    assert "<@U03REVIEWER> (1 of 2 so far)" in text
    assert "Approved by operator." in text


@pytest.mark.parametrize("status", ["queued", "running", "done", "failed", "denied", "expired", "void", "superseded"])
def test_buttons_are_gone_once_it_is_decided(status: str, asking: Operation, make_approval: Callable[..., Any]) -> None:
    card = operation_card(asking.model_copy(update={"status": status}), make_approval(), ("<@U01OPERATOR>",))
    assert buttons(card) == []


def test_buttons_are_gone_as_soon_as_the_approval_is_decided(
    asking: Operation, make_approval: Callable[..., Any]
) -> None:
    assert buttons(operation_card(asking, make_approval(status="approved"), ("<@U01OPERATOR>",))) == []


def test_an_end_says_how_and_how_long_and_who_decided(
    make_operation: MakeOperation, make_approval: Callable[..., Any]
) -> None:
    ended = make_operation((DONE,), "done", ended=1_700_000_070.0, sentence="The workers are two.")
    yes = Decision(person="reviewer", approved=True, at=1_700_000_004.0)
    card = operation_card(ended, make_approval(status="approved", decisions=(yes,)))
    assert "The workers are two.\\nApproved by reviewer." in shown(card)
    assert "took 1 min 5 s" in shown(card)
    assert card.text == "Scale worker to 2: done. The workers are two."


def test_a_denial_says_who_and_that_nothing_changed(asking: Operation, make_approval: Callable[..., Any]) -> None:
    no = Decision(person="reviewer", approved=False, at=1_700_000_004.0)
    card = operation_card(asking.model_copy(update={"status": "denied"}), make_approval(decisions=(no,)))
    assert "Denied; nothing was changed.\\nDenied by reviewer." in shown(card)


def test_the_same_record_gives_the_same_digest(make_operation: MakeOperation) -> None:
    assert operation_card(make_operation()).digest() == operation_card(make_operation()).digest()
    assert operation_card(make_operation()).digest() != operation_card(make_operation((DONE, WAITING))).digest()


def test_a_long_plan_folds_what_is_done_and_shows_what_runs_and_fails(make_operation: MakeOperation) -> None:
    states = (*[DONE] * 150, RUNNING, FAILED, RUNNING, *[WAITING] * 47)
    card = operation_card(make_operation(states))
    lines = tasks(card)
    assert lines[0]["title"] == "150 other steps done"
    assert lines[-1]["title"] == "10 other steps to come"
    by_status = [line["status"] for line in lines]
    assert by_status.count("in_progress") == 2
    assert by_status.count("error") == 1
    slack_takes(card)


def test_a_folded_count_is_true(make_operation: MakeOperation) -> None:
    states = (*[FAILED] * 60, *[RUNNING] * 60, *[DONE] * 50, *[WAITING] * 30)
    titles = [task["title"] for task in tasks(operation_card(make_operation(states)))]
    assert titles[:1] == ["50 other steps done"]
    assert titles[-3:] == ["20 other steps failed", "60 other steps running", "30 other steps to come"]


def test_what_an_ended_operation_left_undone_is_not_to_come(make_operation: MakeOperation) -> None:
    card = operation_card(make_operation((FAILED, *[WAITING] * 99), "failed", ended=1_700_000_009.0))
    assert tasks(card)[-1]["title"] == "60 other steps not started"


def test_a_plan_without_steps_has_no_plan_block(make_operation: MakeOperation) -> None:
    card = operation_card(make_operation((), "done", ended=1_700_000_006.0))
    assert [block["type"] for block in card.blocks] == ["header", "context", "section"]
    slack_takes(card)


def test_sections_say_the_same_as_the_plan(make_operation: MakeOperation) -> None:
    card = operation_card(make_operation((DONE, FAILED)))
    assert card.plain_blocks[2]["text"]["text"] == (
        "*1 of 2 steps done, 1 failed*\n"
        ":white_check_mark: Destroy worker101\n"
        ":x: Destroy worker102: the build ended with status 2"
    )


def test_nobody_is_mentioned_by_a_title(make_operation: MakeOperation) -> None:
    card = operation_card(make_operation((FAILED,), titles=("<!channel> & co",), sentence="<!here>", status="failed"))
    assert "<!channel>" not in json.dumps([card.plain_blocks, card.text])
    assert "<!here>" not in json.dumps([card.blocks, card.text])


def test_a_failed_step_is_told_with_its_last_lines(make_operation: MakeOperation) -> None:
    message = failed_step(make_operation((FAILED,)).plan.steps[0], FAILED)
    texts = [block["text"]["text"] for block in message.blocks]
    assert texts == [":x: *Destroy worker101* failed: the build ended with status 2", "```\nmake: *** no rule\n```"]


def test_a_line_is_told_under_its_steps_title_with_what_follows_as_a_code_block(make_operation: MakeOperation) -> None:
    message = told_line(make_operation((DONE,)).plan.steps[0], "built in 3 s\ncc <main.c>\nlinked\n")
    texts = [block["text"]["text"] for block in message.blocks]
    assert texts == [
        ":speech_balloon: *Destroy worker101*: built in 3 s",
        "```\ncc &lt;main.c&gt;\nlinked\n```",
    ]
    assert message.text == "Destroy worker101: built in 3 s"


def test_a_single_line_is_told_as_one_block(make_operation: MakeOperation) -> None:
    message = told_line(make_operation((DONE,)).plan.steps[0], "2 connections were left at the limit of 30 s")
    assert len(message.blocks) == 1


def test_an_operation_that_was_given_up_says_for_what_and_what_it_did_not_begin(make_operation: MakeOperation) -> None:
    card = operation_card(make_operation((DONE, *[WAITING] * 60), "superseded", ended=1_700_000_046.0))
    assert card.text == "Scale worker to 2: given up for a newer one, 1 of 61 steps done"
    assert "given up for a newer one · asked by *developer*" in shown(card)
    assert "A newer one takes its place." in shown(card)
    assert tasks(card)[-1]["title"] == "20 other steps not started"
    message = ending(make_operation((DONE, WAITING), "superseded", ended=1_700_000_046.0))
    assert message.blocks[0]["text"]["text"] == (
        "*Scale worker to 2*\n:fast_forward: A newer one takes its place. (1 of 2 steps done, took 41 s)"
    )


def test_a_decision_is_told() -> None:
    message = decision(Decision(person="reviewer", approved=False, at=0.0))
    assert message.blocks[0]["text"]["text"].startswith(":no_entry: reviewer denied this plan, <!date^0^")


def test_an_end_is_told(make_operation: MakeOperation) -> None:
    message = ending(make_operation((DONE,), "done", ended=1_700_000_046.0))
    assert message.blocks[0]["text"]["text"] == (
        "*Scale worker to 2*\n:white_check_mark: Done. (1 of 1 step done, took 41 s)"
    )


def test_a_notice_is_shown_as_written() -> None:
    [card] = notice_parts(Notice(id="n1", text=":warning: revision `a1b2c3d` is refused", at=1.0))
    assert card.blocks[0]["text"]["text"] == ":warning: revision `a1b2c3d` is refused"
    [nothing] = notice_parts(Notice(id="n2", text="", at=1.0))
    slack_takes(nothing)


def test_a_long_notice_is_split_and_nothing_of_it_is_lost() -> None:
    parts = notice_parts(Notice(id="n3", text="```\n" + "a line & more\n" * 2000 + "```", at=1.0))
    for part in parts:
        slack_takes(part)
    said = [block["text"]["text"] for part in parts for block in part.blocks]
    assert len(parts) > 1
    assert "\n".join(said).count("a line & more") == 2000


@pytest.mark.parametrize("status", ["done", "failed", "cancelled", "superseded", "denied"])
def test_no_step_of_an_ended_operation_is_shown_as_under_way(make_operation: MakeOperation, status: str) -> None:
    card = operation_card(make_operation((DONE, RUNNING, WAITING), status, ended=1_700_000_046.0))
    assert "in_progress" not in shown(card)
    assert "large_blue_circle" not in json.dumps(card.plain_blocks)
    assert "not finished" in shown(card)


def test_a_paused_operation_says_so_and_shows_no_step_as_under_way(make_operation: MakeOperation) -> None:
    card = operation_card(make_operation((DONE, RUNNING, WAITING)), paused=True)
    slack_takes(card)
    assert "in_progress" not in shown(card)
    assert "paused; goes on when flstr starts again" in card.text
    assert "paused; goes on when flstr starts again" in json.dumps(card.plain_blocks)


def test_the_card_of_a_clusters_end_says_what_nobody_may_be_there_to_say_later(make_operation: MakeOperation) -> None:
    steps = (PlannedStep(id="end", title="destroy controller001", step=EndCluster()),)
    plan = Plan(title="end the cluster small", steps=steps)
    for state, said, under_way in (
        (RUNNING, "the last machines are given back now", False),
        (WAITING, "running", False),
    ):
        operation = make_operation((WAITING,)).model_copy(update={"plan": plan, "steps": {"end": state}})
        card = operation_card(operation)
        slack_takes(card)
        assert said in card.text
        assert ("in_progress" in shown(card)) is under_way
        assert card_letter(operation, None, (), "C01FLSTR").shown.startswith(
            "ending " if state is RUNNING else "running "
        )


def test_an_end_mentions_who_waits_for_it(make_operation: MakeOperation) -> None:
    message = ending(make_operation((DONE,), "done", ended=1_700_000_046.0), ("U02DEVELOPER", "U01OPERATOR"))
    assert message.blocks[0]["text"]["text"].startswith("<@U02DEVELOPER> <@U01OPERATOR> *Scale worker to 2*\n")


texts = st.text(alphabet="a<&>`*é\n ", max_size=5).map(lambda text: text * 800)
states = st.builds(
    StepState,
    status=st.sampled_from(["waiting", "running", "done", "failed", "skipped"]),
    detail=texts,
    output=texts,
)
statuses = st.sampled_from(
    ["awaiting_approval", "queued", "running", "done", "failed", "denied", "expired", "void", "superseded"]
)


@settings(max_examples=40, deadline=None)
@given(st.lists(states, max_size=200), statuses, texts, st.integers(0, 300))
def test_no_record_exceeds_slacks_limits(
    make_operation: MakeOperation,
    make_approval: Callable[..., Approval],
    steps: list[StepState],
    status: str,
    text: str,
    nodes: int,
) -> None:
    operation = make_operation(
        tuple(steps), status, tuple(f"{index} {text}" for index in range(len(steps))), sentence=text, ended=1.7e9 + 9
    )
    names = tuple(f"worker{101 + index}" for index in range(nodes))
    losses = {"nodes": names, "apps": ("influencer",), "moved": names, "remaining": names}
    title = (text or "a plan").replace("\n", " ")
    changed = operation.plan.model_dump() | {"title": title, "losses": losses}
    operation = Operation.model_validate(operation.model_dump() | {"plan": changed})
    people = tuple(Decision(person=f"person{index}", approved=True, at=1.0) for index in range(5))
    slack_takes(operation_card(operation, make_approval(decisions=people), tuple(f"U{i:09}" for i in range(50))))
    slack_takes(ending(operation))
    for step, state in zip(operation.plan.steps, steps, strict=True):
        slack_takes(failed_step(step, state))
        slack_takes(told_line(step, f"{state.detail}\n{state.output}"))
