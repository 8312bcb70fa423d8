"""What a page loads, read by an HTML parser that hands out tags: no depth of nesting makes it slow."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from lxml import etree

# By tag and attribute: what a browser blocks on a page over https, or warns of before it sends a form.
_ACTIVE = {
    ("script", "src"): "script",
    ("iframe", "src"): "iframe",
    ("frame", "src"): "frame",
    ("object", "data"): "object",
    ("embed", "src"): "embed",
    ("track", "src"): "track",
    ("form", "action"): "form",
    ("button", "formaction"): "form",
    ("input", "formaction"): "form",
}
_PASSIVE = {
    ("img", "src"): "img",
    ("input", "src"): "img",
    ("image", "href"): "img",
    ("image", "xlink:href"): "img",
    ("audio", "src"): "audio",
    ("video", "src"): "video",
    ("video", "poster"): "poster",
    ("source", "src"): "source",
    ("body", "background"): "background",
}
_SETS = frozenset({("img", "srcset"), ("source", "srcset"), ("link", "imagesrcset")})
_ACTIVE_LINKS = frozenset({"stylesheet", "preload", "modulepreload", "manifest"})
_PASSIVE_LINKS = frozenset({"icon", "apple-touch-icon", "shortcut"})
# Frames whose page is written in an attribute may nest.
DEEPEST = 3


@dataclass(frozen=True)
class Tagged:
    """An address in a page, as it is written there."""

    url: str
    what: str
    active: bool
    is_sheet: bool = False


@dataclass
class Markup:
    """What matters of a page. `base` is what addresses are relative to, where the page says so."""

    tagged: list[Tagged] = field(default_factory=list)
    styles: list[str] = field(default_factory=list)
    frames: list["Markup"] = field(default_factory=list)
    base: str = ""
    upgrades: bool = False


def read(html: str, depth: int = 0) -> Markup:
    """A page, and the pages inside it."""
    collector = _Collector(depth)
    parser = etree.HTMLParser(target=collector)
    try:
        # An empty page is none to the parser.
        parser.feed(html or " ")
        parser.close()
    except (etree.LxmlError, ValueError):
        # What was read until there counts.
        pass
    return collector.markup


def upgrades(policy: str) -> bool:
    """Whether a Content-Security-Policy has browsers load over https whatever is written with http."""
    return any(
        directive.split()[:1] == ["upgrade-insecure-requests"]
        for directive in policy.lower().replace(",", ";").split(";")
    )


def srcset(value: str) -> Iterator[str]:
    """The addresses in a `srcset`; a comma inside an address belongs to it."""
    expected = True
    for word in value.split():
        # After an address come widths and densities, up to a comma.
        comma, url = ("", word) if expected else word.partition(",")[1:]
        if url.strip(","):
            yield url.strip(",")
            expected = url.endswith(",")
        elif comma:
            expected = True


class _Collector:
    """What the parser calls for every tag."""

    def __init__(self, depth: int) -> None:
        self.markup = Markup()
        self._depth = depth
        self._templates = 0
        self._style: list[str] | None = None

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "template":
            self._templates += 1
        # What a template holds is not loaded.
        if self._templates:
            return
        if tag == "style":
            self._style = []
        elif tag == "base":
            self.markup.base = self.markup.base or attributes.get("href", "")
        elif tag == "link":
            self._link(attributes)
        elif tag == "meta" and attributes.get("http-equiv", "").lower() == "content-security-policy":
            self.markup.upgrades = self.markup.upgrades or upgrades(attributes.get("content", ""))
        for name, value in attributes.items():
            self._attribute(tag, name, value)

    def end(self, tag: str) -> None:
        if tag == "template" and self._templates:
            self._templates -= 1
        elif tag == "style" and self._style is not None:
            self.markup.styles.append("".join(self._style))
            self._style = None

    def data(self, text: str) -> None:
        if self._style is not None:
            self._style.append(text)

    def comment(self, text: str) -> None:
        """Not loaded."""

    def close(self) -> None:
        """The end of the page."""

    def _attribute(self, tag: str, name: str, value: str) -> None:
        if (tag, name) in _ACTIVE:
            self.markup.tagged.append(Tagged(value, _ACTIVE[tag, name], active=True))
        elif (tag, name) in _PASSIVE:
            self.markup.tagged.append(Tagged(value, _PASSIVE[tag, name], active=False))
        elif (tag, name) in _SETS:
            self.markup.tagged += (Tagged(url, "srcset", active=False) for url in srcset(value))
        elif name == "style":
            self.markup.styles.append(value)
        elif (tag, name) == ("iframe", "srcdoc") and self._depth < DEEPEST:
            self.markup.frames.append(read(value, self._depth + 1))

    def _link(self, attributes: Mapping[str, str]) -> None:
        kinds = frozenset(attributes.get("rel", "").lower().split())
        url = attributes.get("href", "")
        if kinds & _ACTIVE_LINKS:
            is_sheet = "stylesheet" in kinds
            self.markup.tagged.append(Tagged(url, "style sheet" if is_sheet else "link", True, is_sheet))
        elif kinds & _PASSIVE_LINKS:
            self.markup.tagged.append(Tagged(url, "icon", active=False))
