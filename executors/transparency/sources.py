"""The two sources as they are asked over HTTP."""

import time

from executors.transparency import certspotter, crtsh
from executors.transparency.fetching import Patience, fetch
from executors.transparency.issuances import merged
from executors.transparency.source import NotAnswered
from model.transparency import Issuance

MOST_PAGES = 100


class CrtSh:
    """A `Source`."""

    name = crtsh.NAME

    def __init__(self, address: str, patience: Patience | None = None) -> None:
        self._url = f"{address.rstrip('/')}/"
        self._patience = patience or Patience()

    def issued(self, domain: str, seconds: float) -> tuple[Issuance, ...]:
        """See `Source`."""
        parameters = crtsh.parameters(domain)
        return fetch(self._url, parameters, lambda body: crtsh.parse(domain, body), seconds, self._patience)


class CertSpotter:
    """A `Source`."""

    name = certspotter.NAME

    def __init__(self, address: str, patience: Patience | None = None) -> None:
        self._url = f"{address.rstrip('/')}{certspotter.PATH}"
        self._patience = patience or Patience()

    def issued(self, domain: str, seconds: float) -> tuple[Issuance, ...]:
        """See `Source`; page after page, until one is empty."""
        end = time.monotonic() + seconds
        found: list[Issuance] = []
        after: str | None = None
        for _ in range(MOST_PAGES):
            parameters = certspotter.parameters(domain, after)
            page = fetch(self._url, parameters, certspotter.parse, end - time.monotonic(), self._patience)
            if page.after is None:
                return merged(found)
            found += page.issuances
            after = page.after
        raise NotAnswered(f"did not come to an end within {MOST_PAGES} pages")
