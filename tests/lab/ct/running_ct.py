"""The lab's logs in a thread of their own, for the blocking clients."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

import requests

from lab.ct.server import CtApi
from lab.ct.settings import CtSettings

T = TypeVar("T")


class RunningCt:
    def __init__(self, settings: CtSettings | None = None) -> None:
        self.api = CtApi(settings)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.url = self._call(self.api.start())

    def stop(self) -> None:
        self._call(self.api.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def fault(self, kind: str, service: str = "*", **more: object) -> None:
        """Have the next answers fail."""
        self.control("POST", "/faults", {"kind": kind, "service": service, **more})

    def control(self, method: str, path: str, body: object = None) -> Any:
        response = requests.request(method, f"{self.url}/lab{path}", json=body, timeout=5)
        response.raise_for_status()
        return response.json() if response.content else None

    def crtsh(self, **parameters: str) -> requests.Response:
        """What crt.sh answers, to the parameters that flstr has unless told otherwise."""
        usual = {"match": "LIKE", "exclude": "expired", "deduplicate": "Y", "output": "json"}
        return requests.get(f"{self.url}/", params=usual | parameters, timeout=5)

    def certspotter(self, domain: str, *expand: str, **parameters: str) -> requests.Response:
        asked = {"domain": domain, "include_subdomains": "true", "expand": list(expand), **parameters}
        return requests.get(f"{self.url}/v1/issuances", params=asked, timeout=5)

    def asked(self) -> list[tuple[str, int]]:
        """Path and status of each request."""
        return [(one.path, one.status) for one in self.api.requests.requests]

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=10)
