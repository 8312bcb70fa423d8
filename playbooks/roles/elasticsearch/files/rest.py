"""Elasticsearch's REST interface on this machine, as the user elastic, for the scripts beside this file."""

import base64
import json
import urllib.error
import urllib.request
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

WANTED = Path(__file__).with_name("wanted.json")
NOT_FOUND, UNAUTHORIZED = 404, 401


class RestError(Exception):
    """Elasticsearch refused: its status, and the reason that it gives."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Rest:
    """Asks for JSON and is answered with JSON."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self._url = url
        self._authorization = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        # No proxy that this machine may be set to has any part in it.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def ask(self, method: str, *path: str, body: object = None, within: float = 120.0, **query: object) -> Any:
        """The answer. Raises `RestError`, or an `OSError` where nobody answers."""
        data = None if body is None else json.dumps(body).encode()
        return self._send(method, path, data, "application/json", within, query)

    def bulk(self, lines: Iterable[object], within: float = 600.0) -> Any:
        """Many documents at once; each is told as two lines."""
        data = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
        return self._send("POST", ("_bulk",), data, "application/x-ndjson", within, {})

    def _send(
        self, method: str, path: tuple[str, ...], data: bytes | None, kind: str, within: float, query: dict[str, object]
    ) -> Any:
        url = f"{self._url}/{'/'.join(quote(part, safe='') for part in path)}"
        request = urllib.request.Request(  # noqa: S310 - the URL is of this machine
            f"{url}?{urlencode(query)}" if query else url,
            data=data,
            method=method,
            headers={"Authorization": self._authorization, "Content-Type": kind},
        )
        try:
            with self._opener.open(request, timeout=within) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            raise RestError(error.code, _reason(error.read())) from None


def _reason(text: bytes) -> str:
    try:
        error = json.loads(text)["error"]
        return str(error["reason"] if isinstance(error, dict) else error)
    except (ValueError, KeyError, TypeError):
        return text.decode(errors="replace")[:500]


def wanted() -> dict[str, Any]:
    """What flstr wants of the cluster."""
    told: dict[str, Any] = json.loads(WANTED.read_text())
    return told


def as_elastic(told: dict[str, Any]) -> Rest:
    """The interface for whoever may do everything."""
    return Rest(told["url"], "elastic", told["password"])
