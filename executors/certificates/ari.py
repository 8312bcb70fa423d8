"""Asking the authority when it wants a certificate renewed, and telling it what a new one replaces (RFC 9773)."""

import base64
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import josepy
import structlog
from acme import errors, messages
from acme.client import ClientV2
from cryptography import x509

from executors.certificates.authority import Authority
from executors.certificates.failures import parse_retry_after
from executors.certificates.network import Network
from model.certificates import IssuedCertificate, RenewalWindow

log = structlog.get_logger()

RENEWAL_INFO = "renewalInfo"
ASK_SECONDS = 30.0
ASK_AGAIN = timedelta(hours=6)
SHORTEST_ASK, LONGEST_ASK = timedelta(minutes=1), timedelta(days=1)


def certificate_id(certificate: x509.Certificate) -> str:
    """How RFC 9773 calls a certificate: its authority's key, and its serial number. Raises `ValueError`."""
    try:
        authority = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    except x509.ExtensionNotFound:
        authority = None
    if authority is None:
        raise ValueError("it does not say by which key it was issued")
    serial = certificate.serial_number
    # As in the certificate itself: a first bit of 1 would make it negative.
    return f"{_base64url(authority)}.{_base64url(serial.to_bytes(serial.bit_length() // 8 + 1, 'big'))}"


def replaced_id(directory: messages.Directory, chain_pem: str) -> str | None:
    """What a new order says that it replaces; None where the authority does not want to hear it."""
    if RENEWAL_INFO not in directory.to_partial_json():
        return None
    try:
        return certificate_id(x509.load_pem_x509_certificate(chain_pem.encode()))
    except ValueError:
        return None


def ask_window(
    authority: Authority, certificate: IssuedCertificate, now: datetime, pause: Callable[[float], None] = time.sleep
) -> RenewalWindow | None:
    """What the authority says now; what it said last, where it says nothing that can be understood."""
    net = Network(None, ASK_SECONDS, authority.trust, pause)
    try:
        name = certificate_id(x509.load_pem_x509_certificate(certificate.chain.encode()))
        directory = ClientV2.get_directory(authority.directory, net)
        if RENEWAL_INFO not in directory.to_partial_json():
            return None
        answer = net.get(f"{directory[RENEWAL_INFO].rstrip('/')}/{name}")
        return parse_window(answer.json(), answer.headers.get("Retry-After", ""), now)
    except (errors.Error, josepy.errors.Error, OSError, ValueError, KeyError, TypeError) as error:
        log.warning("the authority does not say when to renew", names=certificate.names, error=str(error))
        return certificate.window


def parse_window(body: dict[str, Any], retry_after: str, now: datetime) -> RenewalWindow:
    """A window as it comes over the wire; how often to ask stays within a minute and a day. Raises `ValueError`."""
    ask_again = parse_retry_after(retry_after, now) or now + ASK_AGAIN
    window = body["suggestedWindow"]
    values = {"start": window["start"], "end": window["end"], "explanation_url": body.get("explanationURL", "")}
    ask_again = min(max(ask_again, now + SHORTEST_ASK), now + LONGEST_ASK)
    return RenewalWindow.model_validate({**values, "ask_again": ask_again})


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")
