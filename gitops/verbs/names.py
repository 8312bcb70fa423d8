"""The words of people and the names that there are: what is meant by which, and what is asked where that is unsure.
Pure."""

import difflib
from collections.abc import Collection

from gitops.verbs.desk import Request
from model.errors import Refused
from model.verbs import BY_NAME

SHOWN = 12


def known_as(request: Request, word: str, kind: str, known: Collection[str]) -> str:
    """The name that a word of the request means. Raises `Refused`, with the line that was probably meant.

    The beginning of one name is enough to look; before anything is changed, it is asked.
    """
    if word in known:
        return word
    begun = sorted(name for name in known if name.startswith(word))
    if len(begun) == 1 and not changes(request):
        return begun[0]
    near = begun or difflib.get_close_matches(word, sorted(known), n=1)
    if len(near) == 1:
        raise Refused(f"There is no {kind} called {word}; did you mean {near[0]}?", corrected(request, word, near[0]))
    raise Refused(f"There is no {kind} called {word}. {_there_are(begun or sorted(known))}")


def host_known_as(word: str, hosts: Collection[str]) -> str:
    """The public host that a word means; a word that is none of them may still be a name to look at."""
    begun = [name for name in hosts if name.startswith(word)]
    if word in hosts or len(begun) != 1:
        return word
    return begun[0]


def changes(request: Request) -> bool:
    """Whether what is asked for may change anything."""
    return BY_NAME[request.intent.verb].right != "read"


def corrected(request: Request, word: str, right: str) -> str:
    """The line as it was asked, with a word, or what stands before or behind an @, put right."""
    words = [request.intent.verb]
    for argument in request.intent.arguments:
        before, at, behind = argument.partition("@")
        if argument == word:
            words.append(right)
        elif at:
            words.append(f"{right if before == word else before}@{right if behind == word else behind}")
        else:
            words.append(argument)
    return " ".join(words)


def _there_are(known: Collection[str]) -> str:
    if not known:
        return "There are none."
    more = f" and {len(known) - SHOWN} more" if len(known) > SHOWN else ""
    return f"There are {', '.join(list(known)[:SHOWN])}{more}."
