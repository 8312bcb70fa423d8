"""Somebody who asks flstr something once a second, whatever happens, and repeats what Slack says was not heard."""

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import requests

from lab.story.chat import CHANNEL, REVIEWER

_AT_ONCE = 16
_SLACK_SECONDS = 30
_REPEATS = 10


@dataclass(frozen=True)
class _Asked:
    """A command: when it was first typed, how often it was repeated, and whether somebody has taken it at last."""

    typed: float
    repeated: int
    heard: bool


class Ticking:
    """`with Ticking(…)` around what happens; afterwards it is known who was answered.

    The person must ask nothing else meanwhile: answers are told apart by whom they are for, and counted. What was not
    heard is typed again after a pause, ten times at most.
    """

    def __init__(
        self,
        slack_url: str,
        text: str = "/flstr status",
        person: str = REVIEWER,
        every: float = 1.0,
        pause: float = 1.0,
    ) -> None:
        self._url = slack_url
        self._line = {"person": person, "channel": CHANNEL, "text": text}
        self._person = person
        self._every, self._pause = every, pause
        self._before = len(self._answers())
        self._ended = threading.Event()
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="ticking")
        self._asked: list[Future[_Asked]] = []
        # When each command was typed that somebody has taken, and when that was known.
        self._taken: list[tuple[float, float]] = []
        self._thread = threading.Thread(target=self._tick, name="ticking", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        self._pool.shutdown()

    @property
    def commands(self) -> int:
        """How many there were, repetitions not counted."""
        return len(self._asked)

    @property
    def repeated(self) -> int:
        """How often one had to be repeated."""
        return sum(asked.result().repeated for asked in self._asked)

    @property
    def most_repeated(self) -> int:
        """How often the one had to be repeated that was repeated most."""
        return max((asked.result().repeated for asked in self._asked), default=0)

    def unanswered(self, seconds: float = 20.0) -> int:
        """How many have no answer after a while: nobody took them, or what was taken was forgotten."""
        heard = sum(asked.result().heard for asked in self._asked)
        deadline = time.monotonic() + seconds
        while (missing := heard - (len(self._answers()) - self._before)) > 0 and time.monotonic() < deadline:
            time.sleep(0.1)
        return max(0, missing) + self.commands - heard

    def slowest(self) -> float:
        """The longest time from the first typing of a command to its answer, of those that were answered.

        An answer does not say to which command. They are taken in order, so somebody has waited at least so long.
        """
        typed = sorted(asked.result().typed for asked in self._asked if asked.result().heard)
        answers = sorted(at for at, _ in self._answers()[self._before :])
        return max((answer - first for first, answer in zip(typed, answers, strict=False)), default=0.0)

    def first_answer(self, moment: float) -> float | None:
        """When an answer came to what was typed after a moment, or to something later; None where none has come."""
        taken = [acknowledged for typed, acknowledged in [*self._taken] if typed > moment]
        answers = [at for at, _ in self._answers()[self._before :]]
        return min((at for at in answers if taken and at >= min(taken)), default=None)

    def _tick(self) -> None:
        while not self._ended.wait(self._every):
            self._asked.append(self._pool.submit(self._ask))

    def _ask(self) -> _Asked:
        first = time.time()
        for repeated in range(_REPEATS):
            typed = time.time()
            answer = requests.post(f"{self._url}/lab/command", json=self._line, timeout=_SLACK_SECONDS)
            if answer.ok and answer.json()["acknowledged"]:
                self._taken.append((typed, time.time()))
                return _Asked(first, repeated, heard=True)
            time.sleep(self._pause)
        return _Asked(first, _REPEATS, heard=False)

    def _answers(self) -> list[tuple[float, str]]:
        """When each came, and what it says."""
        messages = requests.get(f"{self._url}/lab/messages", params={"channel": CHANNEL}, timeout=_SLACK_SECONDS)
        told = [it for it in messages.json()["messages"] if it["ephemeral_to"] == self._person and it.get("bot_id")]
        return [(float(it["ts"]), it["text"]) for it in told if not it["text"].startswith(":hourglass")]
