"""One lab a module, with a flstr in it; what flstr logged is shown where a test fails."""

import os
from collections.abc import Generator, Iterator

import pytest

from lab.story.stage import Stage

LOG_CHARACTERS = 6000

_stages: list[Stage] = []


@pytest.fixture(scope="module")
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """The lab that the module's `WISHES` ask for; its flstr is not started yet."""
    with Stage(f"story-{os.getpid()}", request.module.WISHES) as stage:
        _stages.append(stage)
        yield stage
        _stages.remove(stage)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    for stage in _stages if report.failed else ():
        if stage.flstr.log.exists():
            report.sections.append(("flstr's log", stage.flstr.log.read_text()[-LOG_CHARACTERS:]))
    return report
