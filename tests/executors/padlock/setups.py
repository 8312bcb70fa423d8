"""Broken ingresses, each with one fault, and what padlock is to say of it."""

import base64
import subprocess
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from executors.padlock.findings import Kind
from tests.executors.padlock.authority import HOST, Authority, issue, key_pem, new_key, pem_of
from tests.executors.padlock.nginx import HELLO, Setup, setup_of

BASKET = "basket.example.com"
DAY = timedelta(days=1)
WEAK = "ssl_protocols TLSv1.2 TLSv1.3; ssl_ciphers ALL:@SECLEVEL=0;"


@dataclass(frozen=True)
class Fault:
    """What is set up wrongly, and the one finding; `says` is what its line has to hold."""

    setup: Setup
    kind: Kind
    says: str


def good(authority: Authority) -> Setup:
    return setup_of(authority.issue(HOST, BASKET), authority.intermediate)


def moved_on(authority: Authority) -> Setup:
    """The shop's, which leads to the basket."""
    return replace(good(authority), https=f"return 302 https://{BASKET}:$server_port/;")


def page(body: str) -> str:
    return f"default_type text/html; return 200 '<!doctype html><title>shop</title>{body}';"


def sheet(css: str, body: str = "<link rel=stylesheet href=/shop.css>") -> str:
    """A page with a style sheet."""
    is_sheet = f"if ($uri = /shop.css) {{ return 200 '{css}'; }}"
    return f"types {{ text/css css; }} {is_sheet} {page(body)}"


def faults(authority: Authority, folder: Path) -> dict[str, Fault]:
    """By name."""
    return dict([*_certificates(authority, folder), *_chains(authority, folder), *_answers(good(authority))])


def _certificates(authority: Authority, folder: Path) -> Iterator[tuple[str, Fault]]:
    above = authority.intermediate
    ended = setup_of(authority.issue(HOST, left=-2 * DAY), above)
    yield "expired", Fault(ended, "expired", "the certificate ended on ")
    coming = setup_of(authority.issue(HOST, left=95 * DAY), above)
    yield "not-yet-valid", Fault(coming, "not yet valid", "the certificate begins on ")
    late = setup_of(authority.issue(HOST, left=20 * DAY), above)
    yield "near-expiry", Fault(late, "near expiry", "the certificate ends in 19 days and was not renewed in time")
    own = setup_of(issue(HOST, names=(HOST,)))
    yield "self-signed", Fault(own, "self-signed", "the certificate is self-signed")
    other = setup_of(authority.issue("other.example.com"), above)
    yield "wrong-name", Fault(other, "wrong name", "the certificate is for other.example.com")
    leaf = authority.issue(HOST)
    mismatch = Setup(pem_of(leaf.certificate, above.certificate), borrowed_key(leaf.certificate))
    yield "key-mismatch", Fault(mismatch, "key mismatch", "the private key there is not the one of the certificate")
    weak = rsa.generate_private_key(65537, 1024)  # noqa: S505 - its weakness is what is to be found
    older = replace(mismatch, tls="ssl_protocols TLSv1.2;")
    yield "key-mismatch-tls12", Fault(older, "key mismatch", "the private key there is not the one of the certificate")
    small = setup_of(authority.issue(HOST, key=weak), above, tls=WEAK)
    yield "weak-key", Fault(small, "weak key", f"the key of {HOST} is weak (RSA 1024)")
    yield "weak-signature", Fault(sha1(authority, folder), "weak signature", f"{HOST} is signed with SHA-1")


def _chains(authority: Authority, folder: Path) -> Iterator[tuple[str, Fault]]:
    leaf, above = authority.issue(HOST), authority.intermediate
    without = setup_of(leaf)
    yield (
        "missing-intermediate",
        Fault(without, "incomplete chain", f"the chain is not complete: {HOST} is sent without"),
    )
    turned = setup_of(leaf, authority.root, above)
    yield "wrong-order", Fault(turned, "wrong order", "the chain is sent in the wrong order")
    stranger = Authority(folder, "stranger")
    mixed_up = setup_of(leaf, above, stranger.intermediate)
    yield "foreign-certificate", Fault(mixed_up, "foreign certificate", "do not belong to it (stranger intermediate)")
    unknown = setup_of(stranger.issue(HOST), stranger.intermediate, stranger.root)
    yield "unknown-authority", Fault(unknown, "untrusted", "comes from stranger root, which is no authority")


def _answers(good: Setup) -> Iterator[tuple[str, Fault]]:
    old = replace(good, tls="ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3; ssl_ciphers ALL:@SECLEVEL=0;")
    yield "old-tls", Fault(old, "old TLS", "TLS 1.0 and TLS 1.1 accepted")
    loop = replace(good, https="return 302 {http}$request_uri;")
    yield "redirect-loop", Fault(loop, "redirect loop", "the redirects go round: http://shop.example.com:")
    back = replace(good, https="if ($uri = /) { return 302 {http}/in; } " + HELLO)
    yield "redirect-back", Fault(back, "redirect to http", "redirected back to http://shop.example.com:")
    away = replace(good, http="return 301 https://stranger.example.org/;")
    yield (
        "redirect-elsewhere",
        Fault(away, "redirect elsewhere", "redirected to stranger.example.org, which is no host"),
    )
    yield "no-redirect", Fault(replace(good, http=HELLO), "no redirect", "plain HTTP, not redirected to https")
    yield "no-hsts", Fault(replace(good, hsts=""), "no HSTS", "no HSTS")
    brief = replace(good, hsts='add_header Strict-Transport-Security "max-age=300" always;')
    yield "short-hsts", Fault(brief, "no HSTS", "HSTS for 300 seconds only")
    yield "server-error", Fault(replace(good, https="return 503;"), "server error", "answers 503")
    yield "not-found", Fault(replace(good, https="return 404;"), "not found", "answers 404")
    for name, (https, kind, says) in _PAGES.items():
        yield name, Fault(replace(good, https=https), kind, says)


_PAGES: dict[str, tuple[str, Kind, str]] = {
    "active-mixed": (
        page("<script src=http://cdn.example.com/a.js></script>"),
        "active mixed content",
        "active mixed content on /: script http://cdn.example.com/a.js",
    ),
    "active-mixed-form": (
        page("<form action=http://shop.example.com/login></form>"),
        "active mixed content",
        "form http://shop.example.com/login",
    ),
    "active-mixed-in-css": (
        sheet("@import url(http://cdn.example.com/b.css);"),
        "active mixed content",
        "CSS @import http://cdn.example.com/b.css in https://shop.example.com:",
    ),
    "passive-mixed": (
        page("<img src=http://cdn.example.com/a.png>"),
        "passive mixed content",
        "passive mixed content on /: img http://cdn.example.com/a.png",
    ),
    "passive-mixed-srcset": (
        page('<img src=a.png srcset="a.png 1x, http://cdn.example.com/b,c.png 2x">'),
        "passive mixed content",
        "srcset http://cdn.example.com/b,c.png",
    ),
    "passive-mixed-in-css": (
        sheet("/* url(http://no) */ b { background: url(http://cdn.example.com/c.png) }"),
        "passive mixed content",
        "CSS url() http://cdn.example.com/c.png in https://shop.example.com:",
    ),
    "passive-mixed-in-style": (
        page('<p style="background: url(http://cdn.example.com/d.png)">'),
        "passive mixed content",
        "CSS url() http://cdn.example.com/d.png",
    ),
}


def borrowed_key(certificate: x509.Certificate) -> bytes:
    """The private key of somebody else, which claims the certificate's public half: nginx itself is content with it."""
    other = new_key()
    public = certificate.public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    form, no_password = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    der = other.private_bytes(serialization.Encoding.DER, form, no_password)
    claimed = der.replace(_point(other.public_key()), _point(public))
    lines = textwrap.wrap(base64.b64encode(claimed).decode(), 64)
    return "\n".join(["-----BEGIN PRIVATE KEY-----", *lines, "-----END PRIVATE KEY-----", ""]).encode()


def _point(public: ec.EllipticCurvePublicKey) -> bytes:
    return public.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def sha1(authority: Authority, folder: Path) -> Setup:
    """By the openssl program: the library makes no such certificate any more."""
    key, request = folder / "sha1.key", folder / "sha1.csr"
    issuer, issuer_key = folder / "sha1.issuer.pem", folder / "sha1.issuer.key"
    extensions = folder / "sha1.ext"
    key.write_bytes(key_pem(new_key()))
    issuer.write_bytes(pem_of(authority.intermediate.certificate))
    issuer_key.write_bytes(key_pem(authority.intermediate.key))
    extensions.write_text(f"subjectAltName=DNS:{HOST}\n")
    asking: list[str | Path] = ["openssl", "req", "-new", "-sha1", "-key", key, "-subj", f"/CN={HOST}", "-out", request]
    subprocess.run(asking, check=True, capture_output=True)
    signing: list[str | Path] = [
        "openssl",
        "x509",
        "-req",
        "-sha1",
        "-days",
        "90",
        "-in",
        request,
        "-CA",
        issuer,
        "-CAkey",
        issuer_key,
    ]
    signed = subprocess.run([*signing, "-extfile", extensions], check=True, capture_output=True).stdout
    return Setup(signed + pem_of(authority.intermediate.certificate), key.read_bytes(), tls=WEAK)
