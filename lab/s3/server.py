"""The door of the lab's object storage: the aiohttp application, and starting and stopping it.

It has what an SDK uses for objects of ordinary size: PUT, GET, HEAD and DELETE of an object, DeleteObjects, and
ListObjectsV2 with its pages. A multipart upload is answered NotImplemented.
"""

import base64
import re
import socket
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import unquote

from aiohttp import web
from lxml import etree

from lab.cloud.bodies import read_body
from lab.cloud.middleware import errors
from lab.cloud.request_log import RequestLog
from lab.s3.faults import Fault, Faults
from lab.s3.settings import S3Settings
from lab.s3.signature import verify
from lab.s3.wire import Page, S3Error, Stored, deleted, error_answer, listing

CONTROL_PATH = "/lab"
LARGEST_BYTES = 1 << 30

_RANGE = re.compile(r"bytes=([0-9]+)-([0-9]*)")


class S3Api:
    """One bucket in memory."""

    def __init__(self, settings: S3Settings | None = None) -> None:
        self.settings = settings or S3Settings()
        self.faults = Faults()
        self.requests = RequestLog()
        self.objects: dict[str, Stored] = {}
        self._runner: web.AppRunner | None = None

    @property
    def place(self) -> str:
        """The bucket, as a manifest names it."""
        return f"s3://{self.settings.bucket}/flstr"

    def app(self) -> web.Application:
        control = web.Application(middlewares=[errors])
        control.add_routes([web.post("/faults", self._plan), web.delete("/faults", self._clear)])
        control.add_routes([web.get("/objects", self._list_objects)])
        app = web.Application(client_max_size=LARGEST_BYTES)
        app.add_subapp(CONTROL_PATH, control)
        app.add_routes([web.route("*", "/{path:.*}", self._answer)])
        return app

    async def start(self, door: socket.socket | None = None) -> str:
        """Listen at a door, or on loopback at a free port, and return the endpoint."""
        door = door or socket.create_server(("127.0.0.1", 0))
        self._runner = web.AppRunner(self.app(), access_log=None, shutdown_timeout=1.0, handler_cancellation=True)
        await self._runner.setup()
        await web.SockSite(self._runner, door).start()
        host, port = door.getsockname()[:2]
        return f"http://{host}:{port}"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        fault = self.faults.take(request.method)
        try:
            _refuse_as_planned(fault)
            headers = {name.lower(): value for name, value in request.headers.items()}
            raw_path, _, query = request.raw_path.partition("?")
            verify(request.method, raw_path, query, headers, body, self.settings)
            answer = self._carry_out(request, unquote(raw_path), body)
        except S3Error as error:
            answer = error_answer(error, request.path)
        lost = fault is not None and fault.kind == "lost"
        self.requests.add(request.method, request.path, request.query_string, 0 if lost else answer.status)
        if lost and request.transport is not None:
            request.transport.close()
        if fault is not None and fault.kind == "cut" and isinstance(answer.body, bytes):
            return await _cut(request, answer.body)
        return answer

    def _carry_out(self, request: web.Request, path: str, body: bytes) -> web.Response:
        bucket, _, key = path.lstrip("/").partition("/")
        if bucket != self.settings.bucket:
            raise S3Error("NoSuchBucket", "The specified bucket does not exist")
        if request.method == "GET" and not key:
            return self._list(request)
        if request.method == "POST" and "delete" in request.query:
            return self._delete_many(body)
        if "uploads" in request.query or "uploadId" in request.query or request.method == "POST":
            raise S3Error("NotImplemented", "A header you provided implies functionality that is not implemented")
        if request.method == "PUT":
            self.objects[key] = Stored(body, datetime.now(UTC))
            return web.Response(headers={"ETag": self.objects[key].etag})
        if request.method == "DELETE":
            self.objects.pop(key, None)
            return web.Response(status=204)
        return self._get(key, request)

    def _get(self, key: str, request: web.Request) -> web.Response:
        found = self.objects.get(key)
        if found is None:
            raise S3Error("NoSuchKey", "The specified key does not exist.")
        headers = {
            "ETag": found.etag,
            "Last-Modified": format_datetime(found.modified, usegmt=True),
            "Accept-Ranges": "bytes",
            "Content-Type": "application/octet-stream",
        }
        match = _RANGE.fullmatch(request.headers.get("Range", ""))
        if match is None:
            return web.Response(body=found.body, headers=headers)
        first, size = int(match[1]), len(found.body)
        last = min(int(match[2] or size - 1), size - 1)
        headers["Content-Range"] = f"bytes {first}-{last}/{size}"
        return web.Response(status=206, body=found.body[first : last + 1], headers=headers)

    def _list(self, request: web.Request) -> web.Response:
        if request.query.get("list-type") != "2":
            raise S3Error("NotImplemented", "A header you provided implies functionality that is not implemented")
        prefix, delimiter = request.query.get("prefix", ""), request.query.get("delimiter", "")
        after = _untoken(request.query["continuation-token"]) if "continuation-token" in request.query else ""
        limit = min(int(request.query.get("max-keys", "1000")), self.settings.page_size)
        objects: list[tuple[str, Stored]] = []
        folders: list[str] = []
        more, last = "", ""
        for key, stored in sorted(self.objects.items()):
            if not key.startswith(prefix) or key <= after:
                continue
            if len(objects) + len(folders) == limit:
                more = _token(last)
                break
            rest = key.removeprefix(prefix)
            if delimiter and delimiter in rest:
                folder = prefix + rest.partition(delimiter)[0] + delimiter
                if folder not in folders:
                    folders.append(folder)
            else:
                objects.append((key, stored))
            last = key
        return listing(Page(self.settings.bucket, prefix, delimiter, objects, folders, more, limit))

    def _delete_many(self, body: bytes) -> web.Response:
        try:
            keys = [str(found) for found in etree.fromstring(body).xpath("//*[local-name()='Key']/text()")]
        except etree.XMLSyntaxError:
            raise S3Error("MalformedXML", "The XML you provided was not well-formed") from None
        for key in keys:
            self.objects.pop(key, None)
        return deleted(keys)

    async def _plan(self, request: web.Request) -> web.Response:
        self.faults.plan(await read_body(request, Fault))
        return web.Response(status=204)

    async def _clear(self, _: web.Request) -> web.Response:
        self.faults.clear()
        return web.Response(status=204)

    async def _list_objects(self, _: web.Request) -> web.Response:
        return web.json_response({"objects": {key: len(one.body) for key, one in sorted(self.objects.items())}})


def _refuse_as_planned(fault: Fault | None) -> None:
    if fault is not None and fault.kind == "slow_down":
        raise S3Error("SlowDown", "Please reduce your request rate.")
    if fault is not None and fault.kind == "internal":
        raise S3Error("InternalError", "We encountered an internal error. Please try again.")


async def _cut(request: web.Request, body: bytes) -> web.StreamResponse:
    """The head of the whole answer, half of its bytes, and the end of the connection."""
    answer = web.StreamResponse(headers={"Content-Length": str(len(body)), "ETag": '"cut"'})
    answer.headers["Last-Modified"] = format_datetime(datetime.now(UTC), usegmt=True)
    await answer.prepare(request)
    await answer.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return answer


def _token(key: str) -> str:
    return base64.b64encode(key.encode()).decode()


def _untoken(token: str) -> str:
    try:
        return base64.b64decode(token, validate=True).decode()
    except ValueError:
        raise S3Error("InvalidArgument", "The continuation token provided is incorrect") from None
