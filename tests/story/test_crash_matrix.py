"""flstr is killed after every single step of a roll-out, a scale-down and a drain: a table of what came of it."""

from collections.abc import Iterator

import pytest

from lab.story.chapters import Story
from lab.story.chat import DEVELOPER
from lab.story.load import Load
from lab.story.load_client import Orders
from lab.story.narrator import Silent
from lab.story.stage import APP_HOST, Stage
from lab.surroundings import Wishes
from tests.story.asked import ask_and_await, asked, await_settled
from tests.story.crash_matrix import Act, CrashMatrix
from tests.story.crash_table import Crash, crash_table
from tests.story.killing import PowerCuts
from tests.story.views import running_units

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(1200)]

WISHES = Wishes(edits={"healthy_deadline: 30s": "healthy_deadline: 30s\n  min_healthy_time: 300ms"})


@pytest.fixture(scope="module")
def matrix(stage: Stage) -> Iterator[CrashMatrix]:
    """One instance on each of two workers, and a load on them."""
    story = Story(stage, Silent())
    story.build_up()
    stage.flstr.stop()
    cuts = PowerCuts(stage)
    cuts.start()
    stage.chat.await_connected()
    # A websocket would hold each drain up to its limit; here it is about requests.
    with Load(Orders(story.ingress(), APP_HOST, kept=3, short=2, websockets=0)) as load:
        yield CrashMatrix(stage, cuts, load)


@pytest.fixture(scope="module")
def table() -> Iterator[list[Crash]]:
    """All that was tried, printed at the end."""
    crashes: list[Crash] = []
    yield crashes
    print(f"\n{crash_table(crashes)}")


def spread(stage: Stage) -> None:
    """One instance on each worker again."""
    if not all(running_units(stage).values()):
        ask_and_await(stage, DEVELOPER, "/flstr scale influencer 1")
        ask_and_await(stage, DEVELOPER, "/flstr scale influencer 2")


def undrain(stage: Stage) -> None:
    asked(stage, DEVELOPER, "/flstr undrain worker102")
    await_settled(stage)
    spread(stage)


def rollout(matrix: CrashMatrix) -> Act:
    return Act("roll-out", lambda: f"/flstr deploy influencer@{matrix.new_commit()}", instances=2)


def scale_down(matrix: CrashMatrix) -> Act:
    def up() -> None:
        ask_and_await(matrix.stage, DEVELOPER, "/flstr scale influencer 2")

    return Act("scale-down", lambda: "/flstr scale influencer 1", instances=1, undo=up)


def node_drain(matrix: CrashMatrix) -> Act:
    return Act(
        "node drain",
        lambda: "/flstr drain worker102",
        instances=2,
        undo=lambda: undrain(matrix.stage),
        without="worker102",
    )


def test_a_rollout_survives_a_kill_after_each_of_its_steps(matrix: CrashMatrix, table: list[Crash]) -> None:
    crashes = matrix.kill_after_each_step(rollout(matrix))
    table += crashes
    assert len(crashes) >= 10
    assert [crash for crash in crashes if not crash.is_well] == []


def test_a_scale_down_survives_a_kill_after_each_of_its_steps(matrix: CrashMatrix, table: list[Crash]) -> None:
    crashes = matrix.kill_after_each_step(scale_down(matrix))
    table += crashes
    assert len(crashes) >= 2
    assert [crash for crash in crashes if not crash.is_well] == []


def test_a_node_drain_survives_a_kill_after_each_of_its_steps(matrix: CrashMatrix, table: list[Crash]) -> None:
    crashes = matrix.kill_after_each_step(node_drain(matrix))
    table += crashes
    assert len(crashes) >= 4
    assert [crash for crash in crashes if not crash.is_well] == []


def test_no_request_failed_between_the_kills_either(matrix: CrashMatrix, table: list[Crash]) -> None:
    assert matrix.cuts.count == len(table) > 15
    assert matrix.load.report.requests > 1000
    assert matrix.load.report.failures == ()
