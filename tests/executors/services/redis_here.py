"""Three machines with a Redis each: processes on loopback, set up as the role does, and scripts run by bash here."""

import grp
import os
import pwd
import queue
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from executors.remote import OnLine, Unreachable
from executors.script import wrapped
from executors.services.redis_files import RedisFiles
from gitops.executor import Cancellation, HostFence
from model.errors import StepFailed
from tests.executors.one_by_one import OneByOne
from tests.ports import free_port

SERVICE = "cache"
NODES = {"service101": "127.0.0.1", "service102": "127.0.0.2", "service103": "127.0.0.3"}
PASSWORD, ADMIN = "p" * 32, "a" * 32
SECONDS = 60.0
# What of a script stands for the machine that it runs on.
HERE = "/flstr-test-machine"


def eventually(comes_true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not comes_true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


class RedisHere(OneByOne):
    """The machines; those in `dead` are not reached by flstr, and those in `hanging` not before `let_go`."""

    def __init__(self, folder: Path) -> None:
        for program in ("redis-server", "redis-cli"):
            if shutil.which(program) is None:
                pytest.skip("needs Debian's redis-server and redis-tools")
        self.folder = folder
        self.port = free_port()
        self.dead: set[str] = set()
        self.hanging: set[str] = set()
        self.let_go = threading.Event()
        self.ran: list[tuple[str, str]] = []
        # Scripts with these words are done, and their end is not heard.
        self.cut_off = ""
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        owner = f"{pwd.getpwuid(os.getuid()).pw_name}:{grp.getgrgid(os.getgid()).gr_name}"
        self.files = RedisFiles(f"{HERE}/ask", f"{HERE}/leader.conf", owner)
        for node, address in NODES.items():
            self._set_up(node, address)

    def start(self, node: str) -> None:
        """Have the Redis of a machine run, with whatever its file says of whom it follows."""
        self._processes[node] = subprocess.Popen(
            ["redis-server", str(self.folder / node / "redis.conf")], stdout=subprocess.DEVNULL
        )
        eventually(lambda: self.cli(node, "PING") == "PONG")

    def kill(self, node: str) -> None:
        """End it as a lost machine does."""
        self._processes[node].kill()
        self._processes.pop(node).wait()

    def stop(self) -> None:
        for node in [*self._processes]:
            self.kill(node)

    def ask(self, node: str, *words: str) -> str:
        """What the Redis of a machine answers to flstr's own user."""
        return subprocess.run(
            [self.folder / node / "ask", *words], capture_output=True, text=True, check=False
        ).stdout.strip()

    def cli(self, node: str, *words: str) -> str:
        """What it answers to an app."""
        line = ["redis-cli", "-h", NODES[node], "-p", str(self.port), "-a", PASSWORD, "--no-auth-warning", *words]
        return subprocess.run(line, capture_output=True, text=True, check=False).stdout.strip()

    def role(self, node: str) -> list[str]:
        """`master`, or `slave` with the address that it follows and how the link is; one that starts says neither."""
        words = self.ask(node, "ROLE").splitlines()
        return [words[0], words[1], words[3]] if words[:1] == ["slave"] else words[:1]

    def leader_file(self, node: str) -> str:
        return (self.folder / node / "leader.conf").read_text()

    def run(
        self,
        node: str,
        script: str,
        fence: HostFence,
        timeout: float = 60.0,
        on_line: OnLine | None = None,
        cancellation: Cancellation | None = None,
    ) -> str:
        del on_line, cancellation
        if node in self.dead:
            raise Unreachable(f"{node}: no SSH connection")
        if node in self.hanging:
            assert self.let_go.wait(SECONDS)
            raise StepFailed(f"{node}: the connection broke")
        self.ran.append((node, script))
        here = str(self.folder / node)
        whole = wrapped(script.replace(HERE, here), fence, f"{here}/state")
        done = subprocess.run(
            ["bash", "-s"], input=whole, capture_output=True, text=True, timeout=timeout, check=False,
            env={**os.environ, "PATH": os.environ["PATH"]},
        )  # fmt: skip
        if done.returncode:
            raise StepFailed(f"{node}: {done.stderr.strip()}")
        if self.cut_off and self.cut_off in script:
            raise StepFailed(f"{node}: the connection broke in the middle of a script")
        return done.stdout

    def talk(self, node: str, command: str) -> "TalkHere":
        if node in self.dead:
            raise Unreachable(f"{node}: no SSH connection")
        return TalkHere(self, node, command)

    def _set_up(self, node: str, address: str) -> None:
        here = self.folder / node
        (here / "data").mkdir(parents=True)
        users = [
            f"user default on >{PASSWORD} ~* &* +@all -@admin -@dangerous +info +role",
            f"user flstr-admin on >{ADMIN} resetkeys resetchannels -@all +@admin +@connection +dbsize +info +wait",
            f"user flstr-replica on >{ADMIN} resetkeys resetchannels -@all +ping +psync +replconf",
        ]
        (here / "users.acl").write_text("\n".join(users) + "\n")
        (here / "leader.conf").write_text("")
        (here / "redis.conf").write_text(
            f"bind {address}\nbind-source-addr {address}\nport {self.port}\nprotected-mode no\naclfile {here}/users.acl\n"
            f"dir {here}/data\nmasteruser flstr-replica\nmasterauth {ADMIN}\nreplica-announce-ip {address}\n"
            f"replica-announce-port {self.port}\nrepl-timeout 15\nrepl-ping-replica-period 1\nrepl-diskless-sync yes\n"
            f"repl-diskless-sync-delay 0\nlogfile {here}/log\ninclude {here}/leader.conf\n"
        )
        ask = here / "ask"
        # Scripts have a path of their own, in which the programs of a test may not be.
        ask.write_text(
            f"#!/bin/sh\nREDISCLI_AUTH={ADMIN}\nexport REDISCLI_AUTH\n"
            f'exec {shutil.which("redis-cli")} -e -h {address} -p {self.port} --user flstr-admin "$@"\n'
        )
        ask.chmod(0o700)


class TalkHere:
    """A program that answers line by line, as a conversation over SSH does."""

    def __init__(self, machines: RedisHere, node: str, command: str) -> None:
        self._machines = machines
        self._node = node
        self._process = subprocess.Popen(
            ["sh", "-c", command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._answers = queue.SimpleQueue[str]()
        threading.Thread(target=self._read, daemon=True).start()

    def ask(self, line: str, within: float) -> str:
        if self._node in self._machines.dead:
            raise StepFailed(f"{self._node}: the connection broke")
        assert self._process.stdin is not None
        self._process.stdin.write(line.replace(HERE, str(self._machines.folder / self._node)) + "\n")
        self._process.stdin.flush()
        return self._answers.get(timeout=within)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._answers.put(line)
