"""What was asked and answered, so that a test can count calls."""

from dataclasses import asdict, dataclass, field


@dataclass(frozen=True)
class LoggedRequest:
    method: str
    path: str
    """Without the `/v1` before and the query behind."""
    query: str
    status: int
    """0 when the answer was lost on purpose."""


@dataclass
class RequestLog:
    requests: list[LoggedRequest] = field(default_factory=list)

    def add(self, method: str, path: str, query: str, status: int) -> None:
        self.requests.append(LoggedRequest(method, path, query, status))

    def count(self, method: str, path: str) -> int:
        return sum(1 for request in self.requests if (request.method, request.path) == (method, path))

    def view(self) -> list[dict[str, object]]:
        return [asdict(request) for request in self.requests]
