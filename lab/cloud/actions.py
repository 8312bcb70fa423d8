"""Actions: the work an API call started, which takes time, is polled, and locks what it works on."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import structlog

from lab.cloud.clock import now, timestamp
from lab.cloud.errors import ApiError, locked, not_found

log = structlog.get_logger()

Work = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class ResourceRef:
    type: str
    id: int


@dataclass(kw_only=True, eq=False)
class Action:
    id: int
    command: str
    resources: tuple[ResourceRef, ...]
    locks: tuple[ResourceRef, ...]
    seconds: float
    created: datetime
    began: datetime | None = None
    finished: datetime | None = None
    status: Literal["running", "success", "error"] = "running"
    error: dict[str, str] | None = None
    done: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def progress(self) -> int:
        if self.status != "running":
            return 100
        if self.began is None:
            return 0
        elapsed = (now() - self.began).total_seconds()
        return min(99, int(100 * elapsed / self.seconds)) if self.seconds else 99

    def finish(self, error: ApiError | None = None) -> None:
        self.finished = now()
        self.status = "success" if error is None else "error"
        self.error = None if error is None else {"code": error.code, "message": error.message}
        self.done.set()

    def view(self) -> dict[str, object]:
        return {
            "id": self.id,
            "command": self.command,
            "status": self.status,
            "progress": self.progress,
            "started": timestamp(self.created),
            "finished": timestamp(self.finished) if self.finished else None,
            "resources": [{"id": ref.id, "type": ref.type} for ref in self.resources],
            "error": self.error,
        }


async def nothing_more() -> None:
    """The work of an action whose effect was there at once."""


class ActionLog:
    """Every action of the project, running and finished."""

    def __init__(self, next_id: Callable[[], int]) -> None:
        self._next_id = next_id
        self._actions: dict[int, Action] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._failures: list[tuple[str, ApiError]] = []

    def __iter__(self) -> Iterator[Action]:
        return iter(self._actions.values())

    def get(self, action_id: int) -> Action:
        if action_id not in self._actions:
            raise not_found("action", action_id)
        return self._actions[action_id]

    def start(
        self,
        command: str,
        *resources: ResourceRef,
        seconds: float,
        work: Work = nothing_more,
        after: Action | None = None,
        locks: tuple[ResourceRef, ...] | None = None,
    ) -> Action:
        """Run work once `after` is through and the seconds are over. Locks its resources unless told which."""
        action = Action(
            id=self._next_id(),
            command=command,
            resources=resources,
            locks=resources if locks is None else locks,
            seconds=seconds,
            created=now(),
        )
        self._actions[action.id] = action
        self.spawn(self._run(action, work, after))
        return action

    def spawn(self, work: Awaitable[None]) -> None:
        """Run in the background until done, or until the cloud stops."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def is_locked(self, ref: ResourceRef) -> bool:
        return any(action.status == "running" and ref in action.locks for action in self)

    def refuse_locked(self, *refs: ResourceRef) -> None:
        for ref in refs:
            if self.is_locked(ref):
                raise locked(ref.type)

    def fail_next(self, command: str, error: ApiError) -> None:
        """Let the next action of this command end with the error instead of doing its work."""
        self._failures.append((command, error))

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self, action: Action, work: Work, after: Action | None) -> None:
        try:
            if after is not None:
                await self._wait_for(after)
            action.began = now()
            await asyncio.sleep(action.seconds)
            self._fail_if_told(action.command)
            await work()
        except ApiError as error:
            action.finish(error)
        except Exception:
            log.exception("cloud action failed", command=action.command, resources=action.resources)
            action.finish(ApiError("action_failed", "Action failed"))
        else:
            action.finish()

    @staticmethod
    async def _wait_for(action: Action) -> None:
        await action.done.wait()
        if action.status == "error":
            raise ApiError("action_failed", f"the action before, {action.command}, failed")

    def _fail_if_told(self, command: str) -> None:
        for planned in self._failures:
            if planned[0] == command:
                self._failures.remove(planned)
                raise planned[1]
