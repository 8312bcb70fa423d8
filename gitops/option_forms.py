"""What the options of our playbooks take, as their roles' `argument_specs.yml` and `tasks/told.yml` have it. Pure.

Without this, what a role refuses would be found on the machines, after the merge. It refuses nothing that a role takes,
but for a text where a number belongs, and the other way round.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

Option = Mapping[str, Any]

_KINDS: Mapping[str, tuple[type, ...]] = MappingProxyType(
    {
        "str": (str,),
        "path": (str,),
        "int": (int,),
        "float": (int, float),
        "bool": (bool,),
        "list": (list, tuple),
        "dict": (dict,),
    }
)
_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "str": "a text",
        "path": "a path",
        "int": "a whole number",
        "float": "a number",
        "bool": "true or false",
        "list": "a list",
        "dict": "fields and values",
    }
)


@dataclass(frozen=True)
class Text:
    """A text in which Ansible's test `regex` or `match` finds the pattern; of a list, each of its texts."""

    pattern: str
    words: str

    def takes(self, value: object) -> bool:
        """Whether it is written so."""
        texts = value if isinstance(value, list | tuple) else [value]
        return all(re.search(self.pattern, str(text)) for text in texts)


@dataclass(frozen=True)
class Number:
    """A number in a range; 0 may stand for no choice beside it."""

    least: float
    most: float
    zero: bool = False

    def takes(self, value: object) -> bool:
        """Whether it is in there."""
        assert isinstance(value, int | float)  # noqa: S101 - its type was looked at
        return (self.zero and value == 0) or self.least <= value <= self.most


@dataclass(frozen=True)
class Named:
    """Names and their values."""

    name: Text
    value: Text
    words: str

    def takes(self, value: object) -> bool:
        """Whether all of both are written so."""
        assert isinstance(value, Mapping)  # noqa: S101 - its type was looked at
        return all(self.name.takes(name) and self.value.takes(str(one)) for name, one in value.items())


Form = Text | Number | Named

_ADDRESS = Text(r"^https?://[A-Za-z0-9._:/-]+$", "an address with http or https")
_SUITE = Text(r"^[A-Za-z0-9._/-]+$", "a word of letters, digits and . _ / -")
_COMPONENT = Text(r"^[A-Za-z0-9._-]+$", "a word of letters, digits and . _ -")
_REDIS_SIZE = Text(r"^[1-9][0-9]{0,8}(kb|mb|gb)$", "a number with kb, mb or gb, such as 256mb")
_PLAIN = "plain text without double quotes, dollars, backslashes and braces"

# By the name of the option; of those that are not here, any value of their type is taken.
FORMS: Mapping[str, Form] = MappingProxyType(
    {
        "redis_memory": _REDIS_SIZE,
        "redis_backlog": _REDIS_SIZE,
        "redis_max_clients": Number(1, 60000),
        "redis_databases": Number(1, 1024),
        "redis_idle_timeout": Number(0, 31536000),
        "redis_replica_lag": Number(1, 3600),
        "redis_replicas_to_write": Number(0, 1000),
        "redis_events": Text(r"^[KEg$lshzxetdmnA]*$", "letters of notify-keyspace-events, such as Ex"),
        "mongodb_repository": _ADDRESS,
        "mongodb_signing_key_url": _ADDRESS,
        "mongodb_suite": _SUITE,
        "mongodb_component": _COMPONENT,
        "mongodb_cache_gb": Number(0.25, 10000, zero=True),
        "mongodb_oplog_mb": Number(990, 10000000, zero=True),
        "mongodb_max_connections": Number(10, 1000000),
        "elasticsearch_repository": _ADDRESS,
        "elasticsearch_signing_key_url": _ADDRESS,
        "elasticsearch_suite": _SUITE,
        "elasticsearch_component": _COMPONENT,
        "elasticsearch_heap": Text(r"^[1-9][0-9]{0,5}[mg]$", "a number with m or g, such as 512m or 4g"),
        "nginx_index": Text(r"^[A-Za-z0-9_-][A-Za-z0-9._-]*$", "a list of names of files, such as index.html"),
        "nginx_spa_fallback": Text(r"^(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$", "the path of a file, such as /index.html"),
        "nginx_headers": Named(
            Text(r"^[A-Za-z0-9-]+$", "a word"),
            Text(r"^[ !#%-Z^-z|~\[\]]+$", _PLAIN),
            f"names of letters, digits and -, each with {_PLAIN}",
        ),
        "nginx_max_body": Text(r"^[1-9][0-9]{0,8}[km]$", "a number with k or m, such as 100m"),
    }
)


def takes(name: str, option: Option, value: object) -> bool:
    """Whether an option can have this value."""
    choices = option.get("choices")
    if choices and value not in choices:
        return False
    form = FORMS.get(name)
    return _fits(option, value) and (form is None or form.takes(value))


def in_words(name: str, option: Option) -> str:
    """What an option takes."""
    if choices := option.get("choices"):
        return f"one of {', '.join(map(str, choices))}"
    kind = _WORDS.get(option.get("type", "str"), "a value")
    match FORMS.get(name):
        case Number(least, most, zero):
            return f"{kind} from {least} to {most}{', or 0' if zero else ''}"
        case Text(words=words) | Named(words=words):
            return words
    if inner := option.get("options"):
        return f"{kind}, each with {', '.join(f'{one}: {in_words(one, more)}' for one, more in inner.items())}"
    return f"{kind}, each {_WORDS[option['elements']]}" if "elements" in option else kind


def _fits(option: Option, value: object) -> bool:
    """Whether it is of the option's type, and what is in it as well."""
    if not _is(option.get("type", "str"), value):
        return False
    if not isinstance(value, list | tuple) or "elements" not in option:
        return True
    inner: Mapping[str, Option] = option.get("options", {})
    return all(_is(option["elements"], one) and (not inner or _has(inner, one)) for one in value)


def _is(kind: str, value: object) -> bool:
    kinds = _KINDS.get(kind)
    # What is true is a number to Python, and to nobody else.
    return kinds is None or (isinstance(value, kinds) and (kind == "bool" or not isinstance(value, bool)))


def _has(inner: Mapping[str, Option], fields: Mapping[str, object]) -> bool:
    """Whether these are the fields that there may be, and none is missing."""
    required = {name for name, option in inner.items() if option.get("required")}
    return required <= fields.keys() <= inner.keys() and all(takes(one, inner[one], fields[one]) for one in fields)
