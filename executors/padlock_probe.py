"""Looking at a public port the way a browser does, at one address by itself."""

import http.client
import socket
import ssl
import warnings
from pathlib import Path

from cryptography import x509

from executors.padlock import Certificate, HttpSeen, TlsSeen

PROBE_SECONDS = 4.0
OLD_VERSIONS = {"TLS 1.0": ssl.TLSVersion.TLSv1, "TLS 1.1": ssl.TLSVersion.TLSv1_1}


def is_open(address: str, port: int) -> bool:
    """Whether anything listens."""
    try:
        socket.create_connection((address, port), PROBE_SECONDS).close()
    except OSError:
        return False
    return True


def see_http(address: str, port: int, host: str, path: str, tls: bool = False) -> HttpSeen:
    """One GET, asked of this address for this host; certificates are looked at by `see_tls`."""
    connection = http.client.HTTPConnection(host, port, timeout=PROBE_SECONDS)
    try:
        connection.sock = socket.create_connection((address, port), PROBE_SECONDS)
        if tls:
            connection.sock = _any_certificate().wrap_socket(connection.sock, server_hostname=host)
        connection.request("GET", path, headers={"User-Agent": "flstr-padlock", "Connection": "close"})
        answer = connection.getresponse()
        return HttpSeen(
            answer.status,
            answer.getheader("Location", "")[:1000],
            answer.getheader("Strict-Transport-Security") is not None,
        )
    except (OSError, http.client.HTTPException) as error:
        return HttpSeen(error=_reason(error))
    finally:
        connection.close()


def see_tls(address: str, port: int, host: str, authority: Path | None = None) -> TlsSeen:
    """The certificate that is sent for a host, whether its chain leads to the system's authorities or to
    `authority`, and the old versions of TLS that are still spoken."""
    try:
        with _handshake(address, port, host, _any_certificate()) as connection:
            sent = connection.getpeercert(binary_form=True)
    except OSError as error:
        return TlsSeen(error=_reason(error))
    return TlsSeen(
        certificate=None if sent is None else _certificate(sent),
        distrust=_distrust(address, port, host, authority),
        old_versions=tuple(name for name in OLD_VERSIONS if _speaks(address, port, host, OLD_VERSIONS[name])),
    )


def _handshake(address: str, port: int, host: str, context: ssl.SSLContext) -> ssl.SSLSocket:
    raw = socket.create_connection((address, port), PROBE_SECONDS)
    try:
        return context.wrap_socket(raw, server_hostname=host)
    except BaseException:
        raw.close()
        raise


def _any_certificate() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _distrust(address: str, port: int, host: str, authority: Path | None) -> str:
    context = ssl.create_default_context(cafile=None if authority is None else str(authority))
    # The name is looked at by itself, so that each fault is told as what it is.
    context.check_hostname = False
    try:
        _handshake(address, port, host, context).close()
    except ssl.SSLCertVerificationError as error:
        return "" if error.verify_code in EXPIRY_CODES else error.verify_message
    except OSError as error:
        return _reason(error)
    return ""


# X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED: told by the certificate's dates.
EXPIRY_CODES = frozenset({9, 10})


def _speaks(address: str, port: int, host: str, version: ssl.TLSVersion) -> bool:
    context = _any_certificate()
    # The library itself would refuse to speak so old a version.
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = version
    try:
        _handshake(address, port, host, context).close()
    except OSError:
        return False
    return True


def _certificate(sent: bytes) -> Certificate:
    certificate = x509.load_der_x509_certificate(sent)
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        dns = tuple(names.value.get_values_for_type(x509.DNSName))
    except x509.ExtensionNotFound:
        dns = ()
    return Certificate(dns, certificate.not_valid_before_utc, certificate.not_valid_after_utc)


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"silent for {PROBE_SECONDS:g} s"
    if isinstance(error, ssl.SSLError):
        return (error.reason or "TLS fault").replace("_", " ").lower()
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
