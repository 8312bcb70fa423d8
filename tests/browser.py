"""Headless Chromium on the page of the lab's Slack."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, expect, sync_playwright

# On a busy machine a page is slow to show what is true.
PATIENCE_MS = 30_000.0


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser of its own."""
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def page_of(browser: Browser, url: str) -> Iterator[Page]:
    """The page as the operator sees it; an error in its scripts fails the test."""
    page = browser.new_page(viewport={"width": 1280, "height": 860})
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(url)
    expect(page.get_by_role("log", name="Messages in #flstr")).to_be_visible()
    yield page
    page.close()
    assert errors == [], errors
