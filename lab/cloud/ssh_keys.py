"""SSH keys."""

import base64
import hashlib
from collections.abc import Callable, Mapping

from aiohttp import web
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_ssh_public_key
from pydantic import Field

from lab.cloud.bodies import Body, Labels, Name, read_body
from lab.cloud.clock import now, timestamp
from lab.cloud.entities import SshKey
from lab.cloud.errors import invalid_input, not_unique
from lab.cloud.listing import Json
from lab.cloud.resource import Resource


class CreateSshKey(Body):
    name: Name
    public_key: str
    labels: Labels = Field(default_factory=dict)


def fingerprint_of(public_key: str) -> str:
    """MD5 of the key, colon separated. Raise ValueError for what is no OpenSSH public key."""
    line = public_key.strip()
    try:
        load_ssh_public_key(line.encode())
    except UnsupportedAlgorithm as error:
        raise ValueError(str(error)) from None
    blob = base64.b64decode(line.split()[1])
    return hashlib.md5(blob, usedforsecurity=False).digest().hex(":")


class SshKeys(Resource[SshKey]):
    plural = "ssh_keys"

    def routes(self) -> list[web.RouteDef]:
        return [*super().routes(), web.post("/ssh_keys", self.create)]

    def extra_filters(self) -> Mapping[str, Callable[[SshKey], str]]:
        return {"fingerprint": lambda key: key.fingerprint}

    def view(self, item: SshKey) -> Json:
        return {
            "id": item.id,
            "name": item.name,
            "fingerprint": item.fingerprint,
            "public_key": item.public_key,
            "labels": item.labels,
            "created": timestamp(item.created),
        }

    async def create(self, request: web.Request) -> web.Response:
        body = await read_body(request, CreateSshKey)
        self.collection.refuse_taken(body.name)
        try:
            fingerprint = fingerprint_of(body.public_key)
        except ValueError:
            raise invalid_input("public_key", "must be an OpenSSH public key") from None
        if any(key.fingerprint == fingerprint for key in self.collection):
            raise not_unique("ssh_key", "public_key")
        key = SshKey(
            id=self.project.next_id(),
            name=body.name,
            created=now(),
            labels=body.labels,
            public_key=body.public_key.strip(),
            fingerprint=fingerprint,
        )
        self.collection.add(key)
        return web.json_response({"ssh_key": self.view(key)}, status=201)
