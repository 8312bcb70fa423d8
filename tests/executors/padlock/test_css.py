"""What a style sheet loads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executors.padlock.css import Reference, references


def passive(url: str) -> Reference:
    return Reference(url, "CSS url()", active=False)


@pytest.mark.parametrize(
    ("css", "wanted"),
    [
        ("b { background: url(http://a/x.png) }", passive("http://a/x.png")),
        ("b { background: URL( 'http://a/x.png' ) }", passive("http://a/x.png")),
        (r"b { background: url(http\3a //a/x.png) }", passive("http://a/x.png")),
        ("b { background: image-set('http://a/x.png' 1x) }", passive("http://a/x.png")),
        ("b { background: -webkit-image-set(url(http://a/x.png) 1x) }", passive("http://a/x.png")),
        ("b { filter: var(--x, url(http://a/x.svg)) }", passive("http://a/x.svg")),
        ("@media screen { b { cursor: url(http://a/x.cur), auto } }", passive("http://a/x.cur")),
        ("background: url(http://a/x.png)", passive("http://a/x.png")),
        ("b { background: url(http://a/x.png", passive("http://a/x.png")),
        ("@font-face { src: url(http://a/x.woff) }", Reference("http://a/x.woff", "CSS font", active=True)),
        (
            "@media print { @font-face { src: url(http://a/x.woff) } }",
            Reference("http://a/x.woff", "CSS font", active=True),
        ),
        (
            "@import 'http://a/x.css' layer(x) screen;",
            Reference("http://a/x.css", "CSS @import", active=True, is_sheet=True),
        ),
        ("@import url(x.css);", Reference("x.css", "CSS @import", active=True, is_sheet=True)),
        ("@namespace url(http://www.w3.org/1999/xhtml);", None),
        ("/* b { background: url(http://a/x.png) } */", None),
        ("b::after { content: 'url(http://a/x.png)' }", None),
        ("b { content: 'http://a' }", None),
        ("", None),
    ],
)
def test_each_way_to_load(css: str, wanted: Reference | None) -> None:
    assert list(references(css)) == ([] if wanted is None else [wanted])


def test_a_rule_ends_where_it_ends() -> None:
    found = [
        (one.what, one.url) for one in references("@import 'a'; @font-face { src: url(b) } c { background: url(d) }")
    ]
    assert found == [("CSS @import", "a"), ("CSS font", "b"), ("CSS url()", "d")]


def test_deep_nesting_is_not_followed_for_ever() -> None:
    assert list(references("(" * 100_000 + "url(http://a)")) == []


@given(st.text(alphabet="@import{}();:'\"\\/*url -font-face\n\0é", max_size=200))
def test_any_text_is_read(css: str) -> None:
    list(references(css))
