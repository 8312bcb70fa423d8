"""HSTS: whether a host tells browsers to come over https only."""

import re
from collections.abc import Iterator

from executors.padlock.findings import Finding
from executors.padlock.seen import Answer

HEADER = "Strict-Transport-Security"
SHORTEST_SECONDS = 24 * 3600
_MAX_AGE = re.compile(r'(?:^|;)\s*max-age\s*=\s*"?(\d+)"?\s*(?:;|$)', re.IGNORECASE)


def hsts_findings(answer: Answer) -> Iterator[Finding]:
    """Of an answer over https."""
    header = answer.headers.get(HEADER.lower())
    if header is None:
        mend = f"send {HEADER} once all of the host is served over https"
        yield Finding("no HSTS", "no HSTS", mend)
        return
    found = _MAX_AGE.search(header)
    mend = f"send {HEADER}: max-age=31536000"
    if found is None:
        yield Finding("no HSTS", f"no HSTS, since its header says no max-age ({header[:100]})", mend)
    elif len(found[1]) < 8 and int(found[1]) < SHORTEST_SECONDS:
        yield Finding("no HSTS", f"HSTS for {int(found[1])} seconds only", mend)
