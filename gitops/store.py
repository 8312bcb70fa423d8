"""etcd, as flstr uses it: text values, transactions, and a following of prefixes that survives a restarted server."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import etcd3
import grpc

from gitops.etcd_client import CALL_SECONDS, FAULTS, EtcdClient, EtcdTls, Standing
from gitops.etcd_following import Following, OnChange
from gitops.etcd_text import pair_of, text_of
from gitops.fencing import epoch_from, host_token
from gitops.once import Once
from gitops.portions import AT_ONCE, portions
from model import keys
from model.errors import EtcdSilent, Fenced, Unreadable

__all__ = ["AT_ONCE", "CALL_SECONDS", "EtcdTls", "Fence", "Member", "Standing", "Store"]

SNAPSHOT_SECONDS = 600.0

T = TypeVar("T")


@dataclass(frozen=True)
class Member:
    """One of the servers that etcd runs on, and the addresses at which the others and its clients reach it."""

    name: str
    urls: tuple[str, ...]


@dataclass(frozen=True)
class Fence:
    """Leadership, or a lock, at one point in time; `token`, the create revision of its key, grows with each holder."""

    key: str
    token: int
    epoch: int = 0

    @property
    def told(self) -> int:
        """The token as machines are told it, which have to know it from those of an etcd that was before this one."""
        return host_token(self.epoch, self.token)


class Store:
    """One etcd, or a list of its members. Every call raises `Unreadable` where no member answers, or holds no text."""

    def __init__(
        self,
        endpoints: Sequence[str],
        fences: Sequence[Fence] = (),
        client: EtcdClient | None = None,
        tls: EtcdTls | None = None,
        once: Once | None = None,
    ) -> None:
        """`tls` is for endpoints that begin with https."""
        self._endpoints = tuple(endpoints)
        self._fences = tuple(fences)
        self._client = client or EtcdClient(self._endpoints, tls)
        self._once = once or Once(self._client)

    def fenced(self, *fences: Fence) -> "Store":
        """The same etcd, whose writes fail with `Fenced` as well once somebody else has taken over one of these."""
        return Store(self._endpoints, (*self._fences, *fences), self._client, once=self._once)

    @property
    def fence(self) -> Fence | None:
        """The leadership that writes depend on, if any."""
        return next(iter(self._fences), None)

    def get(self, key: str) -> str | None:
        """The value of a key, or None."""
        value, _ = self._call(lambda etcd: etcd.get(key))
        return None if value is None else text_of(key.encode(), value)

    def prefix(self, prefix: str) -> dict[str, str]:
        """All keys that begin so, from one read."""
        return self._prefix(prefix)[0]

    def names(self, prefix: str) -> frozenset[str]:
        """The names of all keys that begin so, whatever they hold."""
        answer = self._range(prefix, keys_only=True)
        return frozenset(text_of(pair.key, pair.key) for pair in answer.kvs)

    def changed(self, prefix: str, since: int) -> tuple[dict[str, str], int]:
        """The keys that begin so and were written after revision `since`, and the revision they were read at."""
        answer = self._call(lambda etcd: etcd.get_prefix_response(prefix, min_mod_revision=since + 1))
        return dict(pair_of(pair.key, pair.value) for pair in answer.kvs), int(answer.header.revision)

    def prefixes(self, prefixes: Sequence[str]) -> dict[str, str]:
        """All keys under several prefixes, read in one transaction, so that they belong together."""
        etcd = self._client.transactions
        reads = [etcd.get(prefix, range_end=etcd3.utils.prefix_range_end(prefix.encode())) for prefix in prefixes]
        _, answers = self._call(lambda client: client.transaction(compare=[], success=reads, failure=[]))
        return dict(pair_of(meta.key, value) for answer in answers for value, meta in answer)

    def put(self, key: str, value: str) -> None:
        """Write a key, whatever it held."""
        self.write({key: value})

    def put_new(self, key: str, value: str) -> bool:
        """Write a key unless it exists; says whether it was written."""
        return self._transact([self._client.transactions.version(key) == 0], {key: value}, ())

    def swap(self, key: str, old: str, new: str) -> bool:
        """Write a key if it still holds `old`; says whether it was written."""
        return self.write_where(key, old, {key: new})

    def write_where(self, key: str, old: str | None, puts: Mapping[str, str], deletes: Sequence[str] = ()) -> bool:
        """Write and remove keys at once if `key` still holds `old`, which is None where it is absent; says whether
        that was done."""
        etcd = self._client.transactions
        unchanged = etcd.version(key) == 0 if old is None else etcd.value(key) == old
        return self._transact([unchanged], puts, deletes)

    def delete(self, *keys: str) -> None:
        """Remove any number of keys; absent ones are no fault."""
        for start in range(0, len(keys), AT_ONCE):
            self.write({}, keys[start : start + AT_ONCE])

    def delete_prefix(self, prefix: str) -> None:
        """Remove every key that begins so."""
        self.delete(*self.names(prefix))

    def write(self, puts: Mapping[str, str], deletes: Sequence[str] = ()) -> None:
        """Write and remove up to `AT_ONCE` keys at once, or none of them."""
        if puts or deletes:
            self._transact([], puts, deletes)

    def write_many(self, puts: Mapping[str, str]) -> None:
        """Write any number of keys in their order, in as many transactions as it takes: whoever is killed in between
        has written the first ones."""
        for portion in portions(puts):
            self.write(portion)

    def check_fence(self) -> None:
        """Raise `Fenced` where another controller has taken over; for what is changed outside etcd and the hosts."""
        self._transact([], {}, ())

    def lease(self, ttl: int) -> Any:
        """A lease of `ttl` seconds."""
        return self._call(lambda etcd: etcd.lease(ttl))

    def keep_alive(self, lease: Any) -> bool:
        """Renew a lease; False where it has ended already."""
        return bool(self._call(lambda etcd: list(etcd.refresh_lease(lease.id)))[0].TTL)

    def revoke(self, lease: Any) -> None:
        """End a lease now, and the keys that go with it."""
        self._call(lambda etcd: _revoke(etcd, lease))

    def put_leased(self, key: str, value: str, lease: Any) -> int | None:
        """Write a key that goes with its lease, unless it exists; its create revision, or None where it was there, or
        has ended with its lease by now."""
        put = self._client.transactions.put(key, value, lease)
        if not self._commit([self._client.transactions.version(key) == 0], [put]):
            return None
        _, meta = self._call(lambda etcd: etcd.get(key))
        # Whoever stood still meanwhile finds the next one's there, which is no token of its own.
        mine = meta is not None and meta.lease_id == (0 if lease is None else lease.id)
        return int(meta.create_revision) if mine else None

    def put_with(self, lease: Any, key: str, value: str) -> None:
        """Write a key that goes with its lease, whatever it held and went with."""
        self._commit([], [self._client.transactions.put(key, value, lease)])

    def epoch(self) -> int:
        """The number of this etcd among those that the cluster's machines have obeyed."""
        text = self.get(keys.EPOCH)
        found = epoch_from(text)
        if found is None:
            raise Unreadable(f"etcd: {keys.EPOCH} holds '{text}', which is no number")
        return found

    def create_revision(self, key: str) -> int | None:
        """The revision at which a key came to be, or None."""
        _, meta = self._call(lambda etcd: etcd.get(key))
        return None if meta is None else int(meta.create_revision)

    def members(self) -> tuple[Member, ...]:
        """The servers that etcd runs on."""
        found = self._call(lambda etcd: list(etcd.members))
        return tuple(Member(str(one.name), (*one.peer_urls, *one.client_urls)) for one in found)

    def revision(self) -> int:
        """How often anything was written so far."""
        return int(self._call(lambda etcd: etcd.get_response("flstr")).header.revision)

    def snapshot(self, to: Path) -> None:
        """Write the whole of etcd's database to a file, and behind it its SHA-256."""

        def take(etcd: Any) -> None:
            # Whoever asks another member begins the file anew. A large database takes its time.
            with to.open("wb") as file:
                for piece in etcd.maintenancestub.Snapshot(etcd3.etcdrpc.SnapshotRequest(), SNAPSHOT_SECONDS):
                    file.write(piece.blob)

        self._say(lambda: self._client.call_one(take))

    def follow(self, prefix: str, on_change: OnChange) -> Following:
        """Hear every key under a prefix: those that are there at once, then each change, across restarts of etcd.

        `on_change(key, value)` runs on one thread of its own, with None for a removed key, and may hear the same
        value twice.
        """
        return Following(self._client, lambda: self._prefix(prefix), prefix, on_change)

    @property
    def endpoints(self) -> tuple[str, ...]:
        """Where etcd is, the preferred member first."""
        return self._endpoints

    def is_well(self) -> bool:
        """Whether any of several members answered when they were last looked at; costs nothing."""
        return self._client.is_well()

    @property
    def closed(self) -> bool:
        """Whether nothing can be asked any more."""
        return self._client.closed

    def was_slow(self, seconds: float) -> bool:
        """Whether a call took long within the last seconds; costs nothing."""
        return self._client.was_slow(seconds)

    def standings(self) -> tuple[Standing, ...]:
        """What those members say of themselves that answer."""
        return self._say(self._client.standings)

    def hand_on(self, leader: str, member_id: int) -> None:
        """Have another member lead etcd in the place of the one at this address."""
        self._say(lambda: self._client.hand_on(leader, member_id))

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def _range(self, prefix: str, **wanted: bool) -> Any:
        # etcd has no empty key: everything is the range from the first one.
        return self._call(
            lambda etcd: etcd.get_prefix_response(prefix, **wanted) if prefix else etcd.get_all_response(**wanted)
        )

    def _prefix(self, prefix: str) -> tuple[dict[str, str], int]:
        answer = self._range(prefix)
        return dict(pair_of(pair.key, pair.value) for pair in answer.kvs), int(answer.header.revision)

    def _transact(self, compare: list[Any], puts: Mapping[str, str], deletes: Sequence[str]) -> bool:
        etcd = self._client.transactions
        writes = [etcd.put(key, value) for key, value in puts.items()] + [etcd.delete(key) for key in deletes]
        return self._commit(compare, writes)

    def _commit(self, compare: list[Any], writes: list[Any]) -> bool:
        etcd = self._client.transactions
        guard = [etcd.create(fence.key) == fence.token for fence in self._fences]
        done = self._say(lambda: self._once.commit([*guard, *compare], writes))
        for fence in () if done else self._fences:
            if self.create_revision(fence.key) != fence.token:
                raise Fenced(f"somebody else holds {fence.key} since token {fence.token}")
        return done

    def _call(self, action: Callable[[Any], T]) -> T:
        return self._say(lambda: self._client.call(action))

    def _say(self, action: Callable[[], T]) -> T:
        try:
            return action()
        except FAULTS as error:
            raise EtcdSilent(
                f"etcd at {', '.join(self._endpoints)} does not answer ({type(error).__name__})"
            ) from error


def _revoke(etcd: Any, lease: Any) -> None:
    try:
        etcd.revoke_lease(lease.id)
    except grpc.RpcError as error:
        # It has ended already, by this very call where its answer was lost.
        if not isinstance(error, grpc.Call) or error.code() is not grpc.StatusCode.NOT_FOUND:
            raise
