"""One line after `/flstr`, or after `flstr` in a shell, becomes a command or a sentence that says what is wrong."""

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from bot.shapes import MOST, SHAPES
from model.verbs import BY_NAME, GROUPS, Argument, Verb, split_verb

LONGEST_LINE = 1000
LONGEST_SHOWN_WORD = 40
# How much of two words has to be right, that something else may be meant by.
NEAR_IN_TWO = 0.8

_PAIRS = {'"': '"', "'": "'", "\u201c": "\u201d", "\u201e": "\u201c", "\u2018": "\u2019", "\u00ab": "\u00bb"}
# What is meant as a flag; `-1` is a number.
_FLAG = re.compile(r"--?[A-Za-z]")
# Slack writes what it takes for an address as <http://flstr.lab|flstr.lab> or <mailto:app@v1.io|app@v1.io>.
_SLACK_LINK = re.compile(r"<[^<>|]*\|([^<>|]*)>|<(?:https?://)?([^<>|]*)>")
# It writes these letters so, as they have a meaning to it otherwise.
_SLACK_LETTERS = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))


@dataclass(frozen=True)
class Command:
    """A verb of the table with words of the right shape; optional ones may be missing at the end, flags come last.

    That of `plan` are the verb and the words of the command that it holds, or a branch.
    """

    verb: Verb
    arguments: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """The command as a person would type it again."""
        return " ".join((self.verb.name, *self.arguments))


@dataclass(frozen=True)
class Refusal:
    """Why a line is no command: one sentence. `instead` is the line that was probably meant, where one is near."""

    sentence: str
    instead: str = ""


def parse(line: str) -> Command | Refusal:
    """The command of a line; an empty line asks for help."""
    if len(line) > LONGEST_LINE:
        return Refusal(f"that line has {len(line)} characters; a command has at most {LONGEST_LINE}")
    words = tuple(_as_typed(line).split())
    answer = _command(words) if words else Command(BY_NAME["help"])
    if isinstance(answer, Refusal) and answer.instead and not isinstance(parse(answer.instead), Command):
        return Refusal(answer.sentence)
    return answer


def shown(word: str) -> str:
    """A stranger's word, cut short and without anything that means something to Slack or a terminal."""
    plain = "".join(letter if letter.isalnum() or letter in "@./:-_" else "?" for letter in word)
    return plain if len(plain) <= LONGEST_SHOWN_WORD else plain[:LONGEST_SHOWN_WORD] + "…"


def _as_typed(line: str) -> str:
    text = _SLACK_LINK.sub(lambda match: match[1] or match[2] or "", line).replace("`", " ")
    for written, letter in _SLACK_LETTERS:
        text = text.replace(written, letter)
    # What a terminal obeys is no word of anybody's.
    return "".join(letter for letter in text if letter.isprintable() or letter.isspace())


def _command(words: tuple[str, ...]) -> Command | Refusal:
    name, others = split_verb(words)
    verb = BY_NAME.get(name)
    if verb is not None:
        return _with_flags(verb, others)
    typed = " ".join(map(shown, name.split(" ")))
    in_two = _near(" ".join(words[:2]).lower(), (verb for verb in BY_NAME if " " in verb), NEAR_IN_TWO)
    if in_two is not None:
        return Refusal(f"{typed} is not a verb; did you mean {in_two}?", _line_of((*in_two.split(" "), *words[2:])))
    if words[0].lower() in GROUPS:
        return Refusal(f"{typed} is not a verb; {_second_words(words[0].lower())}")
    near = _near(name, BY_NAME)
    if near is None:
        return Refusal(f"{typed} is not a verb; {BY_NAME['help'].name} lists the verbs")
    return Refusal(f"{typed} is not a verb; did you mean {near}?", _line_of((*near.split(" "), *others)))


def _second_words(first: str) -> str:
    second = [verb.removeprefix(f"{first} ") for verb in BY_NAME if verb.startswith(f"{first} ")]
    return f"after {first} comes one of {', '.join(second)}"


def _line_of(words: tuple[str, ...]) -> str:
    """A line to offer, as far as it would be a command; else the one that would be offered for it."""
    command = _command(words)
    return command.instead if isinstance(command, Refusal) else command.words


def _near(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    # Nothing that long is a slip, and comparing it would take its time.
    return next(iter(difflib.get_close_matches(word[:LONGEST_SHOWN_WORD], list(known), n=1, cutoff=cutoff)), None)


def _with_flags(verb: Verb, words: tuple[str, ...]) -> Command | Refusal:
    if not verb.flags:
        return _with_arguments(verb, words)
    # Telephones make one long dash of two short ones.
    plain = tuple(re.sub(r"\A[\u2013\u2014](?=\w)", "--", word) for word in words)
    in_words = bool(verb.arguments) and verb.arguments[-1].rest
    given = tuple(word for word in plain if (word in verb.flags if in_words else _FLAG.match(word)))
    others = tuple(word for word, typed in zip(words, plain, strict=True) if typed not in given)
    wrong = next((word for word in given if word not in verb.flags), None)
    if wrong is not None:
        near = _near(wrong, verb.flags)
        right = tuple(near or word if word == wrong else word for word in given)
        instead = _line_of((verb.name, *others, *right)) if near else ""
        sentence = f"{verb.name} does not take {shown(wrong)}; write {verb.line}, for example: {verb.example}"
        return Refusal(sentence, instead)
    command = _with_arguments(verb, others)
    flags = tuple(dict.fromkeys(given))
    if isinstance(command, Refusal):
        return Refusal(command.sentence, " ".join((command.instead, *flags)) if command.instead else "")
    return Command(verb, (*command.arguments, *flags))


def _with_arguments(verb: Verb, words: tuple[str, ...]) -> Command | Refusal:
    if verb.arguments and verb.arguments[-1].rest:
        before = len(verb.arguments) - 1
        rest = _unquoted(" ".join(words[before:]))
        words = (*words[:before], *([rest] if rest else []))
    if verb.arguments[:1] == (Argument("verb", optional=True),) and words and words[0].lower() in GROUPS:
        words = (" ".join(words[:2]), *words[2:])
    needed = sum(not argument.optional for argument in verb.arguments)
    if len(words) > len(verb.arguments):
        extra = shown(words[len(verb.arguments)])
        sentence = f"{verb.name} does not take {extra}; write {verb.line}, for example: {verb.example}"
        return Refusal(sentence, _without_space(verb, words))
    if len(words) < needed:
        missing = verb.arguments[len(words)]
        return Refusal(f"{verb.name} needs {SHAPES[missing.kind].wanted}; write {verb.line}")
    for number, (argument, word) in enumerate(zip(verb.arguments, words, strict=False)):
        refusal = _misshapen(verb, argument, word)
        if refusal is not None:
            right = refusal.instead
            return Refusal(
                refusal.sentence,
                _line_of((verb.name, *words[:number], right, *words[number + 1 :])) if right else "",
            )
        if argument.kind == "command or branch":
            return _planned(verb, tuple(word.split()))
    return Command(verb, words)


def _without_space(verb: Verb, words: tuple[str, ...]) -> str:
    """`deploy influencer a1b2` and `deploy influencer @a1b2` mean `deploy influencer@a1b2`."""
    if verb.arguments and verb.arguments[0].kind == "app@commit" and len(words) == 2:
        return _line_of((verb.name, f"{words[0].rstrip('@')}@{words[1].lstrip('@')}"))
    return ""


def _unquoted(text: str) -> str:
    """Without the quotes around the whole of it."""
    if len(text) > 1 and _PAIRS.get(text[0]) == text[-1]:
        return text[1:-1].strip()
    return text


def _planned(verb: Verb, words: tuple[str, ...]) -> Command | Refusal:
    """`plan` with the command that it holds, which is a command like any other, or with a branch."""
    name, _ = split_verb(words)
    if name not in BY_NAME and name not in GROUPS and len(words) == 1:
        shape = SHAPES["commit"]
        if shape.pattern.fullmatch(words[0]) is None:
            return Refusal(f"{verb.name} needs {SHAPES['command or branch'].wanted}, not {shown(words[0])}")
        return Command(verb, words)
    held = BY_NAME.get(name)
    if held is not None and not held.commits:
        return Refusal(f"{held.name} changes nothing in the cluster repo; {verb.name} shows what a change does")
    inner = _command(words)
    if isinstance(inner, Refusal):
        return Refusal(inner.sentence, _line_of((verb.name, *inner.instead.split())) if inner.instead else "")
    return Command(verb, (inner.verb.name, *inner.arguments))


def _misshapen(verb: Verb, argument: Argument, word: str) -> Refusal | None:
    """Why a word is not of its kind; `instead` is the word that would be."""
    shape = SHAPES[argument.kind]
    fits = shape.pattern.fullmatch(word) is not None
    if argument.kind == "count":
        fits = fits and int(word) <= MOST
    if fits and argument.kind == "verb" and word not in BY_NAME:
        near = _near(word, BY_NAME)
        meant = f"did you mean {near}?" if near else f"{BY_NAME['help'].name} lists the verbs"
        return Refusal(f"{shown(word)} is not a verb; {meant}", near or "")
    if fits:
        return None
    small = word.lower()
    near = small if small != word and shape.pattern.fullmatch(small) else ""
    return Refusal(f"{verb.name} needs {shape.wanted}, not {shown(word)}", near)
