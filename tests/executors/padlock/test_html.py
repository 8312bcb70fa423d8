"""What a page loads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executors.padlock.html import read, srcset, upgrades


@pytest.mark.parametrize(
    ("html", "what", "active"),
    [
        ("<script src=U></script>", "script", True),
        ("<SCRIPT SRC='U'></SCRIPT>", "script", True),
        ("<iframe src=U></iframe>", "iframe", True),
        ("<frameset><frame src=U></frameset>", "frame", True),
        ("<link rel=stylesheet href=U>", "style sheet", True),
        ("<link rel='alternate StyleSheet' href=U>", "style sheet", True),
        ("<link rel=preload href=U>", "link", True),
        ("<object data=U></object>", "object", True),
        ("<embed src=U>", "embed", True),
        ("<form action=U></form>", "form", True),
        ("<form><button formaction=U>go</button></form>", "form", True),
        ("<form><input type=submit formaction=U></form>", "form", True),
        ("<video><track src=U></video>", "track", True),
        ("<img src=U>", "img", False),
        ("<img srcset='U 2x'>", "srcset", False),
        ("<picture><source srcset=U></picture>", "srcset", False),
        ("<input type=image src=U>", "img", False),
        ("<svg><image xlink:href=U></image></svg>", "img", False),
        ("<audio src=U></audio>", "audio", False),
        ("<video src=U></video>", "video", False),
        ("<video poster=U></video>", "poster", False),
        ("<video><source src=U></video>", "source", False),
        ("<link rel=icon href=U>", "icon", False),
        ("<body background=U>", "background", False),
    ],
)
def test_each_way_to_load(html: str, what: str, active: bool) -> None:
    (one,) = read(f"<!doctype html><title>x</title>{html}").tagged
    assert (one.url, one.what, one.active) == ("U", what, active)


@pytest.mark.parametrize(
    "html",
    [
        "<a href=U>",
        "<link rel=canonical href=U>",
        "<link rel=dns-prefetch href=U>",
        "<!-- <img src=U> -->",
        "<template><img src=U></template>",
        "<script>'<img src=U>'</script>",
        "<textarea><img src=U></textarea>",
        "<img alt=U>",
        "&lt;img src=U&gt;",
        "",
    ],
)
def test_what_is_not_loaded(html: str) -> None:
    assert read(html).tagged == []


def test_styles_are_those_of_elements_and_of_attributes() -> None:
    assert read("<style>a > b { }</style><p style='c: d'>").styles == ["a > b { }", "c: d"]


def test_a_frame_has_a_page_of_its_own() -> None:
    (frame,) = read('<iframe srcdoc="<img src=U>"></iframe>').frames
    assert [one.url for one in frame.tagged] == ["U"]


def test_the_first_base_counts() -> None:
    assert read("<base target=x><base href=/a/><base href=/b/>").base == "/a/"


def test_after_a_template_the_page_goes_on() -> None:
    assert len(read("<template><template></template></template><img src=U>").tagged) == 1


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("a.png", ["a.png"]),
        ("a.png 1x, b.png 2x", ["a.png", "b.png"]),
        ("a.png, b.png 100w,c.png 1x", ["a.png", "b.png", "c.png"]),
        ("a,b.png 1x", ["a,b.png"]),
        ("\n a.png,\n\tb.png ", ["a.png", "b.png"]),
        (" , ,", []),
    ],
)
def test_addresses_in_a_srcset(value: str, wanted: list[str]) -> None:
    assert list(srcset(value)) == wanted


def test_a_policy_that_upgrades() -> None:
    assert upgrades("default-src 'self'; Upgrade-Insecure-Requests")
    assert not upgrades("default-src upgrade-insecure-requests; report-uri /upgrade-insecure-requests")
    assert read("<meta http-equiv=Content-Security-Policy content='upgrade-insecure-requests'>").upgrades


@given(st.text(max_size=300))
def test_any_text_is_read(html: str) -> None:
    read(html)
    read(f"<{html}")
