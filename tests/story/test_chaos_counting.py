"""The chaos table sees what it is there to see: a lost step, a doubled one, a token that goes back."""

import json
from collections import Counter
from dataclasses import asdict, replace
from types import SimpleNamespace

import pytest

from lab.cloud.request_log import LoggedRequest
from model.operation import Operation, Origin, StepState, StepStatus
from model.steps import BuildRelease, CreateNode, DestroyNode, Plan, PlannedStep, StartInstance
from tests.executors.example import influencer
from tests.story.chaos_counting import Seen, Told, amiss, carried_on
from tests.story.chaos_leading import Leading, Logged, logged
from tests.story.chaos_table import PROPERTY, Cell, cells_told, chaos_table, within

APP = influencer()
BUILD, START = ("worker101", "flstr-build"), ("worker101", "flstr-backend-influencer-1-ab12cd34.service")
CREATE = CreateNode(
    node="worker103", pool="worker", role="worker", server_type="cx22", location="fsn1", image="debian-12"
)
PLAN = Plan(
    title="everything",
    steps=(
        PlannedStep(id="create", title="rent", step=CREATE),
        PlannedStep(id="build", title="build", step=BuildRelease(node="worker101", app=APP)),
        PlannedStep(id="start", title="start", step=StartInstance(node="worker101", app=APP, instance="1-ab12cd34")),
        PlannedStep(id="destroy", title="destroy", step=DestroyNode(node="worker102")),
    ),
)
RENTED = LoggedRequest("POST", "/servers", "", 201)
GIVEN_BACK = LoggedRequest("DELETE", "/servers/7", "", 200)
LOOKS = LoggedRequest("GET", "/servers", "name=worker103", 200)
REFUSED = LoggedRequest("POST", "/servers", "", 409)
TOKENS = {"worker101": {"leader": 5, "app-influencer": 3}, "worker102": {"leader": 5}}


def version(*statuses: StepStatus) -> Operation:
    """The operation with its steps in these states; those that are done were so at 20.0."""
    ended = {"done": 20.0}
    steps = {
        step.id: StepState(status=status, ended=ended.get(status))
        for step, status in zip(PLAN.steps, statuses, strict=True)
    }
    done = all(status == "done" for status in statuses)
    return Operation(
        id="1", revision="r", plan=PLAN, origin=Origin(), status="done" if done else "running", steps=steps, created=0
    )


TOLD = Told("done", ("asked by developer", "worker103 is rented"))
# The first one led and was hit; the second led next, and went on.
LED = Leading(
    before="controller001",
    next="another",
    written=("", "controller002"),
    logged=(
        Logged(8.0, "controller001", "step begins", "create"),
        Logged(19.0, "controller002", "step begins", "build"),
        Logged(17.0, "controller002", "leading"),
    ),
)

AGAIN = tuple(replace(line, node="controller001") for line in LED.logged)

WELL = Seen(
    in_place=10.0,
    versions=(
        version("running", "waiting", "waiting", "waiting"),
        version("done", "running", "waiting", "waiting"),
        version("done", "running", "waiting", "waiting"),  # by another controller, from the beginning
        version("done", "done", "running", "waiting"),
        version("done", "done", "done", "done"),
    ),
    requests=(LOOKS, REFUSED, RENTED, GIVEN_BACK),
    started=Counter({BUILD: 1, START: 1}),
    tokens_before=TOKENS,
    tokens_after={"worker101": {"leader": 9, "app-influencer": 3}, "worker103": {"leader": 9}},
    cards=(TOLD,),
    leading=LED,
)


def test_an_operation_that_went_on_after_a_fault_lost_nothing_and_doubled_nothing() -> None:
    assert amiss(WELL) == ()


@pytest.mark.parametrize(
    ("seen", "what"),
    [
        (
            replace(WELL, versions=(*WELL.versions[:3], version("running", "done", "done", "waiting"), WELL.versions[-1])),
            "step create was done 2 times",
        ),
        (replace(WELL, requests=(*WELL.requests, RENTED)), "2 servers were rented, not 1"),
        (replace(WELL, requests=(RENTED,)), "0 servers were given back, not 1"),
        (replace(WELL, requests=(*WELL.requests, GIVEN_BACK)), "2 servers were given back, not 1"),
        (replace(WELL, started=Counter({BUILD: 1, START: 2})), f"{START[1]} on worker101 ran twice"),
        (replace(WELL, started=Counter({BUILD: 2, START: 1})), "flstr-build on worker101 ran twice"),
        (replace(WELL, started=Counter({BUILD: 1})), f"{START[1]} on worker101 was never started"),
        (
            replace(WELL, tokens_after={"worker101": {"leader": 4, "app-influencer": 3}}),
            "worker101: the token of leader went from 5 to 4",
        ),
        (
            replace(WELL, tokens_after={"worker101": {"leader": 5}}),
            "worker101: the token of app-influencer went from 3 to None",
        ),
        (replace(WELL, in_place=30.0), "the change had ended before the fault"),
        (replace(WELL, cards=(TOLD, Told("done", ()))), "2 cards"),
        (replace(WELL, cards=()), "0 cards"),
        (replace(WELL, cards=(replace(TOLD, ending=None),)), "the card did not end done"),
        (replace(WELL, cards=(replace(TOLD, ending="failed"),)), "the card did not end done"),
        (replace(WELL, cards=(replace(TOLD, thread=("a", "b", "a")),)), "the thread heard 2 times: a"),
        (replace(WELL, leading=replace(LED, written=())), "leadership was got 0 times, not once"),
        (
            replace(WELL, leading=replace(LED, written=("", "controller002", "", "controller002"))),
            "leadership was got 2 times, not once",
        ),
        (
            replace(WELL, leading=replace(LED, written=("", "controller001"), logged=AGAIN)),
            "controller001 led again, and no other controller",
        ),
        (
            replace(WELL, leading=replace(LED, written=("controller002",))),
            "controller002 led before the last leader's lease had ended",
        ),
        (
            replace(WELL, leading=replace(LED, logged=(*LED.logged, Logged(17.1, "controller001", "step begins", "build")))),
            "controller001 began build after controller002 led",
        ),
        (replace(WELL, leading=replace(LED, logged=LED.logged[2:])), "no journal tells of a step"),
        (
            replace(WELL, leading=replace(LED, logged=LED.logged[:1])),
            "controller002 led, and its journal does not say so",
        ),
    ],
    ids=[
        *("a step that was done begins again", "rented twice", "never given back", "given back twice"),
        *("started twice", "built twice", "never started", "a token goes back", "a token is gone"),
        *("the fault came too late", "two cards", "no card", "a card without an end", "a card with another end"),
        *("told twice", "nobody led next", "another lease went by", "the same one led next"),
        *("two leases at a time", "whoever was overtaken goes on", "no steps logged", "no leader logged"),
    ],
)  # fmt: skip
def test_what_is_lost_or_doubled_is_found(seen: Seen, what: str) -> None:
    assert amiss(seen) == (what,)


def test_an_operation_that_did_not_end_well_is_found_with_the_steps_it_lost() -> None:
    assert amiss(replace(WELL, versions=WELL.versions[:-1])) == (
        "the operation is running: ",
        "step start was done 0 times",
        "step destroy was done 0 times",
    )
    assert amiss(replace(WELL, versions=())) == ("etcd remembers no operation",)


def went_on(*builds: StepState) -> list[Operation]:
    """An operation whose first step ended before the fault at 10.0, with one after the other state of its second."""
    before = StepState(status="done", started=1.0, ended=8.0)
    states = [{"create": before, "build": build} for build in builds]
    return [WELL.versions[-1].model_copy(update={"steps": steps}) for steps in states]


def test_it_went_on_when_the_next_step_began_or_ended() -> None:
    versions = went_on(StepState(), StepState(status="running", started=17.5))
    assert carried_on(versions, fault=10.0, answered=None) == 7.5
    assert carried_on(versions, fault=5.0, answered=None) == 3.0
    assert carried_on(versions, fault=30.0, answered=None) is None
    assert carried_on((), fault=1.0, answered=2.0) is None


def test_a_step_that_ran_on_did_so_when_its_leader_was_heard_again() -> None:
    versions = went_on(StepState(status="running", started=9.0), StepState(status="done", started=9.0, ended=30.0))
    assert carried_on(versions, fault=10.0, answered=None) == 20.0
    assert carried_on(versions, fault=10.0, answered=12.0) == 2.0


def test_a_step_that_was_begun_again_went_on_then_whoever_was_answered_before() -> None:
    versions = went_on(StepState(status="running", started=9.0), StepState(status="running", started=17.0))
    assert carried_on(versions, fault=10.0, answered=12.0) == 7.0


@pytest.mark.parametrize(
    "leading",
    [
        replace(LED, next="anybody", written=("", "controller001"), logged=AGAIN),
        replace(LED, next="nobody", written=(), logged=LED.logged[:1]),
        replace(LED, next="nobody", written=("", "controller002", "", "controller002")),
    ],
    ids=["what was killed leads again", "nobody else leads", "etcd was away for longer than a lease"],
)
def test_leadership_goes_where_it_may(leading: Leading) -> None:
    assert amiss(replace(WELL, leading=leading)) == ()


def test_of_a_journal_only_who_leads_and_what_begins_is_read() -> None:
    leads = {"event": "leading", "token": 7, "timestamp": "1970-01-01T00:00:20.250000Z"}
    begins = {"event": "step begins", "step": "build", "operation": "1", "timestamp": "1970-01-01T00:00:21Z"}
    journal = [
        json.dumps(leads | {"timestamp": "1970-01-01T00:00:09Z"}),
        "flstr.service: Started",
        json.dumps(leads),
        json.dumps(begins | {"event": "step failed"}),
        json.dumps(begins),
    ]
    assert logged("controller001", journal, since=10.0) == [
        Logged(20.25, "controller001", "leading"),
        Logged(21.0, "controller001", "step begins", "build"),
    ]


CELL = Cell("kill", "the flstr that leads", "rollout", "build influencer", 7.25, 15.0, 14, 2, 1, 3.5, 0, ())


@pytest.mark.parametrize(
    "fault",
    [
        *({"commands": 0}, {"unanswered": 1}, {"most_repeated": 6}, {"seconds": None}),
        {"amiss": ("step build was done 2 times",)},
    ],
)
def test_a_cell_is_well_only_where_it_went_on_and_everybody_was_answered_and_nothing_lost(
    fault: dict[str, object],
) -> None:
    assert CELL.is_well
    assert not Cell(**{**vars(CELL), **fault}).is_well


def test_the_table_has_a_row_for_each_cell() -> None:
    lost = replace(CELL, seconds=None, amiss=("2 servers were rented, not 1",))
    _, _, first, second = chaos_table([CELL, lost]).splitlines()
    assert first.split() == [
        *("kill", "the", "flstr", "that", "leads", "rollout", "build", "influencer"),
        *("7.2", "s", "15.0", "s", "14", "2", "1", "3.5", "s", "0", "nothing"),
    ]
    assert second.split()[-6:] == ["2", "servers", "were", "rented,", "not", "1"]
    assert "- " in second


def test_it_is_said_which_changes_went_on_too_late() -> None:
    assert within([CELL]) == "every change carried on within 10 s"
    late, never = replace(CELL, seconds=10.5), replace(CELL, fault="stop", seconds=None)
    assert within([CELL, late, never]) == (
        "not carried on within 10 s: rollout, kill of the flstr that leads (10.5 s); "
        "rollout, stop of the flstr that leads (never)"
    )


def test_the_cells_are_found_in_what_other_processes_report() -> None:
    told = replace(CELL, amiss=("2 cards",))
    sent = json.loads(json.dumps(asdict(told)))
    reports = [SimpleNamespace(user_properties=its) for its in ([], [("other", 1), (PROPERTY, sent)])]
    assert cells_told(reports) == [told]
