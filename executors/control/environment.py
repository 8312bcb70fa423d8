"""flstr's settings as a file that systemd reads. Pure."""

import re
from collections.abc import Mapping

_ESCAPED = re.compile(r'(["\\`$])')
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*\Z")


def environment_file(variables: Mapping[str, str]) -> str:
    """The text of an EnvironmentFile, in which every value is read as it is. See systemd.exec(5)."""
    lines = []
    for name, value in sorted(variables.items()):
        if not _VARIABLE.match(name):
            raise ValueError(f"{name} is no name of a variable")
        if "\n" in value or "\r" in value or "\0" in value:
            raise ValueError(f"{name}: a setting is one line")
        escaped = _ESCAPED.sub(r"\\\1", value)
        lines.append(f'{name}="{escaped}"\n')
    return "".join(lines)
