"""Labels: which keys and values the API takes."""

import re
from collections.abc import Mapping

NAME = r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?"
_DNS_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
KEY = rf"({_DNS_LABEL}(\.{_DNS_LABEL})*/)?{NAME}"
VALUE = rf"({NAME})?"

_KEY = re.compile(KEY)
_VALUE = re.compile(VALUE)
_MAX_PREFIX = 253
_RESERVED_PREFIX = "hetzner.cloud/"


def is_key(text: str) -> bool:
    prefix, slash, _ = text.rpartition("/")
    return _KEY.fullmatch(text) is not None and (not slash or len(prefix) <= _MAX_PREFIX)


def is_value(text: str) -> bool:
    return _VALUE.fullmatch(text) is not None


def check_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """Return the labels, or raise ValueError saying which key or value is wrong."""
    for key, value in labels.items():
        if not is_key(key):
            raise ValueError(f"label key '{key}' is not correctly formatted")
        if key.startswith(_RESERVED_PREFIX):
            raise ValueError(f"label key '{key}' uses the reserved prefix {_RESERVED_PREFIX}")
        if not is_value(value):
            raise ValueError(f"label value '{value}' (key: '{key}') is not correctly formatted")
    return dict(labels)
