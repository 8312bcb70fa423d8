import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.lab.cloud.running_cloud import TOKEN, AnyClient, RunningCloud

Hcloud = Callable[..., str]


@pytest.fixture
def cloud() -> Iterator[RunningCloud]:
    cloud = RunningCloud()
    yield cloud
    cloud.stop()


@pytest.fixture
def client(cloud: RunningCloud) -> AnyClient:
    return cloud.client


@pytest.fixture
def hcloud(cloud: RunningCloud, tmp_path: Path) -> Hcloud:
    """Debian's `hcloud` command: returns what it printed."""
    program = shutil.which("hcloud")
    if program is None:
        pytest.skip("the hcloud command is not installed (Debian package hcloud-cli)")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HCLOUD_")}
    environment |= {"HCLOUD_ENDPOINT": cloud.url, "HCLOUD_TOKEN": TOKEN, "HOME": str(tmp_path)}

    def run(*arguments: str) -> str:
        result = subprocess.run(
            [program, "--poll-interval", "20ms", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        assert result.returncode == 0, result.stderr
        return result.stdout

    return run
