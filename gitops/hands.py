"""Who had a hand in what the cluster repo says: who asked for it, who wrote it, and who merged it. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from gitops.repository import COMMITTER, Change
from model.cluster import Cluster

_TRAILER = re.compile(r"(?mi)^(Asked-by|Co-authored-by): *(.*)$")
_ADDRESS = re.compile(r"<([^<>]*)>")
# Anybody can write a trailer; what is no name is nobody.
_NAME = re.compile(r"[a-z][a-z0-9._-]{0,30}")


@dataclass(frozen=True)
class Hands:
    """The people of each part by name, and the addresses of those that nobody is known by."""

    requesters: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    mergers: tuple[str, ...] = ()
    strangers: tuple[str, ...] = ()


def hands(changes: Iterable[Change], cluster: Cluster) -> Hands:
    """Everybody who had a hand in some changes.

    Whoever asked by a verb is the requester: flstr wrote that commit. Whoever committed what somebody else wrote, as a
    rebase does, brought it in like one who merges.
    """
    requesters: set[str] = set()
    authors: set[str] = set()
    mergers: set[str] = set()
    for change in changes:
        author, committer = change.author.email.lower(), change.committer.email.lower()
        said = [(key.lower(), value.strip()) for key, value in _TRAILER.findall(change.message)]
        asked = {value for key, value in said if key == "asked-by" and _NAME.fullmatch(value)}
        if asked and committer == COMMITTER.email:
            requesters |= asked.union(_people([author], cluster))
        elif change.merges:
            mergers |= {author, committer}
        else:
            requesters |= asked
            authors.add(author)
            authors |= {at.lower() for key, value in said if key == "co-authored-by" for at in _ADDRESS.findall(value)}
            mergers |= {committer} - {author, COMMITTER.email}
    written = (authors | mergers) - {COMMITTER.email}
    strangers = {email for email in written if cluster.person_by_email(email) is None}
    return Hands(_sorted(requesters), _people(authors, cluster), _people(mergers, cluster), _sorted(strangers))


def _people(emails: Iterable[str], cluster: Cluster) -> tuple[str, ...]:
    return _sorted(known[0] for email in emails if (known := cluster.person_by_email(email)))


def _sorted(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({word for word in words if word}))
