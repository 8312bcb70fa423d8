"""Scripts over SSH: one warm connection a machine, its host key known beforehand."""

import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

import paramiko

from executors.acknowledged import acknowledged_within
from executors.conversation import Conversation
from executors.downloading import Receiving, sending_script
from executors.knock import answer_script, knock_of, may_knock
from executors.remote import OnEnd, OnLine, Unreachable
from executors.script import FENCED_MARK, FENCED_STATUS, STATE_FOLDER, wrapped
from executors.ssh_connection import CONNECT_SECONDS, KEEPALIVE_SECONDS, connect, is_alive, reason
from executors.templates import quote
from executors.uploading import Sending, reading_first, receiving_script
from gitops.executor import Cancellation, HostFence
from model.errors import Cancelled, Fenced, StepFailed
from model.registered import HostRecord

HostLookup = Callable[[str], HostRecord | None]

HEARD_SECONDS = 2 * KEEPALIVE_SECONDS  # one keep-alive may come late
GRACE_SECONDS = 10.0  # how much longer than the remote timeout to wait for its answer
KILL_SECONDS = 5
TIMED_OUT = frozenset({124, 137})
SESSIONS = 8  # sshd's MaxSessions is 10; the others are for what is pushed, and for the watch over services
SESSION_RETRY_SECONDS = 0.02
SIDE_BY_SIDE = 32
LAST_LINES = 40
# Left to itself, bash reads a script that comes through a pipe byte by byte.
WHOLE = "bash -c 'eval \"$(cat)\"'"


@dataclass
class _Machine:
    """What is kept of a machine between two scripts."""

    connecting: threading.Lock = field(default_factory=threading.Lock)
    sessions: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(SESSIONS))
    client: paramiko.SSHClient | None = None
    made_for: tuple[str | None, str] | None = None


class Ssh:
    """`executors.remote.Remote` with paramiko. `lookup` is usually `Registry.host`."""

    def __init__(self, lookup: HostLookup, key: Path, port: int = 22, state_folder: str = STATE_FOLDER) -> None:
        self._lookup = lookup
        self._key = key
        self._port = port
        self._state_folder = state_folder
        self._machines: dict[str, _Machine] = {}
        self._lock = threading.Lock()
        # What goes wrong is raised; paramiko would print it with a traceback as well.
        logging.getLogger("paramiko").setLevel(logging.CRITICAL)

    def run(
        self,
        node: str,
        script: str,
        fence: HostFence,
        timeout: float = 60.0,
        on_line: OnLine | None = None,
        cancellation: Cancellation | None = None,
    ) -> str:
        """See `Remote.run`. Raises `Unreachable` where the script did not start, `Fenced` on a newer token."""
        machine = self._machine(node)
        hear = on_line or _nobody
        if may_knock(script):
            hear = self._knocking(node, fence, hear)
        waiting = cancellation or Cancellation()
        with machine.sessions, self._session(node, machine) as channel, waiting.ending(channel.close):
            try:
                return _Run(node, channel, hear).carry_out(wrapped(script, fence, self._state_folder), timeout)
            except StepFailed as error:
                if waiting.cancelled:
                    raise Cancelled(f"{node}: given up, since its end is not wanted any more", error.output) from error
                raise

    def run_all(
        self,
        scripts: Mapping[str, str],
        fence: HostFence,
        timeout: float = 60.0,
        cancellation: Cancellation | None = None,
        on_end: OnEnd | None = None,
    ) -> dict[str, str | StepFailed]:
        """See `Remote.run_all`."""
        if not scripts:
            return {}

        def one(node: str) -> str | StepFailed:
            try:
                return self.run(node, scripts[node], fence, timeout, cancellation=cancellation)
            except StepFailed as error:
                return error
            finally:
                (on_end or _nobody)(node)

        with ThreadPoolExecutor(min(len(scripts), SIDE_BY_SIDE), thread_name_prefix="ssh") as pool:
            return dict(zip(scripts, pool.map(one, scripts), strict=True))

    def upload(
        self,
        node: str,
        file: Path,
        to: str,
        fence: HostFence,
        timeout: float = 600.0,
        on_line: OnLine | None = None,
    ) -> None:
        """See `FileRemote.upload`."""
        machine = self._machine(node)
        script = wrapped(receiving_script(file, to), fence, self._state_folder)
        with machine.sessions, self._session(node, machine) as channel, file.open("rb") as content:
            sending = Sending(channel, content, on_line or _nobody)
            _Run(node, channel, sending.hear).carry_out(script, timeout, reading_first(script), ends=False)

    def download(
        self,
        node: str,
        path: str,
        to: Path,
        fence: HostFence,
        timeout: float = 600.0,
        on_line: OnLine | None = None,
    ) -> None:
        """See `FetchingRemote.download`."""
        machine = self._machine(node)
        script = wrapped(sending_script(path), fence, self._state_folder)
        receiving = Receiving(node, to, on_line or _nobody)
        with machine.sessions, self._session(node, machine) as channel:
            _Run(node, channel, _nobody, receiving.take).carry_out(script, timeout)
        receiving.check()

    def talk(self, node: str, command: str) -> Conversation:
        """Start a program that answers line by line, beside the scripts. Raises `Unreachable`."""
        channel = self._channel(node, self._machine(node))
        try:
            channel.exec_command(command)
        except (paramiko.SSHException, OSError, EOFError) as error:
            channel.close()
            raise Unreachable(f"{node}: no program could be started ({reason(error)})") from error
        return Conversation(node, channel)

    def forward(self, node: str, address: str, port: int) -> paramiko.Channel:
        """A connection to a port that the machine reaches. Raises `Unreachable`."""
        transport = self._client(node, self._machine(node)).get_transport()
        if transport is None:
            raise Unreachable(f"{node}: the SSH connection was closed as soon as it was made")
        try:
            return transport.open_channel("direct-tcpip", (address, port), ("127.0.0.1", 0), timeout=CONNECT_SECONDS)
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise Unreachable(f"{node}: nothing answers it at {address} port {port} ({reason(error)})") from error

    def answers(self, node: str) -> bool:
        """Whether a machine acknowledges what its warm connection sends, or lets flstr in where there is none.

        A new connection stays warm. A machine whose kernel answers counts, whatever its programs do. Raises
        `Refused` where the lookup does.
        """
        try:
            client = self._client(node, self._machine(node))
        except StepFailed:
            return False
        transport = client.get_transport()
        return transport is not None and acknowledged_within(transport.sock, HEARD_SECONDS)

    def forget(self, node: str) -> None:
        """Let go of a machine that is no more."""
        with self._lock:
            machine = self._machines.pop(node, None)
        if machine is not None and machine.client is not None:
            machine.client.close()

    def close(self) -> None:
        """Let go of every connection."""
        for node in list(self._machines):
            self.forget(node)

    def _knocking(self, node: str, fence: HostFence, on_line: OnLine) -> OnLine:
        """Hears a knock among the lines, once a run: a script has one firewall."""
        knocks = iter(range(1))

        def hear(line: str) -> None:
            knock = knock_of(line)
            if knock is None:
                on_line(line)
            elif next(knocks, None) is not None:
                answering = threading.Thread(target=self._come_in, args=(node, fence, knock), daemon=True)
                answering.start()

        return hear

    def _come_in(self, node: str, fence: HostFence, knock: str) -> None:
        record = self._lookup(node)
        if record is None or record.ip is None:
            return
        # Where nobody gets in, the machine takes its old firewall back, and the script says so.
        with (
            contextlib.suppress(StepFailed, Fenced, paramiko.SSHException, OSError, EOFError),
            contextlib.closing(connect(node, record.ip, record.host_key, self._key, self._port)) as client,
        ):
            transport = client.get_transport()
            if transport is not None:
                channel = transport.open_session(timeout=CONNECT_SECONDS)
                _Run(node, channel, _nobody).carry_out(
                    wrapped(answer_script(knock), fence, self._state_folder), CONNECT_SECONDS
                )

    def _machine(self, node: str) -> _Machine:
        with self._lock:
            return self._machines.setdefault(node, _Machine())

    @contextlib.contextmanager
    def _session(self, node: str, machine: _Machine) -> Iterator[paramiko.Channel]:
        with self._channel(node, machine) as channel:
            yield channel

    def _channel(self, node: str, machine: _Machine) -> paramiko.Channel:
        """A channel on the warm connection; one that turns out dead is made anew, once."""
        channel = self._open(node, machine) or self._open(node, machine)
        if channel is None:
            raise Unreachable(f"{node}: the SSH connection was closed as soon as it was made")
        return channel

    def _open(self, node: str, machine: _Machine) -> paramiko.Channel | None:
        client = self._client(node, machine)
        transport = client.get_transport()
        deadline = time.monotonic() + CONNECT_SECONDS
        while transport is not None and transport.is_active():
            asked = time.monotonic()
            try:
                return transport.open_session(timeout=CONNECT_SECONDS)
            except (paramiko.SSHException, OSError, EOFError) as error:
                now = time.monotonic()
                if now - asked >= CONNECT_SECONDS:
                    break
                # sshd counts a session for a moment longer than it lasts, and refuses one too many. The connection
                # is good then, and other scripts run on it.
                if now > deadline and transport.is_active():
                    raise Unreachable(f"{node}: sshd opens no more sessions ({reason(error)})") from error
                time.sleep(SESSION_RETRY_SECONDS)
        client.close()
        return None

    def _client(self, node: str, machine: _Machine) -> paramiko.SSHClient:
        record = self._lookup(node)
        if record is None or record.ip is None:
            raise Unreachable(f"{node}: no address is registered for it")
        wanted = (record.ip, record.host_key)
        with machine.connecting:
            if machine.client is not None and (machine.made_for != wanted or not is_alive(machine.client)):
                machine.client.close()
                machine.client = None
            if machine.client is None:
                machine.client = connect(node, record.ip, record.host_key, self._key, self._port)
                machine.made_for = wanted
            return machine.client


class _Run:
    """One script on its way: what it printed so far, unless somebody else `takes` its standard output."""

    def __init__(
        self, node: str, channel: paramiko.Channel, on_line: OnLine, takes: Callable[[BinaryIO], None] | None = None
    ) -> None:
        self._node = node
        self._channel = channel
        self._on_line = on_line
        self._takes = takes
        self._hearing = threading.Lock()
        self._output: list[str] = []
        self._last: deque[str] = deque(maxlen=LAST_LINES)
        self._last_error = ""

    def carry_out(self, script: str, timeout: float, command: str = WHOLE, *, ends: bool = True) -> str:
        """Standard input ends with the script, unless more is to come."""
        self._channel.settimeout(timeout + GRACE_SECONDS)
        errors = threading.Thread(target=self._hear_errors, name=f"ssh {self._node}", daemon=True)
        try:
            self._channel.exec_command(f"exec timeout --kill-after={KILL_SECONDS} {quote(timeout)} {command}")
            errors.start()
            self._channel.sendall(script.encode())
            if ends:
                self._channel.shutdown_write()
            self._hear_output()
            status = self._status(timeout)
        except TimeoutError as error:
            raise self._failed(f"nothing was heard for {timeout + GRACE_SECONDS:.0f} s") from error
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise self._failed("the connection broke in the middle of a script") from error
        errors.join(GRACE_SECONDS)
        self._judge(status, timeout)
        return "".join(self._output)

    def _hear_output(self) -> None:
        if self._takes is not None:
            with self._channel.makefile("rb", -1) as stream:
                self._takes(cast("BinaryIO", stream))
            return
        with self._channel.makefile("r", -1) as stdout:
            for line in stdout:
                self._output.append(line)
                self._hear(line)

    def _status(self, timeout: float) -> int:
        if not self._channel.status_event.wait(timeout + GRACE_SECONDS):
            raise TimeoutError
        if self._channel.exit_status < 0:
            raise EOFError
        return self._channel.exit_status

    def _judge(self, status: int, timeout: float) -> None:
        if status == 0:
            return
        if status == FENCED_STATUS and self._last_error.startswith(FENCED_MARK):
            raise Fenced(f"{self._node}: {self._last_error.removeprefix(FENCED_MARK)}")
        if status in TIMED_OUT:
            raise self._failed(f"the script was not done after {timeout:.0f} s and was stopped")
        raise self._failed(self._last_error or f"the script ended with status {status}", status)

    def _hear_errors(self) -> None:
        with contextlib.suppress(OSError, EOFError), self._channel.makefile_stderr("r", -1) as stderr:
            for line in stderr:
                self._hear(line)
                self._last_error = line.strip() or self._last_error

    def _hear(self, line: str) -> None:
        with self._hearing:
            self._last.append(line.rstrip("\n"))
            self._on_line(line.rstrip("\n"))

    def _failed(self, what: str, status: int | None = None) -> StepFailed:
        return StepFailed(f"{self._node}: {what}", "\n".join(self._last), status)


def _nobody(line: str) -> None:
    del line
