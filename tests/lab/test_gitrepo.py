"""Repositories with the same history in every lab, and the lab's app."""

import asyncio
import http.client
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import pytest

from lab.errors import LabError
from lab.gitrepo import INFLUENCER, Commit, make_repository


def git(repository: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", f"--git-dir={repository}", *arguments], check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture(scope="module")
def influencer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The app's bare repository."""
    repository = tmp_path_factory.mktemp("git") / "influencer.git"
    asyncio.run(make_repository(repository, INFLUENCER))
    return repository


def checkout(repository: Path, revision: str, folder: Path) -> Path:
    subprocess.run(["git", "clone", "--quiet", repository, folder], check=True)
    subprocess.run(["git", "-C", folder, "checkout", "--quiet", "--detach", revision], check=True)
    return folder


def build(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["./build.sh"], cwd=folder, capture_output=True, text=True, check=False)


def test_the_hashes_are_the_same_in_every_lab(
    influencer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").write_text("[user]\nname = operator\nemail = operator@flstr.lab\n[commit]\ngpgsign = true\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "config"))
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    old_mask = os.umask(0o077)
    try:
        asyncio.run(make_repository(tmp_path / "again.git", INFLUENCER))
    finally:
        os.umask(old_mask)
    assert git(tmp_path / "again.git", "for-each-ref") == git(influencer, "for-each-ref")


def test_main_has_two_releases_and_the_second_is_tagged(influencer: Path) -> None:
    assert git(influencer, "rev-list", "--count", "main") == "2"
    assert git(influencer, "rev-parse", "v2") == git(influencer, "rev-parse", "main")
    assert git(influencer, "show", "main~1:RELEASE") == "first"
    assert git(influencer, "show", "main:RELEASE") == "second"
    assert git(influencer, "symbolic-ref", "HEAD") == "refs/heads/main"


def test_a_repository_is_made_from_a_folder(tmp_path: Path) -> None:
    (tmp_path / "folder/nodes").mkdir(parents=True)
    (tmp_path / "folder/nodes/worker.yaml").write_text("count: 2\n")
    asyncio.run(make_repository(tmp_path / "cluster.git", (Commit("First", tmp_path / "folder"),)))
    assert git(tmp_path / "cluster.git", "show", "main:nodes/worker.yaml") == "count: 2"
    assert git(tmp_path / "cluster.git", "log", "--format=%an %s", "main") == "developer First"


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"There is no folder .*/missing"):
        asyncio.run(make_repository(tmp_path / "x.git", (Commit("First", tmp_path / "missing"),)))


def test_a_build_says_what_it_does_and_writes_it_down(influencer: Path, tmp_path: Path) -> None:
    folder = checkout(influencer, "main~1", tmp_path / "app")
    built = build(folder)
    assert built.returncode == 0
    assert "Checking server.py\n" in built.stdout
    commit = git(influencer, "rev-parse", "main~1")
    assert json.loads((folder / "build-info.json").read_text()) == {"release": "first", "commit": commit}


def test_the_broken_build_fails_after_some_lines(influencer: Path, tmp_path: Path) -> None:
    built = build(checkout(influencer, "origin/broken-build", tmp_path / "app"))
    assert built.returncode == 3
    assert "Checking server.py" in built.stdout
    assert "is not in the dependencies" in built.stderr


@contextmanager
def serving(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], http.client.HTTPConnection]]:
    """The app as run.sh starts it, with a connection to it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {**os.environ, "HOST": "127.0.0.1", "PORT": str(port)}
    app = subprocess.Popen(["./run.sh"], cwd=folder, env=environment, stdout=subprocess.DEVNULL)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        while True:
            try:
                connection.connect()
                break
            except ConnectionRefusedError:
                assert app.poll() is None
                time.sleep(0.05)
        yield app, connection
    finally:
        connection.close()
        app.kill()
        app.wait()


def ask(connection: http.client.HTTPConnection, path: str) -> tuple[int, str]:
    connection.request("GET", path)
    response = connection.getresponse()
    return response.status, response.read().decode()


@pytest.mark.parametrize(("revision", "word"), [("main~1", "first"), ("main", "second")])
def test_the_app_answers_with_its_release_on_one_kept_connection(
    influencer: Path, tmp_path: Path, revision: str, word: str
) -> None:
    folder = checkout(influencer, revision, tmp_path / "app")
    build(folder)
    with serving(folder) as (_, connection):
        first_socket = connection.sock
        assert ask(connection, "/") == (200, f"influencer {word} {git(influencer, 'rev-parse', revision)}\n")
        assert ask(connection, "/health") == (200, "ok\n")
        assert ask(connection, "/nothing")[0] == 404
        assert connection.sock is first_socket


def test_the_never_healthy_branch_is_never_healthy(influencer: Path, tmp_path: Path) -> None:
    folder = checkout(influencer, "origin/never-healthy", tmp_path / "app")
    assert build(folder).returncode == 0
    with serving(folder) as (_, connection):
        assert ask(connection, "/health")[0] == 503


def test_the_app_ends_by_itself_when_it_is_asked_to(influencer: Path, tmp_path: Path) -> None:
    folder = checkout(influencer, "main", tmp_path / "app")
    build(folder)
    with serving(folder) as (app, connection):
        assert ask(connection, "/")[0] == 200
        app.send_signal(signal.SIGTERM)
        assert app.wait(timeout=15) == 0


def test_a_websocket_says_the_release_then_echoes_and_ends_in_order_with_the_app(
    influencer: Path, tmp_path: Path
) -> None:
    folder = checkout(influencer, "main", tmp_path / "app")
    build(folder)
    with serving(folder) as (app, connection):

        async def talk() -> tuple[aiohttp.WSMsgType, int]:
            async with aiohttp.ClientSession() as session, session.ws_connect(url_of(connection)) as websocket:
                assert await websocket.receive_str() == f"influencer second {git(influencer, 'rev-parse', 'main')}"
                for text in ("hello", "ä" * 300):
                    await websocket.send_str(text)
                    assert await websocket.receive_str() == text
                assert ask(connection, "/")[0] == 200
                await websocket.ping()
                app.send_signal(signal.SIGTERM)
                end = await websocket.receive()
                return end.type, end.data

        assert asyncio.run(talk()) == (aiohttp.WSMsgType.CLOSE, 1001)
        assert app.wait(timeout=15) == 0


def test_a_websocket_that_does_not_say_goodbye_does_not_hold_up_the_end_for_long(
    influencer: Path, tmp_path: Path
) -> None:
    folder = checkout(influencer, "main", tmp_path / "app")
    build(folder)
    key = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
    with serving(folder) as (app, connection):
        connection.request("GET", "/ws", headers=key)
        answer = connection.getresponse()
        assert answer.status == 101
        assert answer.getheader("Sec-WebSocket-Accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        app.send_signal(signal.SIGTERM)
        assert app.wait(timeout=15) == 0


def url_of(connection: http.client.HTTPConnection) -> str:
    return f"ws://{connection.host}:{connection.port}/ws"
