"""pebble as a child process: a directory, and the root that its certificates lead to."""

import asyncio
import contextlib
import json
import os
import shutil
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import aiohttp

from lab.acme.directory_certificate import DirectoryCertificate, make_directory_certificate
from lab.acme.issuing import LINE_BYTES, follow
from lab.acme.settings import AcmeSettings
from lab.errors import LabError
from lab.netns import in_namespace

_SERVES_WITHIN_SECONDS = 15.0


class AcmeServer:
    """Runs `pebble` until `stop()`. What it has issued, its accounts and its root go with the process.

    `on_issued` is called with each certificate in PEM, as long as the loop runs. In a network namespace where one is
    named: the settings' address is there, and pebble asks from there.
    """

    def __init__(
        self,
        folder: Path,
        settings: AcmeSettings,
        on_issued: Callable[[bytes], object] | None = None,
        namespace: str = "",
    ) -> None:
        self._folder = folder
        self._settings = settings
        self._on_issued = on_issued
        self._namespace = namespace
        self._process: asyncio.subprocess.Process | None = None
        self._following: asyncio.Task[None] | None = None
        self._listen = ""
        self._management = ""
        self._files: DirectoryCertificate | None = None

    @property
    def directory(self) -> str:
        """The URL that an ACME client is given."""
        return f"https://{self._listen}/dir"

    @property
    def directory_authority(self) -> Path:
        """What a client has to trust to speak with the directory."""
        return self._folder / "directory-ca.pem"

    @property
    def root(self) -> Path:
        """The root of the certificates that it issues: another one after each start."""
        return self._folder / "root.pem"

    async def start(self, settings: AcmeSettings | None = None) -> None:
        """Serve; returns once the directory answers. After `stop` it starts anew at the same address, also with
        other settings."""
        self._settings = settings or self._settings
        program = shutil.which("pebble")
        if program is None:
            raise LabError("pebble is not installed; install Debian's package pebble.")
        self._folder.mkdir(parents=True, exist_ok=True)
        address = self._settings.address
        self._files = self._files or make_directory_certificate(self._folder, address)
        self._listen = self._listen or f"{address}:{self._free_port(address)}"
        self._management = self._management or f"{address}:{self._free_port(address)}"
        (self._folder / "pebble.json").write_text(self._configuration(self._files))
        command = [program, "-config", str(self._folder / "pebble.json"), "-dnsserver", self._settings.dns]
        await self._run(*command, f"-strict={str(self._settings.strict).lower()}")
        await self._until_it_serves()

    async def stop(self) -> None:
        """End it, and wait for its end."""
        if self._process is not None:
            if self._process.returncode is None:
                self._process.kill()
            await self._process.wait()
            self._process = None
        if self._following is not None:
            await self._following
            self._following = None

    async def _run(self, *command: str) -> None:
        log = (self._folder / "pebble.log").open("ab", buffering=0)
        there = ("nsenter", f"--net=/run/netns/{self._namespace}") if self._namespace else ()
        self._process = await asyncio.create_subprocess_exec(
            # setpriv ends pebble with this process, however this process ends.
            *("setpriv", "--pdeathsig", "KILL", *there, *command),
            env={"PATH": os.environ["PATH"], **self._settings.environment()},
            stdin=asyncio.subprocess.DEVNULL,
            # Where nobody wants to hear of certificates, no loop has to run for pebble to be able to write.
            stdout=log if self._on_issued is None else asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            limit=LINE_BYTES,
            start_new_session=True,
        )
        if self._process.stdout is None:
            log.close()
        else:
            self._following = asyncio.create_task(self._follow(self._process.stdout, log))

    async def _follow(self, output: asyncio.StreamReader, log: BinaryIO) -> None:
        with log:
            await follow(output, log, self._hand_on)

    async def _hand_on(self, serial: str) -> None:
        """What was issued, where pebble still lives to tell it."""
        with contextlib.suppress(aiohttp.ClientError, OSError):
            status = json.loads(await self._get(f"https://{self._management}/cert-status-by-serial/{serial}"))
            if self._on_issued is not None:
                self._on_issued(status["Certificate"].encode())

    def _configuration(self, files: DirectoryCertificate) -> str:
        pebble = {
            "listenAddress": self._listen,
            "managementListenAddress": self._management,
            "certificate": str(files.certificate),
            "privateKey": str(files.key),
            "httpPort": self._settings.http_port,
            "tlsPort": self._settings.tls_port,
            "ocspResponderURL": "",
            "externalAccountBindingRequired": False,
            "certificateValidityPeriod": self._settings.lifetime_seconds,
        }
        return json.dumps({"pebble": pebble}, indent=2)

    async def _until_it_serves(self) -> None:
        assert self._process is not None  # noqa: S101 - started just before
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _SERVES_WITHIN_SECONDS
        while True:
            try:
                await self._get(self.directory)
                self.root.write_bytes(await self._get(f"https://{self._management}/roots/0"))
            except (aiohttp.ClientError, OSError) as error:
                if self._process.returncode is not None or loop.time() > deadline:
                    await self.stop()
                    raise LabError(
                        f"pebble at {self._listen} did not start; see {self._folder / 'pebble.log'}."
                    ) from error
                await asyncio.sleep(0.02)
            else:
                return

    async def _get(self, url: str) -> bytes:
        trusted = ssl.create_default_context(cafile=str(self.directory_authority))
        async with aiohttp.ClientSession() as session, session.get(url, ssl=trusted) as answer:
            answer.raise_for_status()
            return await answer.read()

    def _free_port(self, address: str) -> int:
        return in_namespace(self._namespace, lambda: _free_port(address)) if self._namespace else _free_port(address)


def _free_port(address: str) -> int:
    with socket.socket() as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])
