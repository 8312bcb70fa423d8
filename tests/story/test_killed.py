"""flstr is killed in the middle of everything, and goes on: the same card, nothing twice, nobody notices."""

from dataclasses import dataclass

import pytest

from lab.cloud.settings import CloudSettings
from lab.story.asking import Asking, Tally, ask_once
from lab.story.chapters import TWO_WORKERS, Story
from lab.story.chat import DEVELOPER, REVIEWER, Card
from lab.story.narrator import Silent
from lab.story.stage import APP_HOST, Stage
from lab.surroundings import Wishes
from tests.story.asked import asked
from tests.story.killing import PowerCuts
from tests.story.views import answered, enabled_units, registered, registered_units, running_units

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(900)]

# A server that is to go is there long enough for the power to go while flstr waits for its end.
WISHES = Wishes(cloud=CloudSettings(delete_seconds=5.0))
ONE_WORKER = "    count: 1\n    first: 101"
OPERATION_SECONDS = 240.0


@dataclass(frozen=True)
class Survived:
    """An operation during which the power went: its card before and at the end, and what a client was answered."""

    posted: Card
    ended: Card
    tally: Tally


@pytest.fixture(scope="module")
def power_cuts(stage: Stage) -> PowerCuts:
    return PowerCuts(stage)


@pytest.fixture(scope="module")
def built_up(stage: Stage, power_cuts: PowerCuts) -> Card:
    """The card of a build-up during which the power went seven times."""
    cloud = stage.around.cloud.requests
    power_cuts.start()
    # Servers are being created: of one the answer may have come, of the others it is on its way.
    power_cuts.when(lambda: cloud.count("POST", "/servers") > 0, "a server to be rented")
    # They boot.
    power_cuts.when(lambda: cloud.count("POST", "/servers") > 3, "the last server to be rented", later=1.5)
    power_cuts.when_step_begins("join", later=0.5)
    # Each machine is given its peers, and waits until the others answer: less than half a second.
    power_cuts.when_step_begins("overlay", later=0.05)
    power_cuts.when_step_begins("overlay", later=0.2)
    power_cuts.when_step_begins("build-", later=0.3)
    power_cuts.when_step_begins("start-", later=0.3)
    return the_end(stage, "add controller001")


@pytest.fixture(scope="module")
def deployed(stage: Stage, power_cuts: PowerCuts, built_up: Card) -> Survived:
    """A deploy during which the power went six times."""
    chat, second = stage.chat, stage.app_commit("main")
    with Asking(ingress(stage), APP_HOST) as asking:
        asked(stage, DEVELOPER, f"/flstr deploy influencer@{second}")
        power_cuts.when(lambda: len(chat.cards()) > 1, "the card")
        posted = chat.cards()[-1]
        power_cuts.when_step_begins("build-", later=0.2)
        power_cuts.when_step_begins("start-", later=0.4)
        power_cuts.when_step_begins("route-", later=0.4)
        power_cuts.when_step_begins("drain-", later=0.2)
        # A stop takes a tenth of a second.
        power_cuts.when_step_begins("stop-")
        ended = the_end(stage, f"deploy influencer@{second[:8]}")
    return Survived(posted, ended, asking.tally)


@pytest.fixture(scope="module")
def removed(stage: Stage, power_cuts: PowerCuts, deployed: Survived) -> Survived:
    """A removal during which the power went seven times, before and after its approval."""
    chat, requests = stage.chat, stage.around.cloud.requests.requests
    with Asking(ingress(stage), APP_HOST) as asking:
        stage.merge("one-worker", {TWO_WORKERS: ONE_WORKER}, person="operator")
        posted = chat.await_card(lambda card: card.waits, "a card that asks for an approval")
        power_cuts.cut()
        chat.await_connected()
        chat.press(REVIEWER, posted, "approval.approve")
        power_cuts.cut()
        power_cuts.when_step_begins("start-", later=0.3)
        power_cuts.when_step_begins("drain-", later=0.3)
        power_cuts.when_step_begins("leave-overlay-", later=0.1)
        power_cuts.when_step_begins("leave-worker102", later=0.3)
        power_cuts.when(lambda: any(it.method == "DELETE" for it in requests), "the server to be given back")
        ended = the_end(stage, "destroy worker102")
    return Survived(posted, ended, asking.tally)


def test_a_build_up_goes_on_where_it_was(stage: Stage, built_up: Card) -> None:
    assert set(stage.servers()) == {"controller001", "worker101", "worker102", "ingress016"}
    assert answered(stage, "POST", "/servers", 201) == 4
    assert "first" in ask_once(ingress(stage), APP_HOST)
    assert_whole(stage, built_up, instances=2)


def test_a_deploy_goes_on_and_nobody_notices(stage: Stage, deployed: Survived) -> None:
    assert deployed.tally.failures == []
    assert deployed.tally.requests > 100
    assert ask_once(ingress(stage), APP_HOST) == f"influencer second {stage.app_commit('main')}"
    assert deployed.ended.ts == deployed.posted.ts
    assert_whole(stage, deployed.ended, instances=2)


def test_an_approved_removal_goes_on_and_nobody_notices(stage: Stage, removed: Survived) -> None:
    assert removed.tally.failures == []
    assert set(stage.servers()) == {"controller001", "worker101", "ingress016"}
    assert "worker102" not in registered(stage).hosts
    assert answered(stage, "POST", "/servers", 201) == 4
    assert "second" in ask_once(ingress(stage), APP_HOST)
    assert removed.ended.ts == removed.posted.ts
    assert_whole(stage, removed.ended, instances=2)


def test_each_operation_has_one_card_that_tells_its_end(stage: Stage, removed: Survived) -> None:
    cards = stage.chat.cards()
    assert [card.ending for card in cards] == ["done", "done", "done"]
    assert len({card.record for card in cards}) == 3
    for card in cards:
        # What the thread hears is heard once as well.
        thread = stage.chat.thread(card)
        assert len(thread) == len(set(thread))


def test_the_power_went_in_the_middle(power_cuts: PowerCuts, removed: Survived) -> None:
    assert power_cuts.count == 20
    steps = power_cuts.interrupted()
    assert steps >= {"join", "overlay", "leave-overlay-worker102", "leave-worker102", "destroy-worker102"}
    assert {step.partition("-")[0] for step in steps} >= {"create", "build", "start", "route", "drain", "stop"}


def ingress(stage: Stage) -> str:
    return Story(stage, Silent()).ingress()


def the_end(stage: Stage, title: str) -> Card:
    return stage.chat.await_card(
        lambda card: title in card.text and card.ending is not None, f"the end of '{title}'", OPERATION_SECONDS
    )


def assert_whole(stage: Stage, card: Card, instances: int) -> None:
    """Every step is done, and what is registered is what runs."""
    assert card.ending == "done"
    assert {status for _, status in card.tasks} == {"complete"}
    units = running_units(stage)
    assert units == enabled_units(stage) == registered_units(stage)
    assert sum(map(len, units.values())) == instances
    assert len(registered(stage).ports) == instances
