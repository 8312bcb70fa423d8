"""A client of the control API: act as a person, read what was said, make Slack fail."""

import json
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import ProxyHandler, Request, build_opener

from lab.slack.wire import Json

_OPENER = build_opener(ProxyHandler({}))
_SECONDS = 30.0


class ControlError(Exception):
    """The workspace refused: an unknown person, a message that is not there, a body it does not understand."""


class SlackControl:
    """`url` is the page's address. Answers are as `lab.slack.control` gives them."""

    def __init__(self, url: str) -> None:
        self._url = url

    def type(self, person: str, channel: str, text: str, thread_ts: str | None = None) -> Json:
        """A line in the composer: a slash command (with `acknowledged`, `response`) or a message."""
        return self._post("command", person=person, channel=channel, text=text, thread_ts=thread_ts)

    def click(self, person: str, action_id: str, **where: str | list[str] | dict[str, str | None]) -> Json:
        """Act on an element; `where` is channel and ts, or view_id, the value chosen in a menu, and the `values`
        that the inputs of the view hold."""
        return self._post("click", person=person, action_id=action_id, **where)

    def submit(self, person: str, view_id: str, values: dict[str, str | list[str] | None]) -> Json:
        return self._post("submit", person=person, view_id=view_id, values=values)

    def close(self, person: str, view_id: str, *, clear: bool = False) -> None:
        """Cancel a modal; `clear`: and those under it."""
        self._post("close", person=person, view_id=view_id, clear=clear)

    def suggest(self, person: str, view_id: str, action_id: str, value: str) -> list[Json]:
        """The options that a select of a modal offers for what was typed, those in groups included."""
        answer = self._post("suggest", person=person, view_id=view_id, action_id=action_id, value=value)
        return list(answer["options"])

    def open_home(self, person: str, tab: str = "home") -> None:
        self._post("home", person=person, tab=tab)

    def set_group(self, group: str, members: list[str]) -> None:
        self._post("groups", group=group, members=members)

    def change_channel(self, channel: str, add: list[str] | None = None, remove: list[str] | None = None) -> None:
        """People, or the app by its user identifier, come into the channel or leave it."""
        self._post("channels", channel=channel, add=add or [], remove=remove or [])

    def delete(self, channel: str, ts: str) -> None:
        """Take a message away, whoever wrote it."""
        self._post("delete", channel=channel, ts=ts)

    def messages(self, channel: str, thread_ts: str | None = None, person: str | None = None) -> list[Json]:
        """Oldest first, ephemeral ones included unless `person` may not see them."""
        return list(self._get("messages", channel=channel, thread_ts=thread_ts, person=person)["messages"])

    def modals(self, person: str) -> list[Json]:
        return list(self._get("views", person=person)["modals"])

    def home(self, person: str) -> Json | None:
        view: Json | None = self._get("views", person=person)["home"]
        return view

    def download(self, url: str) -> bytes:
        """A file that was shared, by its `url_private`."""
        with _OPENER.open(url, timeout=_SECONDS) as response:
            content: bytes = response.read()
        return content

    def calls(self, method: str | None = None) -> list[Json]:
        return list(self._get("calls", method=method)["calls"])

    def connections(self) -> int:
        return int(self._get("workspace")["connections"])

    def sockets(self) -> list[Json]:
        """Every connection: its number, from where it is, whether it was told to go, whether it is deaf."""
        return list(self._get("connections")["connections"])

    def envelopes(self, kind: str | None = None) -> list[Json]:
        """Every envelope and its fate, oldest first; see `lab.slack.envelopes.Fate`."""
        return list(self._get("envelopes", kind=kind)["envelopes"])

    def disconnect(self, reason: str, connection: int | None = None) -> int:
        """Every connection, or one."""
        return int(self._post("disconnect", reason=reason, connection=connection)["connections"])

    def fault(self, method: str, times: int = 1, **what: str | int | bool) -> None:
        self._post("fault", method=method, times=times, **what)

    def duplicate(self, envelopes: int) -> None:
        self._post("duplicate", next=envelopes)

    def reorder(self, envelopes: int, *, twice: bool = False, seed: int = 0, seconds: float = 5.0) -> None:
        """Hold back so many, then send them shuffled, each perhaps `twice`; 0 sends what is held."""
        self._post("reorder", next=envelopes, twice=twice, seed=seed, seconds=seconds)

    def late(self, envelopes: int, seconds: float, what: str = "acknowledgement") -> None:
        """The next acknowledgements (`what`: or envelopes) take so long on their way."""
        self._post("late", next=envelopes, seconds=seconds, what=what)

    def deafen(self, connection: int | None = None, *, deaf: bool = True) -> int:
        """A connection, or all, stays open and says nothing any more; `deaf=False` releases it."""
        return int(self._post("deaf", connection=connection, deaf=deaf)["connections"])

    def cut(self, envelopes: int = 1) -> None:
        """The next envelopes arrive, and their connection breaks before they are acknowledged."""
        self._post("cut", next=envelopes)

    def _get(self, name: str, **query: str | None) -> Json:
        given = {key: value for key, value in query.items() if value is not None}
        return self._ask(f"{name}?{urlencode(given)}", None)

    def _post(self, name: str, **body: Any) -> Json:
        return self._ask(name, json.dumps(body).encode())

    def _ask(self, path: str, body: bytes | None) -> Json:
        request = Request(f"{self._url}/lab/{path}", body)  # noqa: S310 - the lab's own address
        try:
            with _OPENER.open(request, timeout=_SECONDS) as response:
                answer: Json = json.load(response)
        except HTTPError as refused:
            raise ControlError(json.load(refused)["error"]) from None
        return answer
