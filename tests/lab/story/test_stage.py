"""The stage of the story is taken down whenever somebody wants to leave."""

import _thread
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from lab.lab import lab_folders
from lab.naming import LabNames
from lab.story.stage import Stage
from lab.surroundings import Surroundings
from tests.lab.traces import traces_of

pytestmark = pytest.mark.hosts

NAME = f"stage-{os.getpid()}"


@pytest.fixture(autouse=True)
def interruptible() -> Iterator[None]:
    """Whoever runs the tests may have had them ignore Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_an_interrupt_just_when_it_has_come_to_stand_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    stood: list[Surroundings] = []
    stand_up = Surroundings.up

    async def and_interrupt(*arguments: Any) -> Surroundings:
        stood.append(await stand_up(*arguments))
        _thread.interrupt_main()
        return stood[0]

    monkeypatch.setattr(Surroundings, "up", and_interrupt)
    with pytest.raises(KeyboardInterrupt):
        Stage(NAME)
    names = stood[0].lab.network.names
    assert traces_of(LabNames(NAME, names.number).group, names.number, lab_folders().lab(NAME)) == []
