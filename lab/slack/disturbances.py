"""What a test ordered to go wrong on the way of the next envelopes: twice, shuffled, late, cut off."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

Send = Callable[[], Awaitable[None]]


@dataclass
class _Held:
    send: Send
    sent: asyncio.Future[None]


@dataclass
class Shuffle:
    """Holds `left` more envelopes back, then sends all of them in another order, each `twice` or perhaps not."""

    left: int
    twice: bool
    order: random.Random
    held: list[_Held] = field(default_factory=list)

    async def hold(self, send: Send) -> None:
        """Returns when it was sent for the first time; raises what sending raised."""
        held = _Held(send, asyncio.get_running_loop().create_future())
        self.held.append(held)
        self.left -= 1
        if self.left < 1:
            await self.release()
        await held.sent

    async def release(self) -> None:
        held, self.held, self.left = self.held, [], 0
        copies = held + [one for one in held if self.twice and self.order.random() < 0.5]
        self.order.shuffle(copies)
        for one in copies:
            await _sent(one)


async def _sent(one: _Held) -> None:
    try:
        await one.send()
    except (ConnectionError, LookupError) as failed:
        if not one.sent.done():
            one.sent.set_exception(failed)
    else:
        if not one.sent.done():
            one.sent.set_result(None)


@dataclass
class Late:
    """The next `left` envelopes, or the acknowledgements of them, take `seconds` on the way."""

    left: int = 0
    seconds: float = 0.0

    def take(self) -> float:
        if self.left < 1:
            return 0.0
        self.left -= 1
        return self.seconds


@dataclass
class Disturbances:
    """`cut`: so many envelopes are sent, and lose their connection as their acknowledgement arrives."""

    duplicates: int = 0
    cut: int = 0
    shuffle: Shuffle | None = None
    late_envelopes: Late = field(default_factory=Late)
    late_acks: Late = field(default_factory=Late)

    def take_duplicate(self) -> bool:
        return self._take("duplicates")

    def take_cut(self) -> bool:
        return self._take("cut")

    def _take(self, name: str) -> bool:
        left: int = getattr(self, name)
        setattr(self, name, max(0, left - 1))
        return left > 0
