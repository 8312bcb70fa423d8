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

    def click(self, person: str, action_id: str, **where: str | list[str]) -> Json:
        """Act on an element; `where` is channel and ts, or view_id, and the value chosen in a menu."""
        return self._post("click", person=person, action_id=action_id, **where)

    def submit(self, person: str, view_id: str, values: dict[str, str | list[str] | None]) -> Json:
        return self._post("submit", person=person, view_id=view_id, values=values)

    def close(self, person: str, view_id: str) -> None:
        self._post("close", person=person, view_id=view_id)

    def suggest(self, person: str, view_id: str, action_id: str, value: str) -> list[Json]:
        answer = self._post("suggest", person=person, view_id=view_id, action_id=action_id, value=value)
        return list(answer["options"])

    def open_home(self, person: str) -> None:
        self._post("home", person=person)

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

    def disconnect(self, reason: str) -> int:
        return int(self._post("disconnect", reason=reason)["connections"])

    def fault(self, method: str, times: int = 1, **what: str | int | bool) -> None:
        self._post("fault", method=method, times=times, **what)

    def duplicate(self, envelopes: int) -> None:
        self._post("duplicate", next=envelopes)

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
