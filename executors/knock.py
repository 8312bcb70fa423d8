"""How a script that has changed the firewall asks whether a new connection still comes in. Pure."""

import re

from executors.templates import quote

KNOCK_MARK = "flstr, come in anew:"
# The mark, and what names this change of the firewall and no other.
_KNOCK = re.compile(rf"{KNOCK_MARK} ([0-9a-f-]{{36}})")


def may_knock(script: str) -> bool:
    """Whether a script changes the firewall; what others print is never a knock, whoever wrote it."""
    return KNOCK_MARK in script


def knock_of(line: str) -> str | None:
    """What is to be answered to a line that a script printed, or None where it is an ordinary one."""
    found = _KNOCK.fullmatch(line)
    return None if found is None else found[1]


def answer_script(knock: str) -> str:
    """Run by a connection of its own: somebody came in, so the new firewall stays. A change that is over is left."""
    armed = '"$state/firewall.armed"'
    return f'if [ "$(cat {armed} 2>/dev/null)" = {quote(knock)} ]; then rm -f {armed}; fi'
