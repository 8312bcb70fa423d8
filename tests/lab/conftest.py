"""A running lab for the tests that need real hosts."""

import asyncio
import os
from collections.abc import Iterator

import pytest

from lab.image import ensure_image
from lab.lab import Lab, lab_folders
from lab.naming import LabFolders
from lab.preconditions import why_no_lab


@pytest.fixture(scope="session")
def folders() -> LabFolders:
    """The state root with the host image built; skips where no lab can run."""
    if (reason := why_no_lab()) is not None:
        pytest.skip(reason)
    ensure_image(lab_folders())
    return lab_folders()


@pytest.fixture(scope="session")
def lab_name() -> str:
    """A name that no other test run on this machine uses at the same time."""
    return f"test-{os.getpid()}"


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    """The event loop that a lab lives in."""
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def lab(runner: asyncio.Runner, folders: LabFolders, lab_name: str) -> Iterator[Lab]:
    """A lab without hosts."""
    lab = runner.run(Lab.up(lab_name, folders))
    yield lab
    runner.run(lab.down())
