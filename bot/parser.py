"""One line after `/flstr`, or after `flstr` in a shell, becomes a command or a sentence that says what is wrong."""

import difflib
import re
from dataclasses import dataclass

from model.verbs import BY_NAME, Argument, ArgumentKind, Verb

LONGEST_LINE = 1000
LONGEST_SHOWN_WORD = 40
MOST = 200


@dataclass(frozen=True)
class Command:
    """A verb of the table with words of the right shape; optional ones may be missing at the end, flags come last."""

    verb: Verb
    arguments: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """The command as a person would type it again."""
        return " ".join((self.verb.name, *self.arguments))


@dataclass(frozen=True)
class Refusal:
    """Why a line is no command: one sentence."""

    sentence: str


@dataclass(frozen=True)
class Shape:
    """What a word of one kind looks like, and how to say so."""

    pattern: re.Pattern[str]
    wanted: str


_APP = r"[a-z](?:[a-z0-9-]{0,28}[a-z0-9])?"
_COMMIT = r"[A-Za-z0-9_][A-Za-z0-9._/-]{0,199}"
_HOST = r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?"

SHAPES: dict[ArgumentKind, Shape] = {
    "app@commit": Shape(
        re.compile(rf"{_APP}@{_COMMIT}"), "an app and a commit, branch or tag, such as influencer@a1b2c3"
    ),
    "app": Shape(re.compile(_APP), "the name of an app, such as influencer"),
    "commit": Shape(re.compile(_COMMIT), "a commit, branch or tag, such as a1b2c3"),
    "instance": Shape(re.compile(r"[0-9]{1,4}(?:-[0-9a-f]{8})?"), "an instance, such as 1 or 1-0a1b2c3d"),
    "app or pool": Shape(re.compile(_APP), "the name of an app or a pool, such as influencer or worker"),
    "count": Shape(re.compile(r"[0-9]{1,3}"), f"a number from 0 to {MOST}"),
    "app or node": Shape(re.compile(_APP), "the name of an app or a node, such as influencer or worker101"),
    "node": Shape(re.compile(_APP), "the name of a node, such as worker101"),
    "revision": Shape(re.compile(_COMMIT), "a commit of the cluster repo, such as a1b2c3"),
    "operation": Shape(re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}"), "the id of an operation, such as 7f3a"),
    "host": Shape(re.compile(_HOST), "a public host name, such as influencer.flstr.lab"),
    "verb": Shape(re.compile(r"[a-z-]{1,20}"), "one of the verbs, such as deploy"),
    "end": Shape(
        re.compile(r"[0-9]{1,4}[smhd]|[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9]{2}:[0-9]{2})?|[0-9]{2}:[0-9]{2}"),
        "how long or until when, such as 2h, 18:30 or 2026-12-27 (in UTC)",
    ),
    "reason": Shape(re.compile(r"(?s).{3,300}"), "a reason of 3 to 300 characters"),
    "names": Shape(re.compile(rf"{_APP}(?: {_APP}){{0,49}}"), "names of nodes, such as worker102"),
    "command or branch": Shape(re.compile(r"(?s).{1,500}"), "a command or a branch, such as scale influencer 3"),
    "person or right": Shape(re.compile(r"[a-z][a-z0-9._-]{0,30}"), "a person or a right, such as deploy"),
    "entries": Shape(re.compile(r"[A-Za-z0-9@._ -]{1,100}"), "an app, a person, an operation, or verify"),
}

# Slack writes what it takes for an address as <http://flstr.lab|flstr.lab> or <mailto:app@v1.io|app@v1.io>.
_SLACK_LINK = re.compile(r"<[^<>|]*\|([^<>|]*)>|<(?:https?://)?([^<>|]*)>")


def parse(line: str) -> Command | Refusal:
    """The command of a line; an empty line asks for help."""
    if len(line) > LONGEST_LINE:
        return Refusal(f"that line has {len(line)} characters; a command has at most {LONGEST_LINE}")
    words = _SLACK_LINK.sub(lambda match: match[1] or match[2] or "", line).replace("`", " ").split()
    if not words:
        return Command(BY_NAME["help"])
    name = words[0].lower()
    verb = BY_NAME.get(name)
    if verb is None:
        return Refusal(f"{shown(words[0])} is not a verb; {_nearest_verb(name)}")
    return _with_flags(verb, tuple(words[1:]))


def shown(word: str) -> str:
    """A stranger's word, cut short and without anything that means something to Slack or a terminal."""
    plain = "".join(letter if letter.isalnum() or letter in "@./:-_" else "?" for letter in word)
    return plain if len(plain) <= LONGEST_SHOWN_WORD else plain[:LONGEST_SHOWN_WORD] + "…"


def _nearest_verb(name: str) -> str:
    near = difflib.get_close_matches(name, BY_NAME, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]}?"
    return f"{BY_NAME['help'].name} lists the verbs"


def _with_flags(verb: Verb, words: tuple[str, ...]) -> Command | Refusal:
    # Telephones make one long dash of two short ones.
    plain = tuple(re.sub(r"\A[\u2013\u2014]", "--", word) for word in words)
    if not verb.flags:
        return _with_arguments(verb, words)
    given = tuple(word for word in plain if word.startswith("-"))
    wrong = next((word for word in given if word not in verb.flags), None)
    if wrong is not None:
        return Refusal(f"{verb.name} does not take {shown(wrong)}; write {verb.line}, for example: {verb.example}")
    command = _with_arguments(verb, tuple(word for word in plain if not word.startswith("-")))
    return command if isinstance(command, Refusal) else Command(verb, (*command.arguments, *dict.fromkeys(given)))


def _with_arguments(verb: Verb, words: tuple[str, ...]) -> Command | Refusal:
    if verb.arguments and verb.arguments[-1].rest:
        before = len(verb.arguments) - 1
        words = (*words[:before], *([" ".join(words[before:])] if words[before:] else []))
    needed = sum(not argument.optional for argument in verb.arguments)
    if len(words) > len(verb.arguments):
        extra = shown(words[len(verb.arguments)])
        return Refusal(f"{verb.name} does not take {extra}; write {verb.line}, for example: {verb.example}")
    if len(words) < needed:
        missing = verb.arguments[len(words)]
        return Refusal(f"{verb.name} needs {SHAPES[missing.kind].wanted}; write {verb.line}")
    for argument, word in zip(verb.arguments, words, strict=False):
        refusal = _misshapen(verb, argument, word)
        if refusal is not None:
            return refusal
    return Command(verb, words)


def _misshapen(verb: Verb, argument: Argument, word: str) -> Refusal | None:
    shape = SHAPES[argument.kind]
    fits = shape.pattern.fullmatch(word) is not None
    if argument.kind == "count":
        fits = fits and int(word) <= MOST
    if fits and argument.kind == "verb" and word not in BY_NAME:
        return Refusal(f"{shown(word)} is not a verb; {_nearest_verb(word)}")
    if fits:
        return None
    return Refusal(f"{verb.name} needs {shape.wanted}, not {shown(word)}")
