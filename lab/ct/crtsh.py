"""crt.sh: `/?Identity=…&output=json`, as its own database function answers it."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime

from aiohttp import web

from lab.ct.log import Entry, Log
from lab.ct.wire import one_line, serial_hex, without_zone

# It finds no more.
MOST = 10_000


class CrtSh:
    def __init__(self, log: Log) -> None:
        self._log = log
        self._authorities: dict[bytes, int] = {}

    async def search(self, request: web.Request) -> web.Response:
        """Parameters are known by their names in any case; without `output=json` there is a page for people."""
        asked = {name.lower(): value for name, value in request.query.items()}
        identity = asked.get("identity", asked.get("q", ""))
        if asked.get("output") != "json":
            return web.Response(text=f"<HTML><BODY>Criteria: {len(identity)} letters</BODY></HTML>")
        try:
            pattern = _pattern(identity)
        except ValueError as error:
            # It has promised JSON by then.
            text = f"<BR><BR>{error}</BODY>\n</HTML>"
            return web.Response(text=text, content_type="application/json")
        found = [
            (entry, names)
            for entry in self._entries(asked)
            if (names := _matching(entry, pattern, asked.get("match", "ILIKE").upper()))
        ]
        newest_first = sorted(found, key=lambda hit: hit[0].logged_at, reverse=True)
        rows = [self._row(entry, names) for entry, names in newest_first[:MOST]]
        return web.Response(text=json.dumps(rows, separators=(",", ":")), content_type="application/json")

    def _entries(self, asked: dict[str, str]) -> Iterable[Entry]:
        now = datetime.now(UTC)
        seen: set[tuple[bytes, int]] = set()
        for entry in self._log:
            if asked.get("exclude") == "expired" and entry.expired(now):
                continue
            if asked.get("deduplicate") == "Y" and entry.issuance in seen:
                continue
            seen.add(entry.issuance)
            yield entry

    def _row(self, entry: Entry, names: list[str]) -> dict[str, object]:
        certificate = entry.certificate
        issuer = certificate.issuer.public_bytes()
        return {
            "issuer_ca_id": self._authorities.setdefault(issuer, 180_000 + len(self._authorities)),
            "issuer_name": one_line(certificate.issuer),
            "common_name": entry.common_name,
            "name_value": "\n".join(names),
            "id": entry.id,
            "entry_timestamp": without_zone(entry.logged_at),
            "not_before": without_zone(certificate.not_valid_before_utc),
            "not_after": without_zone(certificate.not_valid_after_utc),
            "serial_number": serial_hex(certificate.serial_number),
            "result_count": len(names) + 1,
        }


def _pattern(identity: str) -> str:
    """A star of SQL is taken where it says nothing: before a dot, or around the whole."""
    if not identity.strip("%"):
        raise ValueError("Value not permitted: '%'")
    if len(identity) > 2 and identity.startswith("%") and identity.endswith("%"):
        return identity[1:-1]
    if identity.startswith("%."):
        return identity[2:]
    if "%" in identity:
        raise ValueError("Unsupported use of '%'")
    return identity


def _matching(entry: Entry, pattern: str, match: str) -> list[str]:
    """The names of a certificate that match, and only these. Without one that ends in `.pattern` or is it, none do."""
    every = {name for name in (entry.common_name, *entry.dns_names) if name is not None}
    lower = pattern.lower()
    if not any(name.lower() == lower or name.lower().endswith(f".{lower}") for name in every):
        return []
    if match == "=":
        return sorted(name for name in every if name == pattern)
    if match == "LIKE":
        return sorted(name for name in every if pattern in name)
    return sorted(name for name in every if lower in name.lower())
