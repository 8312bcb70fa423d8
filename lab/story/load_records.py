"""What a load client writes down, a line of JSON each. Times are Unix seconds."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal

Kind = Literal["kept", "short", "websocket"]
SocketEnd = Literal["closed", "cut", "ours"]


@dataclass(frozen=True)
class Request:
    """One request and what came of it: the first line of a 200's body, or why it failed.

    `again` says that a kept connection had been closed while it was idle, so that it was asked on a new one.
    """

    kind: Kind
    began: float
    ended: float
    answer: str = ""
    failure: str = ""
    again: bool = False


@dataclass(frozen=True)
class Socket:
    """One websocket's life: the server closed it in order, it was cut off, or the load was over (`ours`)."""

    opened: float
    ended: float
    end: SocketEnd
    release: str
    reason: str = ""

    @property
    def age(self) -> float:
        """Seconds that it lived."""
        return self.ended - self.opened


Record = Request | Socket


def line_of(record: Record) -> str:
    """A record as it stands in the file."""
    return json.dumps({"record": type(record).__name__, **asdict(record)}) + "\n"


@dataclass(frozen=True)
class Report:
    """Everything that has ended so far, in the order of its end."""

    asked: tuple[Request, ...] = ()
    sockets: tuple[Socket, ...] = ()

    @classmethod
    def of_lines(cls, lines: Iterable[str]) -> "Report":
        """Read what a client has written; a line that is still being written is left out."""
        asked: list[Request] = []
        sockets: list[Socket] = []
        for line in lines:
            if not line.endswith("\n"):
                continue
            fields = json.loads(line)
            if fields.pop("record") == "Request":
                asked.append(Request(**fields))
            else:
                sockets.append(Socket(**fields))
        return cls(tuple(asked), tuple(sockets))

    @property
    def requests(self) -> int:
        """How many requests there were, handshakes of websockets among them."""
        return len(self.asked)

    @property
    def failures(self) -> tuple[Request, ...]:
        """The requests that failed."""
        return tuple(one for one in self.asked if one.failure)

    @property
    def answers(self) -> Counter[str]:
        """How often each answer was given."""
        return Counter(one.answer for one in self.asked if not one.failure)

    @property
    def cut(self) -> tuple[Socket, ...]:
        """The websockets that were cut off."""
        return tuple(socket for socket in self.sockets if socket.end == "cut")

    def in_flight(self, at: float) -> tuple[Request, ...]:
        """The requests that had begun at a moment and had not ended."""
        return tuple(one for one in self.asked if one.began <= at < one.ended)

    def between(self, since: float, until: float) -> "Report":
        """What began in a window, both ends included."""
        asked = (one for one in self.asked if since <= one.began <= until)
        sockets = (one for one in self.sockets if since <= one.opened <= until)
        return Report(tuple(asked), tuple(sockets))
