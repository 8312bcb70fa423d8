"""etcd's members behind one door: a call goes to the first that is well, and to the next as well where that is silent.

etcd3's own client for several endpoints repeats nothing, takes one that is stopped for well until somebody calls it,
blames the endpoint in use for another's fault where threads share it, and closes every watch with no word when one call
fails. So each member has a client of its own here, which is told nothing of the others.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import grpc
import structlog
from etcd3 import exceptions
from etcd3.client import Transactions

from gitops.etcd_asking import Asking
from gitops.etcd_endpoint import CALL_SECONDS, METADATA, Endpoint, EtcdTls, Standing
from gitops.etcd_looking import MEMBER_SECONDS, Found, look_at
from gitops.etcd_watch import Watch

__all__ = ["CALL_SECONDS", "FAULTS", "Answer", "EtcdClient", "EtcdTls", "Standing"]

log = structlog.get_logger()

# How long a member may be silent until another one is asked as well.
NEXT_SECONDS = 0.7
# A cluster that chooses its leader anew answers with a fault for a moment.
PAUSE_SECONDS = 0.1
LOOK_SECONDS = 1.0
# In so many looks one after the other a member has to be quick that was lost.
LOOKS = 2
# Members that can be reached, and lead nobody, choose a leader; that is given so long.
ELECTION_SECONDS = 5.0
# What a call takes where a member's disk is slow that all writes wait for; an election may take longer.
SLOW_SECONDS = 0.3
AT_A_TIME = 64
# What etcd3 leaves as it is: what was under way when a member ended in order.
BROKEN_OFF = (grpc.StatusCode.UNKNOWN, grpc.StatusCode.CANCELLED)
# Answers that another member may do better than.
ELSEWHERE = (exceptions.ConnectionFailedError, exceptions.ConnectionTimeoutError, exceptions.InternalServerError)
FAULTS = (exceptions.Etcd3Exception, grpc.RpcError)

T = TypeVar("T")


@dataclass(frozen=True)
class Answer(Generic[T]):
    """What a call came to, and how often somebody was asked for it: each may carry it out, some of them later."""

    value: T
    times: int


class EtcdClient:
    """One etcd, or a list of its members, the preferred one first. Threads may share it."""

    transactions = Transactions()

    def __init__(self, endpoints: Sequence[str], tls: EtcdTls | None = None, *, of_several: bool = False) -> None:
        """`tls` is for endpoints that begin with https. A single endpoint may be that of one `of_several` members, the
        others of which cannot be reached from here."""
        self.alone = len(endpoints) == 1 and not of_several
        self._members = [Endpoint(endpoint, tls) for endpoint in endpoints]
        self._pool = ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="etcd call")
        self._closed = threading.Event()
        self._starting = threading.Lock()
        self._looking: threading.Thread | None = None
        self._silent_since: float | None = None
        self._slow_at = float("-inf")

    def call(self, action: Callable[[Any], T]) -> T:
        """What an action with etcd3's client comes to. It may be carried out by several members, at the same time, and
        by one that answers nobody any more: see `gitops/once.py` for what must not. Raises what etcd3 raises."""
        return self.ask(action).value

    def ask(self, action: Callable[[Any], T]) -> Answer[T]:
        """The same, with how many may carry it out."""
        with self._open():
            if self.alone:
                return Answer(action(self._members[0].client), 1)
            asking = Asking(self._pool, action)
            try:
                return self._first_answer(asking)
            finally:
                asking.end()

    def call_one(self, action: Callable[[Any], T]) -> T:
        """What an action comes to that must not be carried out by two at the same time, and may take its time."""
        *first, last = self._by_preference()
        with self._open():
            for member in first:
                try:
                    return action(member.client)
                except FAULTS as error:
                    if not _may_do_better(error):
                        raise
                    self._lose(member, type(error).__name__)
            return action(last.client)

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

    def was_slow(self, seconds: float) -> bool:
        """Whether a call took long within the last seconds."""
        return time.monotonic() - self._slow_at < seconds

    def standings(self) -> tuple[Standing, ...]:
        """What those members say that answer."""
        with self._open():
            asked = [self._pool.submit(member.standing, MEMBER_SECONDS) for member in self._members]
            return tuple(one.result() for one in asked if not isinstance(one.exception(), grpc.RpcError))

    def hand_on(self, leader: str, member_id: int) -> None:
        """Have another member lead in the place of the one at this address. Raises what gRPC raises."""
        next(one for one in self._members if one.address == leader).hand_on(member_id, CALL_SECONDS)

    @property
    def closed(self) -> bool:
        """Whether nothing can be asked any more."""
        return self._closed.is_set()

    def close(self) -> None:
        """Let go of the connections."""
        self._closed.set()
        for member in self._members:
            member.close()
        self._pool.shutdown(wait=False, cancel_futures=True)

    @contextmanager
    def _open(self) -> Iterator[None]:
        """Whoever asks while this is closed has to end as where etcd is gone; gRPC and the threads have other words."""
        try:
            yield
        except (ValueError, RuntimeError, CancelledError) as error:
            if not self.closed:
                raise
            raise exceptions.ConnectionFailedError from error

    def _first_answer(self, asking: Asking[T]) -> Answer[T]:
        began = time.monotonic()
        fault: Exception = exceptions.ConnectionTimeoutError()
        for member in self._one_after_the_other(began):
            asking.ask(member)
            until = min(time.monotonic() + NEXT_SECONDS, began + CALL_SECONDS)
            while (heard := asking.hear(until)) is not None:
                who, answer = heard
                try:
                    value = answer.result()
                except FAULTS as error:
                    if self.closed or not _may_do_better(error):
                        raise
                    fault = error
                    self._lose(who, type(error).__name__)
                else:
                    self._answered(who, began)
                    return Answer(value, asking.times)
                if who is member:
                    break
            # A call does not say whether one is slow or all are; a look, which asks all at once, does.
            self._look_from_now_on()
        self._slow_at = time.monotonic()
        raise fault

    def _one_after_the_other(self, began: float) -> Iterator[Endpoint]:
        """The members, again and again, as long as a call may last."""
        while True:
            for member in self._by_preference():
                yield member
                if time.monotonic() >= began + CALL_SECONDS:
                    return
            if self._silent_since is not None and self._silent_since < began - CALL_SECONDS:
                # Nobody has answered for long: whoever asks now need not wait as well.
                return
            time.sleep(PAUSE_SECONDS)

    def _by_preference(self) -> list[Endpoint]:
        # A stable order: the preferred one comes first again as soon as it is well.
        return sorted(self._members, key=lambda member: member.lost)

    def _answered(self, member: Endpoint, began: float) -> None:
        if time.monotonic() - began > SLOW_SECONDS:
            self._slow_at = time.monotonic()
        self._silent_since = None
        # While another one is well, a single answer does not say that it is quick again.
        if all(one.lost for one in self._members):
            self._find(member)

    def _lose(self, member: Endpoint, why: str) -> None:
        if not member.lost:
            log.warning("etcd's member does not answer", endpoint=member.address, error=why)
            member.lose()
            self._look_from_now_on()
        if self._silent_since is None and all(one.lost for one in self._members):
            self._silent_since = time.monotonic()

    def _find(self, member: Endpoint) -> None:
        if member.lost:
            log.info("etcd's member answers again", endpoint=member.address)
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
                for found in look_at(self._members):
                    self._judge(found)
            except (ValueError, grpc.FutureCancelledError):  # it was closed
                return

    def _judge(self, found: Found) -> None:
        for member, fault in found.refused.items():
            self._lose(member, str(fault.code()))
        if not found.answered:
            # All are slow, or choose a leader: nobody is better than another one.
            self._slow_at = time.monotonic()
            self._silent_since = self._silent_since or time.monotonic()
            return
        self._silent_since = None
        quickest = min(found.answered.values())
        if quickest > SLOW_SECONDS:
            self._slow_at = time.monotonic()
        if quickest < MEMBER_SECONDS / 2:
            for member in found.silent:
                self._lose(member, "silent while another answers")
        others = [member for member in self._members if not member.lost]
        for member, seconds in found.answered.items():
            member.prompt = member.prompt + 1 if seconds < SLOW_SECONDS else 0
            if not others or member.prompt >= LOOKS:
                self._find(member)


def _may_do_better(error: BaseException) -> bool:
    """Whether another member may answer where one gave this fault."""
    return isinstance(error, ELSEWHERE) or (isinstance(error, grpc.Call) and error.code() in BROKEN_OFF)
