"""What of an environment may be shown: the secrets in it are not. Pure.

Whether something is a secret can only be guessed by how it looks; too much is masked rather than too little.
"""

import re

MASK = "•••"

_SUSPECT = r"pass|pwd|secret|token|key|credential|private|auth|cookie|salt|signature|session|dsn"
_NAME = re.compile(_SUSPECT, re.IGNORECASE)
# It holds where the secrets are, and none of them.
_HARMLESS = frozenset({"CREDENTIALS_DIRECTORY"})
_USER = re.compile(r"(://[^\s:/@]*:)\S*@|://[^\s/@]+@")
# password=… and "token": "…" inside a value.
_FIELD = re.compile(rf"""([\w.-]*(?:{_SUSPECT})[\w.-]*["']?\s*[=:]\s*["']?)[^\s"'&;,]+""", re.IGNORECASE)
_WELL_KNOWN = re.compile(r"\b(?:gh[opsur]_|github_pat_|glpat-|xox[a-z]-|xapp-|AKIA|sk-|AGE-SECRET-KEY-)\S+")
_PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")


def masked(name: str, value: str) -> str:
    """The value of a variable without what looks like a secret."""
    if name in _HARMLESS:
        return value
    if value and (_NAME.search(name) or _PEM.search(value)):
        return MASK
    value = _USER.sub(lambda found: f"{found[1] or '://'}{MASK}@", value)
    value = _WELL_KNOWN.sub(MASK, value)
    return _FIELD.sub(lambda found: f"{found[1]}{MASK}", value)
