"""How often etcd and git are called."""

import functools
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from unittest.mock import patch

import etcd3
import git

from gitops.etcd_client import EtcdClient

T = TypeVar("T")

READS = frozenset({"get", "get_response", "get_prefix_response", "get_all_response"})


class CountingClient(EtcdClient):
    """A client for `Store(client=…)`; `calls` counts reads and writes that went out."""

    def __init__(self, endpoint: str) -> None:
        super().__init__([endpoint])
        self.calls: Counter[str] = Counter()

    def call(self, action: Callable[[Any], T]) -> T:
        """Count what the action asks for."""
        return super().call(lambda etcd: action(_Counted(etcd, self.calls)))


class _Counted:
    def __init__(self, client: Any, calls: Counter[str]) -> None:
        self._client = client
        self._calls = calls

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        return functools.partial(self._read, found) if name in READS else found

    def _read(self, call: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        self._calls["reads"] += 1
        return call(*arguments, **options)

    def transaction(self, compare: list[Any], success: list[Any], failure: list[Any]) -> Any:
        """A transaction that only gets is a read."""
        only_gets = all(isinstance(operation, etcd3.transactions.Get) for operation in success)
        self._calls["reads" if only_gets else "writes"] += 1
        return self._client.transaction(compare=compare, success=success, failure=failure)


@contextmanager
def git_calls() -> Iterator[list[str]]:
    """The subcommands of git that GitPython runs in the block."""
    called: list[str] = []
    execute = git.cmd.Git.execute

    def counted(self: git.cmd.Git, command: Any, *arguments: Any, **options: Any) -> Any:
        called.append(next((word for word in command[1:] if not word.startswith("-")), ""))
        return execute(self, command, *arguments, **options)

    with patch.object(git.cmd.Git, "execute", counted):
        yield called
