"""The lab's logs in a thread of their own, for the blocking clients."""

from typing import Any

import requests

from lab.ct.server import CtApi
from lab.ct.settings import CtSettings
from tests.loop_thread import LoopThread


class RunningCt:
    def __init__(self, settings: CtSettings | None = None) -> None:
        self.api = CtApi(settings)
        self._loop = LoopThread()
        self.url = self._loop.call(self.api.start())

    def stop(self) -> None:
        self._loop.call(self.api.stop())
        self._loop.stop()

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
