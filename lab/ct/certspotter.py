"""Cert Spotter: `/v1/issuances`, where a precertificate and its certificate are one issuance."""

import base64
import hashlib
import time
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime

from aiohttp import web
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from lab.ct.failing import too_many
from lab.ct.log import Entry, Log
from lab.ct.settings import CtSettings
from lab.ct.wire import one_line, rfc3339

HOUR = 3600.0


class CertSpotter:
    def __init__(self, log: Log, settings: CtSettings) -> None:
        self._log = log
        self._settings = settings
        self._asked: deque[float] = deque()

    async def issuances(self, request: web.Request) -> web.Response:
        """Oldest first, a page at a time; `after` is the last id of the page before."""
        domain = request.query.get("domain", "").lower()
        after = request.query.get("after", "")
        if "." not in domain:
            return _refusal("invalid_parameter", "The domain parameter must be a registered domain or below one")
        if after and not after.isdigit():
            return _refusal("invalid_parameter", "The after parameter must be the id of an issuance")
        if not after and not self._may_ask():
            return too_many("certspotter", int(HOUR - (time.monotonic() - self._asked[0])) + 1)
        below = request.query.get("include_subdomains") == "true"
        expand = set(request.query.getall("expand", []))
        found = [
            entry
            for entry in self._issuances()
            if entry.id > int(after or 0) and any(_is_in(name, domain, below) for name in entry.dns_names)
        ]
        return web.json_response([_issuance(entry, expand) for entry in found[: self._settings.page_size]])

    def _may_ask(self) -> bool:
        now = time.monotonic()
        while self._asked and now - self._asked[0] > HOUR:
            self._asked.popleft()
        if len(self._asked) >= self._settings.domains_per_hour:
            return False
        self._asked.append(now)
        return True

    def _issuances(self) -> Iterator[Entry]:
        now = datetime.now(UTC)
        entries = [entry for entry in self._log if not entry.expired(now)]
        certified = {entry.issuance for entry in entries if not entry.is_precertificate}
        for entry in entries:
            if not (entry.is_precertificate and entry.issuance in certified):
                yield entry


def _is_in(name: str, domain: str, below: bool) -> bool:
    name = name.lower()
    return name == domain or (below and name.endswith(f".{domain}"))


def _issuance(entry: Entry, expand: set[str]) -> dict[str, object]:
    certificate = entry.certificate
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    der = certificate.public_bytes(Encoding.DER)
    issuance: dict[str, object] = {
        "id": str(entry.id),
        "tbs_sha256": hashlib.sha256(certificate.tbs_certificate_bytes).hexdigest(),
        "cert_sha256": hashlib.sha256(der).hexdigest(),
        "pubkey_sha256": hashlib.sha256(key).hexdigest(),
        "not_before": rfc3339(certificate.not_valid_before_utc),
        "not_after": rfc3339(certificate.not_valid_after_utc),
        "revoked": False,
    }
    if "dns_names" in expand:
        issuance["dns_names"] = entry.dns_names
    if "issuer" in expand:
        organisation = certificate.issuer.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
        issuance["issuer"] = {
            "friendly_name": str(organisation[0].value) if organisation else None,
            "name": one_line(certificate.issuer),
            # The log has no certificate of the issuer: its name stands for its key.
            "pubkey_sha256": hashlib.sha256(certificate.issuer.public_bytes()).hexdigest(),
        }
    if "cert_der" in expand:
        issuance["cert_der"] = base64.b64encode(der).decode()
    return issuance


def _refusal(code: str, message: str) -> web.Response:
    return web.json_response({"code": code, "message": message}, status=400)
