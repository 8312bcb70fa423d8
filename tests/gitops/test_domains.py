"""Registered domains by the public suffix list."""

import pytest

from gitops.domains import is_within, registered_domain, stands_for


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("example.com", "example.com"),
        ("a.b.example.com", "example.com"),
        ("*.Example.COM.", "example.com"),
        ("shop.example.co.uk", "example.co.uk"),
        ("x.y.github.io", "y.github.io"),
        ("influencer.flstr.lab", "flstr.lab"),
        ("github.io", "github.io"),
        ("com", "com"),
    ],
)
def test_what_somebody_has_registered(name: str, expected: str) -> None:
    assert registered_domain(name) == expected


@pytest.mark.parametrize(
    ("name", "domain", "expected"),
    [
        ("example.com", "example.com", True),
        ("*.example.com", "example.com", True),
        ("a.b.example.com", "example.com", True),
        ("notexample.com", "example.com", False),
        ("example.com.example.org", "example.com", False),
    ],
)
def test_what_lies_within_a_domain(name: str, domain: str, expected: bool) -> None:
    assert is_within(name, domain) is expected


@pytest.mark.parametrize(
    ("name", "host", "expected"),
    [
        ("shop.example.com", "SHOP.example.com.", True),
        ("*.example.com", "shop.example.com", True),
        ("*.example.com", "*.example.com", True),
        ("*.example.com", "example.com", False),
        ("*.example.com", "a.shop.example.com", False),
        ("shop.example.com", "shop.example.org", False),
    ],
)
def test_which_names_are_good_for_a_host(name: str, host: str, expected: bool) -> None:
    assert stands_for(name, host) is expected
