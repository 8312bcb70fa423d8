"""The machines of one cluster in the Hetzner Cloud: found by name and label, rented, given back."""

import base64
import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import requests
from hcloud import APIException, Client
from hcloud.actions import BoundAction
from hcloud.images import Image
from hcloud.locations import Location
from hcloud.placement_groups import BoundPlacementGroup
from hcloud.server_types import ServerType
from hcloud.servers import BoundServer
from hcloud.ssh_keys import BoundSSHKey

from executors.cloud_errors import in_words
from executors.placement_groups import FULL, PlacementGroups
from executors.places import Place
from model.errors import StepFailed
from model.steps import CreateNode

HETZNER = "https://api.hetzner.cloud/v1"
POLL_SECONDS = 0.5
GONE_SECONDS = 120.0
# A server that is still starting, or already being deleted, is locked for a while.
PASSING = frozenset({"locked", "conflict", "not_found"})

_making_ssh_key = threading.Lock()


@dataclass(frozen=True)
class CloudSettings:
    """How to reach the cloud, and the public half of the SSH key that flstr uses on its machines."""

    token: str = field(repr=False)
    ssh_public_key: str
    api_endpoint: str = HETZNER


def client_of(settings: CloudSettings) -> Client:
    """A client of hcloud's that waits for actions up to some minutes."""
    return Client(
        token=settings.token,
        api_endpoint=settings.api_endpoint,
        application_name="flstr",
        poll_interval=POLL_SECONDS,
        poll_max_retries=600,
        timeout=30,
    )


class MaybeRented(Exception):
    """A server of that name exists, or may be appearing because the answer to the request was lost."""


@dataclass(frozen=True)
class Rented:
    """A server, and the actions that are bringing it up."""

    server: BoundServer
    actions: tuple[BoundAction, ...]


class Cloud:
    """What flstr asks of the cloud, for one cluster. Every call raises `StepFailed` with one sentence."""

    def __init__(self, settings: CloudSettings, cluster: str) -> None:
        self._client = client_of(settings)
        self._public_key = settings.ssh_public_key
        self._cluster = cluster
        self._groups = PlacementGroups(self._client, cluster)

    def find(self, node: str, within: float = 0.0) -> BoundServer | None:
        """The cluster's server of that name; one that may just be appearing is waited for, `within` seconds."""
        deadline = time.monotonic() + within
        with in_words(f"{node}: looking for its server"):
            while (server := self._client.servers.get_by_name(node)) is None and time.monotonic() < deadline:
                time.sleep(POLL_SECONDS)
        if server is not None and (server.labels or {}).get("cluster") != self._cluster:
            raise StepFailed(
                f"{node}: a server of that name exists that is not cluster {self._cluster}'s; rename it, or give the "
                "cluster a Hetzner project of its own"
            )
        return server

    def rent(self, step: CreateNode, place: Place, user_data: str, host_key_label: str) -> Rented:
        """A new server. Raises `MaybeRented` where there is one already, and where the answer was lost."""
        labels = {"cluster": self._cluster, "pool": step.pool, "node": step.node, "host-key": host_key_label}

        with in_words(f"{step.node}: renting a {place}"):
            ssh_key = self._ssh_key()

            def order(group: BoundPlacementGroup | None) -> Rented:
                answer = self._client.servers.create(
                    name=step.node,
                    server_type=ServerType(name=place.server_type),
                    image=Image(name=step.image),
                    location=Location(name=place.location),
                    ssh_keys=[ssh_key],
                    user_data=user_data,
                    labels=labels,
                    placement_group=group,
                )
                return Rented(answer.server, (answer.action, *answer.next_actions))

            try:
                return self._spread(step.pool, order) if step.spread else order(None)
            except requests.ConnectionError as error:
                raise MaybeRented from error
            except APIException as error:
                if error.code == "uniqueness_error":
                    raise MaybeRented from error
                raise

    def _spread(self, pool: str, order: Callable[[BoundPlacementGroup], Rented]) -> Rented:
        """Order in a placement group of the pool; one of whose servers the cloud still counts may be full."""
        full = set[int]()
        while True:
            with self._groups.room(pool, full) as group:
                try:
                    return order(group)
                except APIException as error:
                    if error.code != FULL or group.id is None or group.id in full:
                        raise
                    full.add(group.id)

    def drop_unused_groups(self) -> None:
        """Delete the cluster's placement groups in which no server is."""
        with in_words("deleting placement groups without servers"):
            self._groups.drop_unused()

    def await_start(self, node: str, actions: tuple[BoundAction, ...]) -> None:
        """Wait until the cloud has brought a server up. Raises `CloudFailed` with its word where it could not."""
        with in_words(f"{node}: starting its server"):
            for action in actions:
                action.wait_until_finished()

    def creation(self, server: BoundServer) -> tuple[BoundAction, ...]:
        """What made a server that may not be up yet, and may never be; nothing of one that runs."""
        if server.status == server.STATUS_RUNNING:
            return ()
        with in_words(f"{server.name}: looking at how its server was made"):
            return tuple(action for action in server.get_actions() if action.command == "create_server")

    def give_back(self, node: str) -> bool:
        """Delete the cluster's server of that name and wait until it is gone; says whether there was one."""
        deadline = time.monotonic() + GONE_SECONDS
        found = False
        while (server := self.find(node)) is not None:
            if time.monotonic() > deadline:
                raise StepFailed(f"{node}: the cloud has not deleted its server after {GONE_SECONDS:.0f} s")
            found = True
            with in_words(f"{node}: giving its server back"):
                self._delete(server)
            time.sleep(POLL_SECONDS)
        return found

    def _delete(self, server: BoundServer) -> None:
        try:
            self._client.servers.delete(server).wait_until_finished()
        except APIException as error:
            if error.code not in PASSING:
                raise

    def _ssh_key(self) -> BoundSSHKey:
        """The account's copy of flstr's SSH key, made on first asking; machines rented side by side ask at once."""
        with _making_ssh_key:
            existing = self._client.ssh_keys.get_by_fingerprint(_md5_fingerprint(self._public_key))
            return existing or self._client.ssh_keys.create(
                name=f"flstr-{self._cluster}", public_key=self._public_key, labels={"cluster": self._cluster}
            )


def _md5_fingerprint(public_key: str) -> str:
    """The form in which the cloud lists SSH keys: MD5 of the key, in pairs of digits."""
    digest = hashlib.md5(base64.b64decode(public_key.split()[1]), usedforsecurity=False).hexdigest()
    return ":".join(digest[index : index + 2] for index in range(0, len(digest), 2))
