"""Mixed content: a page read with its style sheets, which are asked for one by one."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from executors.padlock import mixed
from executors.padlock.mixed import SHEETS, absolute, mixed_findings, see_page
from executors.padlock.seen import Answer, Load, PageSeen

PAGE = "https://shop.example.com/basket/"


def html(text: str, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(200, {"content-type": "text/html; charset=utf-8"} | named, text.encode())


class Sheets:
    """Style sheets by address; notes what was asked for."""

    def __init__(self, sheets: Mapping[str, str]) -> None:
        self._sheets = sheets
        self.asked: list[str] = []

    def __call__(self, url: str) -> Answer:
        self.asked.append(url)
        if url not in self._sheets:
            return Answer(404)
        return Answer(200, {"content-type": "text/css"}, self._sheets[url].encode())


def seen(text: str, sheets: Mapping[str, str] | None = None) -> PageSeen:
    return see_page(PAGE, html(text), Sheets(sheets or {}))


def test_what_is_relative_or_over_https_is_not_mixed() -> None:
    page = seen(
        "<img src=a.png><img src=//cdn.example.com/a.png><img src=https://a/b><img src=data:image/png;base64,x>"
    )
    assert page == PageSeen(PAGE)


def test_a_base_over_http_makes_everything_mixed() -> None:
    assert seen("<base href=http://old.example.com/x/><img src=a.png>").loads == (
        Load("http://old.example.com/x/a.png", "img", active=False),
    )


def test_style_sheets_are_followed_from_one_to_the_next_and_each_is_asked_for_once() -> None:
    sheets = Sheets(
        {
            "https://shop.example.com/a.css": "@import 'b.css'; @import 'b.css';",
            "https://shop.example.com/b.css": "@import 'a.css'; b { background: url(http://cdn.example.com/x.png) }",
        }
    )
    page = see_page(PAGE, html("<link rel=stylesheet href=/a.css><link rel=stylesheet href='/a.css#x'>"), sheets)
    assert sheets.asked == ["https://shop.example.com/a.css", "https://shop.example.com/b.css"]
    assert page.loads == (
        Load("http://cdn.example.com/x.png", "CSS url()", active=False, at="https://shop.example.com/b.css"),
    )


def test_a_style_sheet_over_http_is_a_finding_and_is_not_asked_for() -> None:
    sheets = Sheets({})
    page = see_page(PAGE, html("<link rel=stylesheet href=http://cdn.example.com/a.css>"), sheets)
    assert [one.what for one in page.loads] == ["style sheet"]
    assert sheets.asked == []


def test_imports_in_the_page_itself_are_followed() -> None:
    page = seen(
        "<style>@import 'in.css'</style>",
        {"https://shop.example.com/basket/in.css": "@font-face { src: url(http://cdn.example.com/x.woff) }"},
    )
    assert [(one.what, one.active) for one in page.loads] == [("CSS font", True)]


def test_a_page_in_a_page_counts() -> None:
    assert len(seen('<iframe srcdoc="<img src=http://a.example.com/>"></iframe>').loads) == 1


def test_a_policy_that_upgrades_leaves_nothing_mixed() -> None:
    answer = html("<img src=http://a.example.com/>", content_security_policy="upgrade-insecure-requests")
    assert see_page(PAGE, answer, Sheets({})) == PageSeen(PAGE)


def test_what_is_no_page_is_not_read() -> None:
    answer = Answer(200, {"content-type": "application/json"}, b'{"html": "<img src=http://a.example.com/>"}')
    assert see_page(PAGE, answer, Sheets({})) == PageSeen(PAGE)


def test_more_style_sheets_than_are_read_are_a_finding() -> None:
    sheets = Sheets({})
    links = "".join(f"<link rel=stylesheet href=/{number}.css>" for number in range(SHEETS + 1))
    (finding,) = mixed_findings(see_page(PAGE, html(links), sheets))
    assert len(sheets.asked) == SHEETS
    assert finding.kind == "not read whole"
    assert f"there are more style sheets than the {SHEETS} that were read" in finding.text


def test_style_sheets_are_read_up_to_a_size_together() -> None:
    long = Answer(200, {"content-type": "text/css"}, b" " * mixed.SHEETS_BYTES)
    page = see_page(PAGE, html("<link rel=stylesheet href=a.css><link rel=stylesheet href=b.css>"), lambda _: long)
    assert page.unread == ("there are more style sheets than the 1 that were read",)


def test_what_was_not_read_is_told_with_its_reason() -> None:
    silent = Answer(error="silent for 4 s")
    page = see_page(PAGE, html("<link rel=stylesheet href=a.css>"), lambda _: silent)
    assert page.unread == ("https://shop.example.com/basket/a.css does not answer (silent for 4 s)",)
    cut = Answer(200, {"content-type": "text/html"}, b"<img src=a.png>", unread="longer than 1 MiB")
    assert see_page(PAGE, cut, Sheets({})).unread == ("the page is longer than 1 MiB",)


def test_active_comes_before_passive_and_only_some_are_named() -> None:
    images = "".join(f"<img src=http://a.example.com/{number}>" for number in range(5))
    active, passive = mixed_findings(seen(f"{images}<script src=http://b.example.com/></script>"))
    assert active.text == "active mixed content on /basket/: script http://b.example.com/"
    assert passive.text.endswith("img http://a.example.com/2 and 2 more")


def test_charsets_that_are_wrong_or_strange_do_not_hide_anything() -> None:
    page = "\0<p>é<img src=http://a.example.com/>"
    for charset, codec in (
        ("latin-1", "latin-1"),
        ("utf-99", "utf-8"),
        ("idna", "utf-8"),
        ('"UTF-16"', "utf-16"),
        ("", "utf-16"),
    ):
        answer = Answer(200, {"content-type": f"text/html; charset={charset}"}, page.encode(codec))
        assert len(see_page(PAGE, answer, Sheets({})).loads) == 1


@given(st.binary(max_size=300), st.text(max_size=60))
def test_whatever_is_sent_is_read(body: bytes, charset: str) -> None:
    answer = Answer(200, {"content-type": f"text/html; charset={charset}"}, b"<style>@import 'a'</style><" + body)
    see_page(PAGE, answer, lambda _: Answer(200, {}, body))


def test_addresses_are_taken_as_browsers_take_them() -> None:
    assert absolute(PAGE, " http:\\\\a.example.com\\x ") == "http://a.example.com/x"
    assert absolute(PAGE, "../x#y") == "https://shop.example.com/x"
    assert absolute(PAGE, "http://[") is None
    assert absolute(PAGE, "mailto:somebody@example.com") is None
