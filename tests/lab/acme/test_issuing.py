"""The lab hears of every certificate that pebble issues, and asks for none of them twice."""

import asyncio
import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from cryptography import x509

from executors.certificates.authority import Authority
from executors.certificates.office import Office
from executors.certificates.proofs import ChallengeKind, Proof
from executors.certificates.roots import trusted_roots
from gitops.certificates import KeySafe, key_safe
from gitops.secrets import read_identities
from gitops.store import Store
from lab.acme.issuing import follow
from lab.acme.server import AcmeServer
from lab.acme.settings import ISSUER, AcmeSettings

# Of a resolver that nobody asks, since every proof is believed.
BELIEVING = AcmeSettings(dns="127.0.0.1:53", always_valid=True)


class NothingToProve:
    """A `Solver`."""

    kind: ChallengeKind = "dns-01"

    def put(self, proofs: Sequence[Proof]) -> None:
        """See `Solver`."""

    def await_seen(self, proofs: Sequence[Proof], within: float) -> None:
        """See `Solver`."""

    def take_away(self, proofs: Sequence[Proof]) -> None:
        """See `Solver`."""


def printed(*lines: bytes) -> tuple[list[str], bytes]:
    """What is heard of what pebble printed, and what stands in its log."""
    log, heard = io.BytesIO(), list[str]()

    async def hear(serial: str) -> None:
        heard.append(serial)

    async def run() -> None:
        output = asyncio.StreamReader()
        output.feed_data(b"".join(lines))
        output.feed_eof()
        await follow(output, log, hear)

    asyncio.run(run())
    return heard, log.getvalue()


def test_a_certificate_is_told_by_its_line_and_all_lines_are_logged() -> None:
    lines = (
        b"Pebble 2026/11/26 02:00:00 Issued certificate serial 5f04c2 for order x\n",
        b"Pebble 2026/11/26 02:00:00 POST /finalize-order/ -> calling handler()\n",
        b"Pebble 2026/11/26 02:00:01 Issued certificate serial 0a1 for order y\n",
        b"cut sh",
    )
    assert printed(*lines) == (["5f04c2", "0a1"], b"".join(lines))


def test_what_only_looks_like_it_is_not_told() -> None:
    assert printed(b"Issued certificate serial ../roots/0 for order x\n")[0] == []


def test_each_certificate_is_handed_on_as_it_was_issued(store: Store, tmp_path: Path) -> None:
    safe = key_safe(read_identities(tmp_path / "identity"))
    heard, serials = hear_of(tmp_path / "acme", lambda server: obtain_two(server, store, safe))
    certificates = [x509.load_pem_x509_certificate(pem) for pem in heard]
    assert [f"{one.serial_number:x}" for one in certificates] == serials
    assert all(one.issuer.rfc4514_string().startswith(f"CN={ISSUER}") for one in certificates)
    assert "Issued certificate serial" in (tmp_path / "acme" / "pebble.log").read_text()


def hear_of(folder: Path, work: Callable[[AcmeServer], list[str]]) -> tuple[list[bytes], list[str]]:
    """What an authority handed on while something was done with it, as many as it is said to have issued."""

    async def run() -> tuple[list[bytes], list[str]]:
        heard: asyncio.Queue[bytes] = asyncio.Queue()
        server = AcmeServer(folder, BELIEVING, heard.put_nowait)
        await server.start()
        try:
            serials = await asyncio.to_thread(work, server)
            async with asyncio.timeout(30):
                certificates = [await heard.get() for _ in serials]
        finally:
            await server.stop()
        assert heard.empty()
        return certificates, serials

    return asyncio.run(run())


def obtain_two(server: AcmeServer, store: Store, safe: KeySafe) -> list[str]:
    """The serial numbers of two certificates."""
    authority = Authority(server.directory, server.directory_authority)
    office = Office(store, safe, authority, trusted_roots(server.root))
    office = replace(office, pause=lambda _: None)
    records = [office.obtain((name,), NothingToProve()) for name in ("app.example.com", "*.example.com")]
    return [record.issued.serial for record in records if record.issued is not None]
