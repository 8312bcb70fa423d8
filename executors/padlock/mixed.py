"""Mixed content: what a page over https and its style sheets load over plain http. Reads them in bounds."""

import codecs
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from urllib.parse import urljoin, urlsplit

from executors.padlock.css import references
from executors.padlock.findings import Finding
from executors.padlock.html import Markup, Tagged, read, upgrades
from executors.padlock.seen import Answer, Load, PageSeen

Ask = Callable[[str], Answer]

SHEETS = 30
# Of all style sheets of a page together: reading them takes a second a MiB.
SHEETS_BYTES = 3 << 20
SHOWN = 3
HTML = frozenset({"text/html", "application/xhtml+xml"})
OK = range(200, 300)


def see_page(url: str, answer: Answer, ask: Ask) -> PageSeen:
    """The page that an answer is, with its style sheets asked for one by one."""
    if answer.media_type not in HTML:
        return PageSeen(url)
    markup = read(_text(answer))
    unread = [f"the page is {answer.unread}"] if answer.unread else []
    if markup.upgrades or upgrades(answer.headers.get("content-security-policy", "")):
        return PageSeen(url)
    return _Reading(url, ask, unread).of(markup)


class _Reading:
    """One page being read: what was found, and the style sheets that are still to be."""

    def __init__(self, url: str, ask: Ask, unread: list[str]) -> None:
        self._url = url
        self._ask = ask
        self._unread = unread
        self._loads: dict[Load, None] = {}
        self._sheets: deque[str] = deque()
        self._known: set[str] = set()
        self._bytes = 0

    def of(self, markup: Markup) -> PageSeen:
        self._markup(markup, self._url)
        asked = 0
        while self._sheets and asked < SHEETS and self._bytes < SHEETS_BYTES:
            asked += 1
            self._sheet(self._sheets.popleft())
        if self._sheets:
            self._unread.append(f"there are more style sheets than the {asked} that were read")
        return PageSeen(self._url, tuple(self._loads), tuple(self._unread))

    def _markup(self, markup: Markup, base: str) -> None:
        base = absolute(base, markup.base) or base
        for one in markup.tagged:
            self._note(one, base, "")
        for style in markup.styles:
            self._css(style, base, "")
        for frame in markup.frames:
            self._markup(frame, base)

    def _sheet(self, url: str) -> None:
        answer = self._ask(url)
        why = answer.error or answer.unread
        if why:
            self._unread.append(f"{url[:100]} is {why}" if answer.unread else f"{url[:100]} does not answer ({why})")
        # One that is not there loads nothing.
        if answer.status in OK:
            self._bytes += len(answer.body)
            self._css(_text(answer), url, url)

    def _css(self, css: str, base: str, at: str) -> None:
        for one in references(css):
            self._note(Tagged(one.url, one.what, one.active, one.is_sheet), base, at)

    def _note(self, tagged: Tagged, base: str, at: str) -> None:
        url = absolute(base, tagged.url)
        if url is None:
            return
        if urlsplit(url).scheme == "http":
            self._loads[Load(url, tagged.what, tagged.active, at)] = None
        elif tagged.is_sheet and url.startswith("https:") and url not in self._known:
            self._known.add(url)
            self._sheets.append(url)


def absolute(base: str, reference: str) -> str | None:
    """An address as a browser takes it, without its fragment, or None where it is none."""
    try:
        url = urljoin(base, reference.strip().replace("\\", "/"))
        return url.partition("#")[0] if urlsplit(url).hostname else None
    except ValueError:
        return None


def _text(answer: Answer) -> str:
    """Addresses and markup are the same letters in every charset of the web but UTF-16. A NUL would end the page."""
    content_type = answer.headers.get("content-type", "").lower()
    is_wide = "utf-16" in content_type or answer.body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return answer.body.decode("utf-16" if is_wide else "utf-8", "replace").replace("\0", "")


def mixed_findings(page: PageSeen) -> Iterator[Finding]:
    """One for what browsers block, and one for what they only frown at."""
    path = urlsplit(page.url).path or "/"
    active = [one for one in page.loads if one.active]
    passive = [one for one in page.loads if not one.active]
    if active:
        mend = "load it over https; browsers block it, or warn before they send a form"
        yield Finding("active mixed content", f"active mixed content on {path}: {_shown(active)}", mend)
    if passive:
        mend = "load it over https; browsers take the padlock away or leave it out"
        yield Finding("passive mixed content", f"passive mixed content on {path}: {_shown(passive)}", mend)
    if page.unread:
        text = f"not all of {path} was looked at: {_first(page.unread)}"
        yield Finding("not read whole", text, "look for mixed content there in a browser")


def _shown(loads: Iterable[Load]) -> str:
    return _first([f"{one.what} {one.url[:100]}" + (f" in {one.at[:100]}" if one.at else "") for one in loads])


def _first(texts: Sequence[str]) -> str:
    more = len(texts) - SHOWN
    return ", ".join(texts[:SHOWN]) + (f" and {more} more" if more > 0 else "")
