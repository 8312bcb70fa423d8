"""The server of the lab's apt repositories, at the router's address, with a thread of its own.

A thread, because a host installs while the lab's event loop is not run; and a repository is made when it is first
asked for, while only the host that asked waits.
"""

import logging
import socket
import threading
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from lab.apt.archives import ARCHIVES, ensure_archive
from lab.errors import LabError
from lab.naming import LabFolders

PORT = 80
"""Where it listens, so that a host's list of sources can be written before."""

_log = logging.getLogger(__name__)


class AptServer:
    """Serves `http://ADDRESS/NAME/`, for each of the archives."""

    def __init__(self, folders: LabFolders, image: Path) -> None:
        self._folders = folders
        self._image = image
        self._ready: dict[str, Path] = {}
        self._turn = threading.Lock()
        self._server: ThreadingHTTPServer | None = None

    def start(self, door: socket.socket) -> None:
        """Serve at a socket that listens."""

        class Handler(_Handler):
            archive_folder = self._folder_of

        self._server = _Server(door.getsockname(), Handler, bind_and_activate=False)
        self._server.socket.close()
        self._server.socket = door
        threading.Thread(target=self._server.serve_forever, name="lab-apt", daemon=True).start()

    def stop(self) -> None:
        """Serve no more. Blocks for up to half a second."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def _folder_of(self, name: str) -> Path:
        with self._turn:
            if name not in self._ready:
                self._ready[name] = ensure_archive(name, self._folders, self._image)
            return self._ready[name]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False


class _Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self._is_found():
            super().do_GET()

    def do_HEAD(self) -> None:
        if self._is_found():
            super().do_HEAD()

    def _is_found(self) -> bool:
        """Turn to the archive's folder; the one who asks is told why there is none."""
        name, _, rest = urlsplit(self.path).path.lstrip("/").partition("/")
        if name not in ARCHIVES:
            self.send_error(HTTPStatus.NOT_FOUND, "The lab has no such repository")
            return False
        try:
            self.directory = str(self.archive_folder(name))
        except LabError as error:
            self.send_error(HTTPStatus.SERVICE_UNAVAILABLE, str(error).splitlines()[0])
            return False
        self.path = f"/{rest}"
        return True

    @staticmethod
    def archive_folder(name: str) -> Path:
        """Where an archive is; each server says."""
        raise NotImplementedError

    def log_message(self, format: str, *args: object) -> None:
        _log.debug(format, *args)
