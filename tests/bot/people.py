"""What people do on the page of the lab's Slack, and a gate that steps wait at meanwhile."""

import re
import threading
from typing import Any
from urllib.parse import urljoin

from playwright.sync_api import Locator, Page, expect

from tests.bot.room import Json, Room

HOME, CHANNEL = "place-flstr home", "place-flstr"


class People:
    """One person after the other in front of the same page."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def be(self, name: str) -> None:
        """Somebody else sits down."""
        self.page.get_by_role("radio", name=name).click()
        expect(self.page.get_by_role("radio", name=name)).to_be_checked()

    def say(self, name: str, line: str) -> None:
        """Type a line in the channel, and send it."""
        self.be(name)
        box = self.page.get_by_label("Message #flstr")
        box.fill(line)
        box.press("Enter")
        expect(box).to_have_value("")

    def meanwhile(self, name: str, line: str) -> None:
        """Somebody else types at a page of their own."""
        browser = self.page.context.browser
        assert browser is not None
        page = browser.new_page()
        page.goto(urljoin(self.page.url, "/"))
        # A page that closes takes along what it has not sent yet.
        with page.expect_response("**/lab/command"):
            People(page).say(name, line)
        page.close()

    def click(self, place: Locator, name: str) -> None:
        """Click a button somewhere."""
        place.get_by_role("button", name=name, exact=True).click()

    def messages(self) -> Locator:
        """All that this person sees in the channel."""
        return self.page.get_by_role("log", name="Messages in #flstr").get_by_test_id("message")

    def card(self, title: str) -> Locator:
        """The newest card with that title."""
        plan = self.page.get_by_test_id("plan")
        heading = self.page.get_by_role("heading", name=re.compile(rf"^\W*{re.escape(title)}$"))
        return self.messages().filter(has=plan).filter(has=heading).last

    def told(self, text: str | re.Pattern[str]) -> Locator:
        """A sentence for this person alone."""
        return self.messages().filter(has_text="Only visible to you").filter(has_text=text)

    def heard(self, text: str | re.Pattern[str]) -> Locator:
        """The newest message for everybody that has this text."""
        return self.messages().filter(has_not_text="Only visible to you").filter(has_text=text).last

    def thread(self) -> Locator:
        """The thread that is open."""
        return self.page.get_by_role("complementary", name="Thread")

    def window(self, name: str) -> Locator:
        """The modal with that title."""
        return self.page.get_by_role("dialog", name=name)

    def home(self, name: str) -> Locator:
        """What App Home shows to somebody."""
        self.be(name)
        self.page.get_by_test_id(CHANNEL).click()
        self.page.get_by_test_id(HOME).click()
        return self.page.get_by_test_id("home")

    def back(self) -> None:
        """To the channel."""
        self.page.get_by_test_id(CHANNEL).click()


class Gate:
    """Steps begin only while it is open; what stood in the channel when the first one came is kept."""

    def __init__(self, room: Room) -> None:
        self.cards: list[Json] = []
        self._room = room
        self._open = threading.Event()
        self._open.set()

    def shut(self) -> None:
        self._open.clear()

    def open(self) -> None:
        self._open.set()

    def __call__(self, step: Any) -> None:
        if not self.cards:
            self.cards = self._room.cards()
        assert self._open.wait(60)
