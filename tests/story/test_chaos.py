"""The flstr that leads, or the etcd that leads, is killed, stopped, cut off or slowed down in the middle of a change:
nothing is lost, nothing is done twice, and Slack is answered throughout. The table of what came of it is shown at the
end of the run (tests/conftest.py)."""

import os
from collections.abc import Callable, Iterator
from dataclasses import asdict

import pytest

from gitops.leadership import TTL_SECONDS
from model import keys
from tests.story.chaos import Change, Chaos, Fault, Target, bootstrapped, every_cell
from tests.story.chaos_table import MOST_REPEATED, PROPERTY

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def chaos() -> Iterator[Chaos]:
    with bootstrapped(f"chaos-{os.getpid()}") as chaos:
        yield chaos


def test_each_controller_listens_to_slack_by_two_connections(chaos: Chaos) -> None:
    assert chaos.listening() == {"controller001": 2, "controller002": 2, "controller003": 2}


def test_whoever_leads_does_so_for_a_short_lease(chaos: Chaos) -> None:
    # Which bounds how long nobody leads, whatever else this machine does; the cells count how many leases it took.
    assert chaos.stage.etcd_lease_seconds(keys.LEADER) == TTL_SECONDS == 5


@pytest.mark.parametrize(("fault", "target", "change"), every_cell(), ids=lambda one: one.name.replace(" ", "-"))
def test_a_change_goes_on_after_a_fault(
    chaos: Chaos, record_property: Callable[[str, object], None], fault: Fault, target: Target, change: Change
) -> None:
    cell = chaos.cell(fault, target, change)
    record_property(PROPERTY, asdict(cell))
    assert cell.amiss == ()
    assert cell.seconds is not None
    assert cell.unanswered == 0
    assert cell.most_repeated <= MOST_REPEATED
    assert cell.commands > 0
