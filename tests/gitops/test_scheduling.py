"""Pools that change their size by the clock, on a real Git remote and a real etcd."""

from datetime import UTC, datetime

import pytest

from gitops.repository import ClusterRepo
from gitops.scheduling import Scheduling
from model import keys
from tests.gitops.flstr import OPERATOR, Flstr
from tests.gitops.remote import git
from tests.gitops.scene import CLUSTER_YAML

WORKERS = "    count: 2\n    first: 101"
TIMES = "    schedule: [{at: 0 8 * * mon-fri, count: 3}, {at: 0 20 * * *, count: 2}]"
SCHEDULED = CLUSTER_YAML.replace(WORKERS, f"{WORKERS}\n{TIMES}")


class Clock:
    """A scheduling, and the time that it believes it is; a Thursday."""

    def __init__(self, flstr: Flstr) -> None:
        self.flstr = flstr
        self.now = _at(7)
        self.begin()

    def begin(self) -> None:
        """A controller begins to lead."""
        repo: ClusterRepo = self.flstr.parts.revisions.repo
        self.scheduling = Scheduling(self.flstr.registry, repo, self.flstr.worker.wake, lambda: self.now)

    def look(self, hour: int, minute: int = 0, day: int = 26) -> bool:
        self.now = _at(hour, minute, day)
        return self.scheduling.look()


def _at(hour: int, minute: int = 0, day: int = 26) -> float:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC).timestamp()


@pytest.fixture
def clock(flstr: Flstr) -> Clock:
    flstr.cluster.push({"cluster.yaml": SCHEDULED})
    flstr.settle()
    clock = Clock(flstr)
    clock.look(7)
    return clock


def head_of(flstr: Flstr) -> str:
    return git(flstr.cluster.bare, "rev-parse", "main")


def workers(flstr: Flstr) -> list[str]:
    return [name for name in flstr.registry.read().nodes if name.startswith("worker")]


def count(flstr: Flstr) -> str:
    lines = flstr.cluster.file("cluster.yaml").splitlines()
    return lines[lines.index("    first: 101") - 1].strip()


def test_at_its_time_a_size_is_committed_by_flstr_and_carried_out(clock: Clock, flstr: Flstr) -> None:
    assert not clock.look(7, 59)
    assert clock.look(8)
    revision = flstr.parts.revisions.repo.revision(head_of(flstr))
    assert revision.subject == "Scale worker to 3, as scheduled for 2026-11-26 08:00 UTC"
    assert revision.author.name == "flstr"
    operation = flstr.settle()[-1]
    assert operation.plan.title == "add worker103"
    assert workers(flstr) == ["worker101", "worker102", "worker103"]
    assert any("*worker* 2 → 3 by its schedule" in notice for notice in flstr.notices())


def test_it_is_committed_once(clock: Clock, flstr: Flstr) -> None:
    clock.look(8)
    head = head_of(flstr)
    assert not clock.look(8, 1)
    clock.begin()
    assert not clock.look(8, 2)
    assert head_of(flstr) == head


def test_a_controller_that_was_killed_after_its_push_has_not_pushed_twice(clock: Clock, flstr: Flstr) -> None:
    before = flstr.store.get(keys.scheduled("worker"))
    assert before is not None
    clock.look(8)
    flstr.settle()
    flstr.ask("scale worker 4")
    head = head_of(flstr)
    flstr.store.put(keys.scheduled("worker"), before)
    clock.begin()
    clock.look(8, 2)
    assert head_of(flstr) == head


def test_what_somebody_says_afterwards_stays_until_the_next_time(clock: Clock, flstr: Flstr) -> None:
    clock.look(8)
    flstr.ask("scale worker 4")
    flstr.settle()
    assert not clock.look(19, 59)
    assert count(flstr) == "count: 4"
    assert clock.look(20)
    assert count(flstr) == "count: 2"


def test_a_size_that_a_pool_has_already_makes_no_commit(clock: Clock, flstr: Flstr) -> None:
    head = head_of(flstr)
    assert clock.look(20)
    assert clock.look(20, day=28)
    assert head_of(flstr) == head


def test_fewer_machines_wait_for_an_approval_like_any_removal(clock: Clock, flstr: Flstr) -> None:
    clock.look(8)
    flstr.settle()
    clock.look(20)
    waiting = flstr.settle()[-1]
    assert (waiting.status, waiting.plan.title) == ("awaiting_approval", "destroy worker103")
    approval = flstr.operations.approvals()[-1]
    assert (approval.requesters, approval.authors, approval.strangers) == ((), (), ())
    flstr.approve(waiting, OPERATOR)
    flstr.settle()
    assert workers(flstr) == ["worker101", "worker102"]


def test_of_what_was_missed_only_the_newest_counts(clock: Clock, flstr: Flstr) -> None:
    clock.look(8)
    assert clock.look(9, day=30)
    head = flstr.parts.revisions.repo.revision(head_of(flstr))
    assert head.subject == "Scale worker to 3, as scheduled for 2026-11-26 08:00 UTC"
    assert count(flstr) == "count: 3"


def test_what_was_due_before_it_was_written_is_not_made_up_for(clock: Clock, flstr: Flstr) -> None:
    flstr.cluster.push({"cluster.yaml": SCHEDULED.replace("0 8 * * mon-fri", "0 10 * * *")})
    flstr.settle()
    assert not clock.look(11)
    assert not clock.look(11, 1)
    assert clock.look(20)


def test_while_frozen_it_is_committed_and_waits_like_what_people_ask_for(clock: Clock, flstr: Flstr) -> None:
    flstr.ask("freeze 2h holidays")
    clock.look(8)
    flstr.settle()
    assert count(flstr) == "count: 3"
    assert workers(flstr) == ["worker101", "worker102"]
    flstr.ask("thaw")
    flstr.settle()
    assert workers(flstr) == ["worker101", "worker102", "worker103"]


@pytest.mark.parametrize(
    ("hold", "end"), [("lock worker 2h we measure", "unlock worker"), ("suspend hands off --yes", "resume")]
)
def test_while_held_it_waits_as_well_and_is_carried_out_once_let_go(
    clock: Clock, flstr: Flstr, hold: str, end: str
) -> None:
    flstr.ask(hold)
    assert clock.look(8)
    flstr.settle()
    assert count(flstr) == "count: 3"
    assert workers(flstr) == ["worker101", "worker102"]
    assert not clock.look(8, 1)
    flstr.ask(end)
    flstr.settle()
    assert workers(flstr) == ["worker101", "worker102", "worker103"]


def test_under_a_lock_a_freeze_and_a_suspension_at_once_it_waits_for_the_last_of_them(
    clock: Clock, flstr: Flstr
) -> None:
    for hold in ("lock worker 2h we measure", "freeze 2h holidays", "suspend hands off --yes"):
        flstr.ask(hold)
    clock.look(8)
    flstr.settle()
    for end in ("resume", "thaw"):
        flstr.ask(end)
        flstr.settle()
        assert workers(flstr) == ["worker101", "worker102"]
    (waits,) = [line for line in flstr.ask("status").splitlines() if "waits:" in line]
    assert "Scale worker to 3, as scheduled for 2026-11-26 08:00 UTC" in waits
    flstr.ask("unlock worker")
    flstr.settle()
    assert workers(flstr) == ["worker101", "worker102", "worker103"]


def test_two_times_that_come_during_a_hold_end_at_the_newer_size(clock: Clock, flstr: Flstr) -> None:
    flstr.ask("suspend hands off --yes")
    clock.look(8)
    clock.look(20)
    flstr.ask("resume")
    flstr.settle()
    assert count(flstr) == "count: 2"
    assert workers(flstr) == ["worker101", "worker102"]


def test_a_plan_says_what_comes_by_the_clock(clock: Clock, flstr: Flstr) -> None:
    said = flstr.ask("plan").splitlines()
    assert "changes nothing" in said[0]
    assert said[-2] == "*Later, by the clock*"
    assert said[-1].startswith("• worker is to have 3 from ")
    assert "by the clock" not in flstr.ask("plan scale worker 3")


def test_a_size_that_cannot_be_is_told_once_and_left(clock: Clock, flstr: Flstr) -> None:
    flstr.cluster.push({"cluster.yaml": SCHEDULED.replace("count: 2}", "count: 0}")})
    flstr.settle()
    clock.look(7)
    head = head_of(flstr)
    assert clock.look(20)
    assert not clock.look(20, 1)
    assert head_of(flstr) == head
    (told,) = [notice for notice in flstr.notices() if "is not brought to 0 by its schedule" in notice]
    assert "influencer has no worker to run on" in told


def test_nothing_is_due_of_a_cluster_that_flstr_does_not_know_yet(flstr: Flstr) -> None:
    assert not Clock(flstr).look(8)
    assert flstr.store.prefix(keys.SCHEDULED) == {}


def test_without_git_it_is_tried_again(clock: Clock, flstr: Flstr) -> None:
    away = flstr.cluster.bare.rename(flstr.cluster.bare.with_name("away.git"))
    assert not clock.look(8)
    away.rename(flstr.cluster.bare)
    assert clock.look(8, 1)
    assert count(flstr) == "count: 3"


def test_a_pool_without_a_schedule_is_not_remembered(clock: Clock, flstr: Flstr) -> None:
    assert flstr.store.get(keys.scheduled("worker")) is not None
    flstr.cluster.push({"cluster.yaml": CLUSTER_YAML})
    flstr.settle()
    clock.look(8)
    assert flstr.store.prefix(keys.SCHEDULED) == {}
