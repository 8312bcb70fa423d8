"""A controller that was killed while it ended its own cluster goes on with that at its next start, without any etcd."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from cli.executors import ending_note
from cli.serve import serve
from cli.settings import Settings
from tests.lab.cloud.running_cloud import TOKEN, RunningCloud


@pytest.fixture
def cloud() -> Iterator[RunningCloud]:
    cloud = RunningCloud()
    mask = os.umask(0o077)
    yield cloud
    os.umask(mask)
    cloud.stop()


def test_it_gives_back_what_is_left_and_serves_no_more(cloud: RunningCloud, tmp_path: Path) -> None:
    settings = Settings(
        cluster_repo="file:///nowhere",
        hcloud_token=SecretStr(TOKEN),
        hcloud_endpoint=cloud.url,
        state=tmp_path,
        etcd_endpoints=("http://127.0.0.1:9",),
    )
    cloud.server("controller002", labels={"cluster": "small"})
    cloud.server("stranger")
    ending_note(settings).write_text("small\n")
    assert serve(settings) == 0
    assert [server.name for server in cloud.client.servers.get_all()] == ["stranger"]
