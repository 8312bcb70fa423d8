"""An outbox with a clock that a test turns, and a Slack that writes down what it is asked."""

from typing import Any, cast

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.channels import Channels
from bot.delivery import Delivery, Letter
from bot.message import Message
from bot.news import News
from bot.outbox import Outbox
from bot.pace import Rank
from bot.shown import Cards
from gitops.store import Store

CHANNEL = "C01FLSTR"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Answer(dict[str, Any]):
    """An error as slack-sdk hands it over."""

    def __init__(self, error: str, status: int = 200, retry_after: str | None = None) -> None:
        super().__init__(ok=False, error=error)
        self.status_code = status
        self.headers = {} if retry_after is None else {"Retry-After": retry_after}


def api_error(error: str, status: int = 200, retry_after: str | None = None) -> SlackApiError:
    return SlackApiError(error, Answer(error, status, retry_after))  # type: ignore[no-untyped-call]


class Slack:
    """Keeps messages; `faults` are raised by the next calls of a method, `after` once the call was carried out."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.messages: dict[str, dict[str, Any]] = {}
        self.calls: list[tuple[str, float]] = []
        self.faults: dict[str, list[Exception]] = {}
        self.faults_after: dict[str, list[Exception]] = {}
        self.refuses_plans = False
        self.homes: list[tuple[str, Any]] = []
        self.posted = 0

    def conversations_list(self, **_asked: Any) -> dict[str, Any]:
        self._called("conversations.list")
        return {
            "channels": [{"name": "flstr", "id": CHANNEL}, {"name": "ops", "id": "C02OPS"}],
            "response_metadata": {"next_cursor": ""},
        }

    def conversations_history(self, **_asked: Any) -> dict[str, Any]:
        self._called("conversations.history")
        return {"messages": [m for m in self.messages.values() if not m.get("thread_ts")]}

    def conversations_replies(self, ts: str, **_asked: Any) -> dict[str, Any]:
        self._called("conversations.replies")
        return {"messages": [m for m in self.messages.values() if m.get("thread_ts") == ts]}

    def chat_postMessage(self, **given: Any) -> dict[str, Any]:  # noqa: N802 - slack-sdk's name
        self._called("chat.postMessage", given["blocks"])
        ts = self._ts()
        self.messages[ts] = given | {"ts": ts}
        self._raise(self.faults_after, "chat.postMessage")
        return {"ts": ts}

    def chat_update(self, ts: str, **given: Any) -> dict[str, Any]:
        self._called("chat.update", given["blocks"])
        if ts not in self.messages:
            raise api_error("message_not_found")
        self.messages[ts] |= given
        return {"ts": ts}

    def files_upload_v2(self, filename: str, thread_ts: str | None, **_given: Any) -> None:
        self._called("files.upload")
        ts = self._ts()
        self.messages[ts] = {"ts": ts, "text": "", "thread_ts": thread_ts, "files": [{"name": filename}]}
        self._raise(self.faults_after, "files.upload")

    def views_publish(self, user_id: str, view: dict[str, Any]) -> None:
        self._called("views.publish")
        self.homes.append((user_id, view))

    def _ts(self) -> str:
        self.posted += 1
        return f"{self.posted}.0"

    def texts(self) -> list[str]:
        return [message["text"] for message in self.messages.values()]

    def methods(self) -> list[str]:
        return [method for method, _ in self.calls]

    def _called(self, method: str, blocks: list[dict[str, Any]] | None = None) -> None:
        self.calls.append((method, self.clock.now))
        self._raise(self.faults, method)
        if self.refuses_plans and any(block["type"] == "plan" for block in blocks or ()):
            raise api_error("invalid_blocks")

    @staticmethod
    def _raise(faults: dict[str, list[Exception]], method: str) -> None:
        if faults.get(method):
            raise faults[method].pop(0)


class Desk:
    """An outbox on an etcd, and the hand that turns its clock."""

    def __init__(self, store: Store, slack: Slack) -> None:
        self.slack = slack
        self.clock = slack.clock
        self.reads: list[str] = []
        client = cast(WebClient, slack)
        self.cards = Cards(store)
        self.cards.load()
        channels = Channels(client)
        self.outbox = Outbox(Delivery(client, self.cards, channels), self.cards, channels, self.clock)

    def put(self, record: str, text: str, *, rank: Rank = Rank.PROGRESS, **more: Any) -> None:
        """Have a record stand so; it is read when its turn comes, and counted in `reads`."""
        message = more.pop("message", None) or Message(text)
        status = more.pop("status", "state")
        letter = Letter(record, message, f"{status} {message.digest()}", "flstr", **more)

        def read() -> list[Letter]:
            self.reads.append(record)
            return [letter]

        parent = News(letter.parent, lambda: [], "flstr") if letter.parent else None
        self.outbox.put(News(record, read, "flstr", parent, rank))

    def run(self, seconds: float = 120.0) -> None:
        """Send until nothing is left or the time is over."""
        end = self.clock.now + seconds
        while self.clock.now <= end:
            pause = self.outbox.step()
            if pause == float("inf"):
                return
            self.clock.now += pause
