from collections.abc import Iterator

import pytest

from lab.ct.authority import Authority
from tests.lab.ct.running_ct import RunningCt


@pytest.fixture
def ct() -> Iterator[RunningCt]:
    running = RunningCt()
    yield running
    running.stop()


@pytest.fixture
def authority() -> Authority:
    return Authority("Let's Encrypt", "R11")
