"""What the words of a command look like, by their kind."""

import re
from dataclasses import dataclass

from model.verbs import ArgumentKind

MOST = 200


@dataclass(frozen=True)
class Shape:
    """What a word of one kind looks like, and how to say so."""

    pattern: re.Pattern[str]
    wanted: str


_APP = r"[a-z](?:[a-z0-9-]{0,28}[a-z0-9])?"
_NAME = r"[a-z][a-z0-9-]{0,30}"
_COMMIT = r"[A-Za-z0-9_][A-Za-z0-9._/-]{0,199}"
_HOST = r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?"

SHAPES: dict[ArgumentKind, Shape] = {
    # Without an app it is the one whose repository has the commit.
    "app@commit": Shape(
        re.compile(rf"(?:{_APP})?@{_COMMIT}"), "an app and a commit, branch or tag, such as influencer@a1b2c3"
    ),
    "app": Shape(re.compile(_APP), "the name of an app, such as influencer"),
    "commit": Shape(re.compile(_COMMIT), "a commit, branch or tag, such as a1b2c3"),
    "instance": Shape(re.compile(r"[0-9]{1,4}(?:-[0-9a-f]{8})?"), "an instance, such as 1 or 1-0a1b2c3d"),
    "app or pool": Shape(re.compile(_APP), "the name of an app or a pool, such as influencer or worker"),
    "count": Shape(re.compile(r"[0-9]{1,3}"), f"a number from 0 to {MOST}"),
    "app or node": Shape(re.compile(_APP), "the name of an app or a node, such as influencer or worker101"),
    "node": Shape(re.compile(_APP), "the name of a node, such as worker101"),
    "node or cluster": Shape(re.compile(_NAME), "the name of a node, such as worker101, or that of the cluster"),
    "revision": Shape(re.compile(_COMMIT), "a commit of the cluster repo, such as a1b2c3"),
    "operation": Shape(re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}"), "the id of an operation, such as 7f3a"),
    "host": Shape(re.compile(_HOST), "a public host name, such as influencer.flstr.lab"),
    "verb": Shape(re.compile(r"[a-z-]{1,20}(?: [a-z-]{1,20})?"), "one of the verbs, such as deploy"),
    "end": Shape(
        re.compile(r"[0-9]{1,4}[smhd]|[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9]{2}:[0-9]{2})?|[0-9]{2}:[0-9]{2}"),
        "how long or until when, such as 2h, 18:30 or 2026-12-27 (in UTC)",
    ),
    "reason": Shape(re.compile(r"(?s).{3,300}"), "a reason of 3 to 300 characters"),
    "names": Shape(re.compile(rf"{_NAME}(?: {_NAME}){{0,49}}"), "names of nodes, such as worker102"),
    "command or branch": Shape(re.compile(r"(?s).{1,500}"), "a command or a branch, such as scale influencer 3"),
    "person or right": Shape(re.compile(r"[a-z][a-z0-9._-]{0,30}"), "a person or a right, such as deploy"),
    "service": Shape(re.compile(_APP), "the name of a service, such as cache"),
    "backup": Shape(
        re.compile(r"[a-z0-9][A-Za-z0-9._-]{0,199}"), "the name of a backup, as `service backups` lists it"
    ),
    "entries": Shape(re.compile(r"[A-Za-z0-9@._ -]{1,100}"), "an app, a person, an operation, or verify"),
}
