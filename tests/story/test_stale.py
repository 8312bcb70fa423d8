"""Two flstr on one etcd: the one that leads falls asleep in the middle of a roll-out, and wakes too late.

That a machine itself refuses whoever was overtaken is shown by tests/executors/test_stale_controller.py: here the one
that wakes may also see by its own clock that its lease has ended.
"""

import json
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gitops.etcd_server import EmbeddedEtcd
from lab.flstr_process import FlstrProcess
from lab.story.asking import ask_once
from lab.story.chapters import BUILD_UP_SECONDS
from lab.story.chat import DEVELOPER, Card
from lab.story.load import Load
from lab.story.load_client import Orders
from lab.story.load_records import Report
from lab.story.stage import APP_HOST, Stage
from lab.surroundings import Wishes
from tests.story.asked import asked, await_new, records
from tests.story.views import enabled_units, registered_units, running_units, units_started

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(600)]

WISHES = Wishes(edits={"healthy_deadline: 30s": "healthy_deadline: 30s\n  min_healthy_time: 300ms"})
LOST = 70
MOMENT_SECONDS = 60.0


@dataclass(frozen=True)
class Overtaken:
    """What became of the roll-out and of both controllers; the log of the first one is split at its waking."""

    status: int
    begun_before: set[str]
    logged_after: list[str]
    begun_by_second: set[str]
    new_cards: list[Card]
    card: Card
    started: Counter[tuple[str, str]]
    report: Report


@pytest.fixture(scope="module")
def etcd(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An etcd that belongs to neither of them."""
    server = EmbeddedEtcd(tmp_path_factory.mktemp("etcd"))
    endpoint = server.start()
    # Where the tests look for the etcd of a flstr that has one of its own.
    stage.around.state.mkdir()
    (stage.around.state / "etcd-endpoint").write_text(f"{endpoint}\n")
    yield endpoint
    stage.flstr.stop()
    server.stop()


@pytest.fixture(scope="module")
def second(stage: Stage, etcd: str) -> Iterator[FlstrProcess]:
    """The first one has built everything up, and leads; this one waits beside it, with the same key to the machines."""
    stage.flstr.start(FLSTR_ETCD_ENDPOINTS=etcd, FLSTR_LOG_FORMAT="json")
    stage.chat.await_card(lambda card: card.ending == "done", "the first operation to end", BUILD_UP_SECONDS)
    state = stage.around.lab.folder / "flstr-second"
    shutil.copytree(stage.around.state / "ssh", state / "ssh")
    second = FlstrProcess(stage.around.environment(), stage.around.lab.folder / "flstr-second.log")
    second.start(FLSTR_STATE=str(state), FLSTR_ETCD_ENDPOINTS=etcd, FLSTR_LOG_FORMAT="json")
    await_true(lambda: "another controller leads, or led until just now; waiting" in words(events(second.log)))
    yield second
    second.stop()


@pytest.fixture(scope="module")
def overtaken(stage: Stage, second: FlstrProcess) -> Overtaken:
    first, before, started = stage.flstr, records(stage), units_started(stage)
    with Load(Orders(stage.servers()["ingress016"], APP_HOST, websockets=0)) as load:
        asked(stage, DEVELOPER, f"/flstr deploy influencer@{stage.app_commit('main')}")
        await_true(lambda: any(step.startswith("start-") for step in begun(first.log, before)))
        first.pause()
        begun_before, logged = begun(first.log, before), len(events(first.log))
        await_true(lambda: begun(second.log, before) != set())
        first.resume()
        status = first.await_end(MOMENT_SECONDS)
        card = await_new(stage, before, "the roll-out to end")
    return Overtaken(
        status=status,
        begun_before=begun_before,
        logged_after=words(events(first.log)[logged:]),
        begun_by_second=begun(second.log, before),
        new_cards=[card for card in stage.chat.cards() if card.record not in before],
        card=card,
        started=units_started(stage) - started,
        report=load.report,
    )


def events(log: Path) -> list[dict[str, Any]]:
    lines = log.read_bytes().splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.startswith(b"{") and line.endswith(b"\n")]


def words(of: list[dict[str, Any]]) -> list[str]:
    return [event["event"] for event in of]


def begun(log: Path, before: set[str]) -> set[str]:
    """The steps of newer operations that have begun."""
    begins = [event for event in events(log) if event["event"] == "step begins"]
    return {event["step"] for event in begins if event["operation"] not in before}


def await_true(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + MOMENT_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_one_that_wakes_too_late_ends_and_begins_nothing_more(overtaken: Overtaken) -> None:
    assert overtaken.status == LOST
    assert any(step.startswith("start-") for step in overtaken.begun_before)
    assert "this controller no longer leads" in overtaken.logged_after
    assert "step begins" not in overtaken.logged_after


def test_the_other_one_carries_the_rollout_on_to_its_end(stage: Stage, overtaken: Overtaken) -> None:
    assert overtaken.card.ending == "done"
    assert {status for _, status in overtaken.card.tasks} == {"complete"}
    assert overtaken.begun_by_second
    assert ask_once(stage.servers()["ingress016"], APP_HOST) == f"influencer second {stage.app_commit('main')}"
    assert running_units(stage) == enabled_units(stage) == registered_units(stage)
    assert [len(units) for units in running_units(stage).values()] == [1, 1]


def test_there_is_one_card_and_nothing_ran_twice(overtaken: Overtaken) -> None:
    assert len(overtaken.new_cards) == 1
    assert set(overtaken.started.values()) == {1}
    assert len(overtaken.started) == 4  # a build and an instance on each of two workers


def test_nobody_noticed(overtaken: Overtaken) -> None:
    assert overtaken.report.requests > 500
    assert overtaken.report.failures == ()


def test_the_one_that_leads_now_answers(stage: Stage, overtaken: Overtaken) -> None:
    assert "follows" in stage.chat.command(DEVELOPER, "/flstr status")
