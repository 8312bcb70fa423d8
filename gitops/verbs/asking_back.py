"""Verbs that stop what serves ask back first: the answer shows what would be done, and the line that does it."""

from gitops.verbs.desk import Request
from model.attachment import Reply
from model.verbs import YES


def confirmed(request: Request) -> bool:
    """Whether it was said that it is meant."""
    return YES in request.intent.arguments


def ask_back(request: Request, preview: str) -> Reply:
    """What would be done, with the line that does it; nothing is done yet."""
    line = " ".join((request.intent.verb, *request.intent.arguments, YES))
    return Reply(f"{preview}\nNothing is done yet; `{line}` does it.", instead=line)
