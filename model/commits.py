"""The newest commits of an app's repository, as etcd keeps them for whoever picks one."""

from pydantic import Field

from model.base import Frozen
from model.names import AppName, CommitHash


class RecentCommit(Frozen):
    """One commit as a person recognises it; `at` is when it was made."""

    hash: CommitHash
    subject: str
    author: str
    at: float


class RecentCommits(Frozen):
    """`flstr/commits/<app>`: newest first."""

    app: AppName
    commits: tuple[RecentCommit, ...] = ()
    at: float = Field(description="When the repository was looked at")
    trouble: str = Field("", description="Why it could not be read; the commits are those of the last time")
