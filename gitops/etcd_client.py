"""etcd's members behind one door: a call goes to the first that is well, and to the next where that does not answer.

etcd3's own client for several endpoints repeats nothing, takes one that is stopped for well until somebody calls it,
blames the endpoint in use for another's fault where threads share it, and closes every watch with no word when one call
fails. So each member has a client of its own here, which is told nothing of the others.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import etcd3
import grpc
import structlog
from etcd3 import etcdrpc, exceptions
from etcd3.client import Transactions

from gitops.etcd_watch import Watch

log = structlog.get_logger()

# No call lasts longer; leadership, whose lease lasts six seconds, has to hear of it in time.
CALL_SECONDS = 5.0
# How long one of several members is given to answer.
MEMBER_SECONDS = 1.2
# A cluster that chooses its leader anew answers with a fault for a moment.
PAUSE_SECONDS = 0.1
LOOK_SECONDS = 1.0
# Members that can be reached, and lead nobody, choose a leader; that is given so long.
ELECTION_SECONDS = 5.0
KEEPALIVE = (
    # etcd takes more than one ping in five seconds for an attack.
    ("grpc.keepalive_time_ms", 6000),
    ("grpc.keepalive_timeout_ms", 2000),
    ("grpc.http2.max_pings_without_data", 0),
)
GRPC_OPTIONS = (
    # Everything under a prefix comes in one answer; gRPC would refuse one of more than 4 MiB.
    ("grpc.max_receive_message_length", -1),
    # One that is back is found again soon.
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 1000),
    ("grpc.max_reconnect_backoff_ms", 1000),
    *KEEPALIVE,
)
# A member that knows of no leader says so at once, and ends its watches, instead of waiting for one.
METADATA = (("hasleader", "true"),)
# What etcd3 leaves as it is: what was under way when a member ended in order.
BROKEN_OFF = (grpc.StatusCode.UNKNOWN, grpc.StatusCode.CANCELLED)
# Answers that another member may do better than.
ELSEWHERE = (exceptions.ConnectionFailedError, exceptions.ConnectionTimeoutError, exceptions.InternalServerError)
UNANSWERED = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.INTERNAL)
# How etcd's own faults begin, such as that it knows of no leader.
FROM_ETCD = "etcdserver: "
FAULTS = (exceptions.Etcd3Exception, grpc.RpcError)
# Any key: what counts is that the members agree on it.
LOOKED_AT = b"flstr"

T = TypeVar("T")


@dataclass(frozen=True)
class EtcdTls:
    """The files, all PEM, by which etcd and flstr know each other; the certificate's common name is the user."""

    ca: Path
    certificate: Path
    key: Path


class EtcdClient:
    """One etcd, or a list of its members, the preferred one first. Threads may share it."""

    transactions = Transactions()

    def __init__(self, endpoints: Sequence[str], tls: EtcdTls | None = None) -> None:
        """`tls` is for endpoints that begin with https."""
        self.alone = len(endpoints) == 1
        seconds = CALL_SECONDS if self.alone else MEMBER_SECONDS
        self._members = [_Member(endpoint, tls, seconds) for endpoint in endpoints]
        self._closed = threading.Event()
        self._starting = threading.Lock()
        self._looking: threading.Thread | None = None
        self._silent_since: float | None = None

    def call(self, action: Callable[[Any], T]) -> T:
        """What an action with etcd3's client comes to. It may be carried out by several members, one after the other,
        and by one that answers nobody any more: see `gitops/once.py` for what must not. Raises what etcd3 raises."""
        began = time.monotonic()
        while True:
            for member in self._by_preference():
                try:
                    answer = action(member.client)
                except ValueError as error:
                    if not self.closed:
                        raise
                    # gRPC's word for it; whoever asks has to end as where etcd is gone.
                    raise exceptions.ConnectionFailedError from error
                except FAULTS as error:
                    if self.closed or not _may_do_better(error):
                        raise
                    self._lose(member, error)
                    if self.alone or time.monotonic() + MEMBER_SECONDS > began + CALL_SECONDS:
                        raise
                    fault: Exception = error
                else:
                    self._find(member)
                    return answer
            if self._silent_since is not None and self._silent_since < began - CALL_SECONDS:
                # Nobody has answered for long: whoever asks now need not wait as well.
                raise fault
            time.sleep(PAUSE_SECONDS)

    def watch(self, prefix: str, revision: int) -> Watch:
        """The changes under a prefix from a revision on, as long as the member is well that tells them."""
        if not self.alone:
            self._look_from_now_on()
        member = self._by_preference()[0]
        watch = Watch(member.channel, prefix, revision, METADATA)
        member.watches.append(watch)
        if member.lost:
            watch.cancel()
        return watch

    def forget(self, watch: Watch) -> None:
        """End a watch."""
        watch.cancel()
        for member in self._members:
            if watch in member.watches:
                member.watches.remove(watch)

    def is_well(self) -> bool:
        """Whether any member answered when it was last looked, or most are there and choose a leader; one that is alone
        is taken to be."""
        if self.alone:
            return True
        self._look_from_now_on()
        if (since := self._silent_since) is None:
            return True
        most_are_there = 2 * sum(member.there for member in self._members) > len(self._members)
        return most_are_there and time.monotonic() - since < ELECTION_SECONDS

    @property
    def closed(self) -> bool:
        """Whether nothing can be asked any more."""
        return self._closed.is_set()

    def close(self) -> None:
        """Let go of the connections."""
        self._closed.set()
        for member in self._members:
            member.close()

    def _by_preference(self) -> list["_Member"]:
        # A stable order: the preferred one comes first again as soon as it is well.
        return sorted(self._members, key=lambda member: member.lost)

    def _lose(self, member: "_Member", error: BaseException) -> None:
        if not member.lost and not self.alone:
            log.warning("etcd's member does not answer", endpoint=member.endpoint, error=type(error).__name__)
            member.lose()
            self._look_from_now_on()
        if self._silent_since is None and all(one.lost for one in self._members):
            self._silent_since = time.monotonic()

    def _find(self, member: "_Member") -> None:
        if member.lost:
            log.info("etcd's member answers again", endpoint=member.endpoint)
        member.lost = False
        self._silent_since = None

    def _look_from_now_on(self) -> None:
        """Ask each member every second from now on: a watch does not notice that its member is stopped."""
        with self._starting:
            if self._looking is None and not self._closed.is_set():
                self._looking = threading.Thread(target=self._look, name="etcd members", daemon=True)
                self._looking.start()

    def _look(self) -> None:
        while not self._closed.wait(LOOK_SECONDS):
            try:
                # All are asked before any answer is waited for.
                for member, answer in [(member, member.ask()) for member in self._members]:
                    fault = answer.exception()
                    # Who may not read the key is answered all the same.
                    member.there = not isinstance(fault, grpc.Call) or FROM_ETCD in (fault.details() or "")
                    if isinstance(fault, grpc.Call) and fault.code() in UNANSWERED:
                        self._lose(member, fault)
                    else:
                        self._find(member)
            except (ValueError, grpc.FutureCancelledError):  # it was closed
                return


class _Member:
    """One of the servers that etcd runs on."""

    def __init__(self, endpoint: str, tls: EtcdTls | None, seconds: float) -> None:
        self.endpoint = endpoint
        self.lost = False
        self.there = True
        self.watches: list[Watch] = []
        secure, (host, _, port) = endpoint.startswith("https://"), endpoint.partition("://")[2].rpartition(":")
        at = etcd3.Endpoint(
            host=host,
            port=int(port),
            secure=secure,
            creds=_credentials(tls) if secure else None,
            # Whether it may be tried again is not left to etcd3.
            time_retry=float("-inf"),
            opts=GRPC_OPTIONS,
        )
        self.channel: grpc.Channel = at.channel
        self.client = etcd3.MultiEndpointEtcd3Client(endpoints=[at], timeout=seconds)
        self.client.metadata = METADATA
        self._kv = etcdrpc.KVStub(self.channel)

    def ask(self) -> Any:
        """An answer to come, which a member gives only together with most others."""
        request = etcdrpc.RangeRequest(key=LOOKED_AT, count_only=True)
        return self._kv.Range.future(request, MEMBER_SECONDS, metadata=METADATA)

    def lose(self) -> None:
        """Whoever heard of changes from it has to hear of them from another one."""
        self.lost = True
        for watch in [*self.watches]:
            watch.cancel()

    def close(self) -> None:
        """Let go of the connection."""
        self.lose()
        self.client.close()


def _may_do_better(error: Exception) -> bool:
    """Whether another member may answer where one gave this fault."""
    return isinstance(error, ELSEWHERE) or (isinstance(error, grpc.Call) and error.code() in BROKEN_OFF)


def _credentials(tls: EtcdTls | None) -> grpc.ChannelCredentials:
    if tls is None:
        return grpc.ssl_channel_credentials()
    return grpc.ssl_channel_credentials(tls.ca.read_bytes(), tls.key.read_bytes(), tls.certificate.read_bytes())
