"""A person at the lab's Slack: types, clicks and reads, through the control API that the page uses as well."""

import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import requests

from lab.errors import LabError

T = TypeVar("T")

CHANNEL = "C01FLSTR"
OPERATOR, DEVELOPER, REVIEWER, GUEST = "U01OPERATOR", "U02DEVELOPER", "U03REVIEWER", "U04GUEST"
PEOPLE = {OPERATOR: "operator", DEVELOPER: "developer", REVIEWER: "reviewer", GUEST: "guest"}

# The button, and the one of a card that destroys machines.
APPROVE, APPROVE_BY_NAME = "approval.approve", "approval.name"

# Only there to end what hangs.
_ANSWER_SECONDS = 60.0
_HTTP_SECONDS = 60.0
_ENDED = re.compile(r": (done|failed|denied|expired|void)\b")
_OPERATION = re.compile(r"[0-9a-f]+")


@dataclass(frozen=True)
class Card:
    """A card in the channel as a reader sees it; `tasks` are (title, status) pairs."""

    ts: str
    record: str
    text: str
    sections: tuple[str, ...]
    tasks: tuple[tuple[str, str], ...]
    buttons: tuple[tuple[str, str], ...]

    @property
    def ending(self) -> str | None:
        """done, failed, denied, expired or void; None while it goes on."""
        found = _ENDED.search(self.text)
        return found[1] if found else None

    @property
    def waits(self) -> bool:
        """Whether it asks for an approval."""
        return bool(self.buttons)


@dataclass(frozen=True)
class PostedFile:
    """A file in the channel; `alt` is what it shows, for those who cannot see it."""

    title: str
    mimetype: str
    alt: str
    url: str


class Chat:
    """The workspace, seen from `#flstr`."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.trust_env = False

    def command(self, person: str, text: str) -> str:
        """Type a command; the last thing that person is told of it."""
        before = {message["ts"] for message in self._ephemeral(person)}
        answer = self._post("command", person=person, channel=CHANNEL, text=text)
        if not answer["acknowledged"]:
            raise LabError(f"flstr did not acknowledge {text!r}: {answer['error']}")
        told = (answer.get("response") or {}).get("text", "")
        if told and not told.startswith(":hourglass"):
            return str(told)
        return self._await(lambda: self._told(person, before), f"an answer to {text!r}")

    def click(self, person: str, card: Card, action: str) -> str:
        """Click a button of a card; what that person is told of it. Names that are asked for are typed."""
        before = {message["ts"] for message in self._ephemeral(person)}
        self.press(person, card, action)
        return self._await(lambda: self._told(person, before), f"an answer to the click on {action}")

    def press(self, person: str, card: Card, action: str) -> None:
        """Click, and wait for no answer."""
        buttons = dict(card.buttons)
        if action == APPROVE and action not in buttons:
            _, *names = buttons[APPROVE_BY_NAME].split()
            window, typed = self.open(person, card), " ".join(names)
            self._await(lambda: self._submitted(person, window, typed), "the names to be taken")
            return
        self._click(person, card, action)

    def open(self, person: str, card: Card) -> dict[str, Any]:
        """Press Approve where machines are destroyed; the window that opens."""
        known = {view["id"] for view in self._modals(person)}
        self._click(person, card, APPROVE_BY_NAME)

        def opened() -> dict[str, Any] | None:
            return next((view for view in self._modals(person) if view["id"] not in known), None)

        return self._await(opened, "a window that asks for names")

    def submit(self, person: str, window: dict[str, Any], names: str) -> dict[str, str]:
        """Type names into a window and submit it; what is wrong, by input."""
        answer = self._post("submit", person=person, view_id=window["id"], values={"names": names})
        return dict(answer["errors"])

    def _submitted(self, person: str, window: dict[str, Any], names: str) -> bool | None:
        """Whether it was taken; a busy flstr may say that it was not."""
        answer = self._post("submit", person=person, view_id=window["id"], values={"names": names})
        return (answer["acknowledged"] and not answer["errors"]) or None

    def _click(self, person: str, card: Card, action: str) -> None:
        """Click until that is acknowledged, as a person does who sees a warning sign at the button."""
        click = {"channel": CHANNEL, "ts": card.ts, "action_id": action, "value": dict(card.buttons)[action]}
        self._await(
            lambda: self._post("click", person=person, **click)["acknowledged"] or None, f"the click on {action}"
        )

    def cards(self) -> list[Card]:
        """Every operation's card, oldest first."""
        messages = self._get(channel=CHANNEL)
        return [_card(message) for message in messages if _is_card(message)]

    def said(self) -> list[str]:
        """What everybody in the channel can read, oldest first, threads included."""
        return [message["text"] for message in self._get(channel=CHANNEL) if message["ephemeral_to"] is None]

    def blocks(self, card: Card) -> list[dict[str, Any]]:
        """What a card is made of."""
        (message,) = (message for message in self._get(channel=CHANNEL) if message["ts"] == card.ts)
        return list(message["blocks"])

    def await_said(self, beginning: str, seconds: float = _ANSWER_SECONDS) -> str:
        """The newest thing said to everybody that begins so."""
        return self._await(
            lambda: next((text for text in reversed(self.said()) if text.startswith(beginning)), None),
            f"somebody to say '{beginning}'",
            seconds,
        )

    def files(self) -> list[PostedFile]:
        """Every file that was posted in the channel, oldest first."""
        files = [file for message in self._get(channel=CHANNEL) for file in message.get("files") or ()]
        return [PostedFile(file["title"], file["mimetype"], file["alt_txt"], file["url_private"]) for file in files]

    def await_file(self, known: int, seconds: float = _ANSWER_SECONDS) -> PostedFile:
        """The first file after so many `known` ones."""
        return self._await(lambda: next(iter(self.files()[known:]), None), "a file to be posted", seconds)

    def download(self, file: PostedFile) -> bytes:
        """What is in a file."""
        answer = self._session.get(file.url, timeout=_HTTP_SECONDS)
        answer.raise_for_status()
        return answer.content

    def await_answer(self, person: str, text: str, wanted: str, seconds: float = _ANSWER_SECONDS) -> str:
        """Repeat a command until `wanted` is in its answer; where there is none, it is not there yet."""

        def ask() -> str | None:
            try:
                answer = self.command(person, text)
            except LabError:
                return None
            return answer if wanted in answer else None

        return self._await(ask, f"'{wanted}' in an answer to {text!r}", seconds)

    def await_thread(self, card: Card, wanted: str, seconds: float = _ANSWER_SECONDS) -> list[str]:
        """What stands under a card, once `wanted` is part of it."""

        def read() -> list[str] | None:
            thread = self.thread(card)
            return thread if wanted in "\n".join(thread) else None

        return self._await(read, f"'{wanted}' under '{card.text}'", seconds)

    def thread(self, card: Card) -> list[str]:
        """What stands under a card."""
        replies = self._get(channel=CHANNEL, thread_ts=card.ts)
        return [message["text"] + _block_text(message) for message in replies if message["ts"] != card.ts]

    def await_card(self, wanted: Callable[[Card], bool], what: str, seconds: float = _ANSWER_SECONDS) -> Card:
        """The first card that is as wanted."""
        return self._await(lambda: next((card for card in self.cards() if wanted(card)), None), what, seconds)

    def await_connected(self, seconds: float = _ANSWER_SECONDS) -> None:
        """Wait until an app listens."""
        self._await(lambda: True if self.connected() else None, "flstr to connect", seconds)

    def connected(self) -> bool:
        """Whether an app listens."""
        answer = self._session.get(f"{self._url}/lab/workspace", timeout=_HTTP_SECONDS).json()
        return bool(answer["connections"])

    def connections(self) -> Counter[str]:
        """How many connections apps have from each address, without those that were told to go."""
        answer = self._session.get(f"{self._url}/lab/connections", timeout=_HTTP_SECONDS).json()
        return Counter(it["from"] for it in answer["connections"] if not it["retiring"])

    def _modals(self, person: str) -> list[dict[str, Any]]:
        answer = self._session.get(f"{self._url}/lab/views", params={"person": person}, timeout=_HTTP_SECONDS)
        return list(answer.json()["modals"])

    def _told(self, person: str, before: set[str]) -> str | None:
        new = [message for message in self._ephemeral(person) if message["ts"] not in before]
        told = [message["text"] for message in new if not message["text"].startswith(":hourglass")]
        return str(told[-1]) if told else None

    def _ephemeral(self, person: str) -> list[dict[str, Any]]:
        return [message for message in self._get(channel=CHANNEL) if message["ephemeral_to"] == person]

    def _await(self, look: Callable[[], T | None], what: str, seconds: float = _ANSWER_SECONDS) -> T:
        deadline = time.monotonic() + seconds
        while True:
            found = look()
            if found is not None:
                return found
            if time.monotonic() > deadline:
                raise LabError(f"waited {seconds:.0f} s for {what}; the channel says: {self.said()[-3:]}")
            time.sleep(0.1)

    def _get(self, **query: str) -> list[dict[str, Any]]:
        answer = self._session.get(f"{self._url}/lab/messages", params=query, timeout=_HTTP_SECONDS)
        return list(answer.json()["messages"])

    def _post(self, what: str, **body: object) -> dict[str, Any]:
        answer = self._session.post(f"{self._url}/lab/{what}", json=body, timeout=_HTTP_SECONDS)
        if not answer.ok:
            raise LabError(f"Slack refused {what}: {answer.json().get('error')}")
        return dict(answer.json())


def _is_card(message: dict[str, Any]) -> bool:
    metadata = message.get("metadata", {})
    record = metadata.get("event_payload", {}).get("record", "")
    return metadata.get("event_type") == "flstr_card" and _OPERATION.fullmatch(record) is not None


def _card(message: dict[str, Any]) -> Card:
    blocks = message.get("blocks", [])
    tasks = [task for block in blocks if block["type"] == "plan" for task in block.get("tasks", [])]
    elements = [item for block in blocks if block["type"] == "actions" for item in block["elements"]]
    return Card(
        ts=message["ts"],
        record=message["metadata"]["event_payload"]["record"],
        text=message["text"],
        sections=tuple(block["text"]["text"] for block in blocks if block["type"] == "section"),
        tasks=tuple((task["title"], task["status"]) for task in tasks),
        buttons=tuple((item["action_id"], item.get("value", "")) for item in elements),
    )


def _block_text(message: dict[str, Any]) -> str:
    texts = [block.get("text", {}).get("text", "") for block in message.get("blocks", []) if "text" in block]
    return "\n" + "\n".join(texts) if texts else ""
