"""Asking until an answer can be read, against servers that do everything but that."""

import itertools
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace

import pytest

from executors.transparency import fetching
from executors.transparency.fetching import Patience, fetch
from executors.transparency.source import NotAnswered, Unusable

# Long enough for a busy machine, where the answer is not to be waited for in vain.
AGAIN = Patience(attempt=20.0, first_pause=0.01, longest_pause=0.02)
ONCE = Patience(attempt=20.0, first_pause=600.0)
SHORT = Patience(attempt=0.2, first_pause=600.0)
SECONDS = 31.0
HEAD = b"HTTP/1.1 200 OK\r\n"
Answer = Callable[[socket.socket, int], None]
Serve = Callable[[Answer], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a server that does one thing with every connection, which it counts from 1; returns its address."""
    listening: list[socket.socket] = []
    stopped = threading.Event()

    def start(answer: Answer) -> str:
        server = socket.create_server(("127.0.0.1", 0))
        listening.append(server)

        def one(connection: socket.socket, number: int) -> None:
            with connection, suppress(OSError):
                connection.recv(65536)
                answer(connection, number)
                if answer is silent:
                    stopped.wait()

        def run() -> None:
            with suppress(OSError):
                for number in range(1, 1000):
                    connection, _ = server.accept()
                    threading.Thread(target=one, args=(connection, number), daemon=True).start()

        threading.Thread(target=run, daemon=True).start()
        return f"http://127.0.0.1:{server.getsockname()[1]}/"

    yield start
    stopped.set()
    for server in listening:
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        server.close()


def silent(_: socket.socket, __: int) -> None:
    """The server holds the connection then."""


def sends(*parts: bytes) -> Answer:
    def answer(connection: socket.socket, _: int) -> None:
        for part in parts:
            connection.sendall(part)

    return answer


def drips(connection: socket.socket, _: int) -> None:
    connection.sendall(HEAD + b"Content-Length: 100000\r\n\r\n")
    while True:
        connection.sendall(b"[")
        time.sleep(0.01)


def whole(body: bytes, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    head = b"\r\n".join([b"HTTP/1.1 " + status, b"Content-Length: %d" % len(body), *headers])
    return head + b"\r\n\r\n" + body


def why(url: str, parse: Callable[[bytes], object] = bytes, seconds: float = SECONDS, patience: Patience = ONCE) -> str:
    with pytest.raises(NotAnswered) as error:
        fetch(url, (), parse, seconds, patience)
    return error.value.why


def test_parameters_and_who_asks_are_sent() -> None:
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def once() -> None:
            connection, _ = server.accept()
            with connection:
                heard.append(connection.recv(65536))
                connection.sendall(whole(b"[]"))

        thread = threading.Thread(target=once)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        assert fetch(url, (("expand", "a b"), ("expand", "%")), bytes, SECONDS, ONCE) == b"[]"
        thread.join()
    assert heard[0].startswith(b"GET /?expand=a+b&expand=%25 HTTP/1.1")
    assert b"User-Agent: flstr" in heard[0]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (sends(HEAD + b"Content-Length: 100\r\n\r\n[{"), "broke off in the middle of its answer"),
        (sends(HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n[{\r\n"), "broke off in the middle of its answer"),
        (sends(whole(b"abc", b"Content-Encoding: gzip")), "broke off in the middle of its answer"),
        (sends(), "could not be reached"),
        (sends(b"220 mail.example.com\r\n"), "could not be reached"),
        (sends(whole(b"", status=b"502 Bad Gateway")), "answered 502"),
        (sends(whole(b"", b"Location: http://127.0.0.1/", status=b"302 Found")), "answered 302"),
        (sends(whole(b"", status=b"404 Not Found")), "answered 404"),
        (
            sends(whole(b"", b"Retry-After: 7", status=b"429 Too Many")),
            "answered 429, and to ask again in 7 s",
        ),
        (sends(whole(b"", b"Retry-After: soon", status=b"429 Too Many")), "answered 429"),
        (
            sends(whole(b"", b"Retry-After: Mon, 01 Jan 99999999999 00:00:00 GMT", status=b"429 Too Many")),
            "answered 429",
        ),
        (
            sends(whole(b"", b"Retry-After: 99999999999999999999", status=b"503 No")),
            r"answered 503, and to ask again in \d+ s",
        ),
    ],
)
def test_what_is_no_answer_is_said_in_a_few_words(serve: Serve, answer: Answer, expected: str) -> None:
    assert re.fullmatch(expected, why(serve(answer)))


def test_whoever_is_silent_is_not_waited_for(serve: Serve) -> None:
    assert why(serve(silent), patience=SHORT) == "was silent for 0.2 s"


def test_whoever_never_comes_to_an_end_is_not_waited_for(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    # A second passes with each look at the clock, so that the end comes between two drips, however long one takes.
    clock = SimpleNamespace(monotonic=itertools.count(0.0, 1.0).__next__, sleep=time.sleep)
    monkeypatch.setattr(fetching, "time", clock)
    assert why(serve(drips)) == "was not done within 20 s"


def test_nobody_there() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert why(f"http://127.0.0.1:{port}/") == "could not be reached"


def test_a_date_to_ask_again_is_understood(serve: Serve) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True).encode()
    said = why(serve(sends(whole(b"", b"Retry-After: " + later, status=b"429 Too Many"))))
    assert said.startswith("answered 429, and to ask again in 3")


def test_what_passes_is_asked_for_again(serve: Serve) -> None:
    def third_time(connection: socket.socket, number: int) -> None:
        connection.sendall(whole(b"[]") if number >= 3 else whole(b"", status=b"502 Bad Gateway"))

    assert fetch(serve(third_time), (), bytes, 60, AGAIN) == b"[]"


def test_an_answer_that_cannot_be_read_is_asked_for_again(serve: Serve) -> None:
    def read(body: bytes) -> bytes:
        if body != b"[]":
            raise Unusable("sent half of it")
        return body

    def second_time(connection: socket.socket, number: int) -> None:
        connection.sendall(whole(b"[]" if number >= 2 else b"["))

    assert fetch(serve(second_time), (), read, 60, AGAIN) == b"[]"
    assert why(serve(sends(whole(b"["))), read) == "sent half of it"


def test_what_does_not_pass_is_asked_for_once(serve: Serve) -> None:
    asked: list[int] = []

    def refuse(connection: socket.socket, number: int) -> None:
        asked.append(number)
        connection.sendall(whole(b"", status=b"400 Bad Request"))

    assert why(serve(refuse), patience=AGAIN) == "answered 400"
    assert asked == [1]


def test_whoever_is_to_wait_longer_than_there_is_time_does_not_wait(serve: Serve) -> None:
    asked: list[int] = []

    def refuse(connection: socket.socket, number: int) -> None:
        asked.append(number)
        connection.sendall(whole(b"", b"Retry-After: 3600", status=b"429 Too Many"))

    assert why(serve(refuse), patience=AGAIN) == "answered 429, and to ask again in 3600 s"
    assert asked == [1]


def test_too_much_is_not_read(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "MOST_BYTES", 10)
    assert why(serve(sends(whole(b"x" * 11)))) == "sent more than 0 MiB"


def test_without_time_nobody_is_asked() -> None:
    assert why("http://127.0.0.1:1/", seconds=0) == "was not asked for lack of time"
