"""What a style sheet loads, read by CSS's own rules: a comment or a string is no address."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import tinycss2

# Deeper than any sheet that people write.
DEEPEST = 60
# These take an address as a string as well.
_FUNCTIONS = frozenset({"url", "src", "image", "image-set", "-webkit-image-set"})
# What these name is not loaded.
_NAMES_ONLY = frozenset({"namespace", "document", "-moz-document"})


@dataclass(frozen=True)
class Reference:
    """An address in a style sheet, as it is written there."""

    url: str
    what: str
    active: bool
    is_sheet: bool = False


def references(css: str) -> Iterator[Reference]:
    """What a style sheet, or a `style` attribute, loads. Fonts count as active, since browsers block them."""
    yield from _walk(tinycss2.parse_component_value_list(css, skip_comments=True), in_font=False, depth=0)


def _walk(tokens: Iterable[Any], in_font: bool, depth: int) -> Iterator[Reference]:
    rule = ""
    for token in tokens if depth < DEEPEST else ():
        if token.type == "at-keyword":
            rule = token.lower_value
        elif token.type == "literal" and token.value == ";":
            rule = ""
        elif token.type == "{} block":
            yield from _walk(token.content, in_font or rule == "font-face", depth + 1)
            rule = ""
        elif rule == "import":
            for url in _addresses(token):
                yield Reference(url, "CSS @import", active=True, is_sheet=True)
                # What follows are layers and media.
                rule = "imported"
        elif rule not in _NAMES_ONLY:
            yield from _value(token, in_font, depth)


def _value(token: Any, in_font: bool, depth: int) -> Iterator[Reference]:
    what = "CSS font" if in_font else "CSS url()"
    if token.type != "string":
        for url in _addresses(token):
            yield Reference(url, what, active=in_font)
    inside = token.arguments if token.type == "function" else getattr(token, "content", None)
    if isinstance(inside, list):
        yield from _walk(inside, in_font, depth + 1)


def _addresses(token: Any) -> Iterator[str]:
    if token.type in ("url", "string"):
        yield token.value
    elif token.type == "function" and token.lower_name in _FUNCTIONS:
        yield from (one.value for one in token.arguments if one.type == "string")
