"""Transactions that are carried out once, also where an answer is lost and another member is asked.

A member that is stopped, or cut off, may hold a transaction whose answer nobody waits for any more, and carry it out
when it is back: over what was written since. So each transaction at one of several members names a slip, a key with a
number, as the number stands, and counts it on. Whatever is sent twice can succeed once; whether it did is then written
on the slip; and what is given up is made void before anything else is written.

What may be repeated with no slip: reads; a lease's renewal and end; the grant of a lease, since one that nobody knows
of ends by itself; a slip's own making, under a new name each time.
"""

import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gitops.etcd_client import FAULTS, EtcdClient
from model import keys
from model.errors import Unreadable

VOID = "void"


@dataclass(frozen=True)
class _Slip:
    key: str
    number: int

    @property
    def held(self) -> str:
        return str(self.number)

    @property
    def next(self) -> "_Slip":
        return _Slip(self.key, self.number + 1)


class Once:
    """The slips of one client: as many as there are transactions at a time."""

    def __init__(self, client: EtcdClient) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._free: list[_Slip] = []
        self._given_up: list[_Slip] = []

    def commit(self, compare: Sequence[Any], writes: Sequence[Any]) -> bool:
        """Write where the comparisons hold; says whether they did. Raises `Unreadable`, or what etcd3 raises, where
        that is not known; then it was done before anything else is, or is not done any more."""
        if self._client.alone or not writes:
            return bool(self._client.call(lambda etcd: etcd.transaction([*compare], [*writes], []))[0])
        self._make_void()
        while True:
            slip = self._take()
            try:
                done, held, lost = self._try(slip, compare, writes)
            except FAULTS:
                self._give_up(slip)
                raise
            if done or held == slip.next.held:
                self._put_back(slip.next)
                return True
            if held == slip.held:
                if not lost:
                    self._put_back(slip)
                    return False
                # What was sent before may still come to be.
                held = self._void(slip)
                if held is not None:
                    return held == slip.next.held
                lost = True
            if lost:
                raise Unreadable("etcd has lost what was noted of a write, so it is not known whether it was done")
            # Somebody tidied up; nothing was done.

    def _try(self, slip: _Slip, compare: Sequence[Any], writes: Sequence[Any]) -> tuple[bool, str | None, bool]:
        """Whether it was done now, what the slip held otherwise, and whether others were asked who may carry it out."""
        etcd = self._client.transactions
        unused = etcd.value(slip.key) == slip.held
        puts = [*writes, etcd.put(slip.key, slip.next.held)]
        answer = self._client.ask(lambda client: client.transaction([unused, *compare], puts, [etcd.get(slip.key)]))
        done, answers = answer.value
        return bool(done), None if done else _held(answers[0]), answer.times > 1

    def _make_void(self) -> None:
        """What was given up must not come to be after what is written next."""
        while self._given_up:
            with self._lock:
                if not self._given_up:
                    return
                slip = self._given_up[0]
                self._void(slip)
                self._given_up.pop(0)

    def _void(self, slip: _Slip) -> str | None:
        """Have what was sent with a slip never come to be any more; what the slip holds then, None where it is gone."""
        etcd = self._client.transactions
        unused = [etcd.value(slip.key) == slip.held]
        try:
            done, answers = self._client.call(
                lambda client: client.transaction(unused, [etcd.put(slip.key, VOID)], [etcd.get(slip.key)])
            )
        except FAULTS:
            self._give_up(slip)
            raise
        return VOID if done else _held(answers[0])

    def _give_up(self, slip: _Slip) -> None:
        if slip not in self._given_up:
            self._given_up.append(slip)

    def _take(self) -> _Slip:
        with self._lock:
            if self._free:
                return self._free.pop()
        return _Slip(self._client.call(_new_slip), 0)

    def _put_back(self, slip: _Slip) -> None:
        with self._lock:
            self._free.append(slip)


def _new_slip(etcd: Any) -> str:
    # One that comes to be late would set back a number that has gone on, so each try has a name of its own.
    key = keys.slip(secrets.token_hex(8))
    etcd.put(key, "0")
    return key


def _held(answer: Any) -> str | None:
    return answer[0][0].decode() if answer else None
