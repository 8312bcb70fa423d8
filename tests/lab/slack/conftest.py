"""A running workspace, and the real SDK's clients of it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page
from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient

from lab.slack.background import BackgroundSlack
from lab.slack.client import SlackControl
from lab.slack.server import SlackApi
from lab.slack.settings import RateLimits, SlackSettings
from tests.browser import chromium, page_of
from tests.lab.slack.workspace import Impatient

# The app of a busy machine is in time as well; what is to fail before the person fails where Slack is `impatient`.
QUICK = SlackSettings(
    ack_seconds=20.0,
    trigger_seconds=20.0,
    event_retry_seconds=(0.05, 0.05, 0.05),
    rate_limits=RateLimits(enabled=False),
    event_subscriptions=("app_mention", "app_home_opened", "message"),
)


@pytest.fixture
def settings() -> SlackSettings:
    """A test module that needs other settings has a fixture of this name."""
    return QUICK


@pytest.fixture
def slack(settings: SlackSettings) -> Iterator[SlackApi]:
    with BackgroundSlack(SlackApi(settings=settings)) as running:
        yield running.api


@pytest.fixture
def impatient(slack: SlackApi) -> Impatient:
    """In its block Slack waits for an acknowledgement no longer than a moment."""

    @contextmanager
    def hurrying() -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(slack._slack.socket, "_ack_seconds", 0.5)
            yield

    return hurrying


@pytest.fixture
def web(slack: SlackApi) -> WebClient:
    return WebClient(token=slack.bot_token, base_url=slack.api_url)


@pytest.fixture
def people(slack: SlackApi) -> SlackControl:
    """Acts as the people of the workspace."""
    return SlackControl(slack.url)


@pytest.fixture
def app(web: WebClient) -> App:
    """A bolt app to hang listeners on."""
    return App(client=web)


@pytest.fixture
def connect(slack: SlackApi, app: App, people: SlackControl) -> Iterator[Callable[[], SocketModeHandler]]:
    """Connects the app over Socket Mode; called more than once, it holds several connections."""
    handlers: list[SocketModeHandler] = []

    def _connect() -> SocketModeHandler:
        handler = SocketModeHandler(app, slack.app_token, ping_interval=1)
        handlers.append(handler)
        handler.connect()  # type: ignore[no-untyped-call]  # as bolt has it
        return handler

    yield _connect
    for handler in handlers:
        handler.client.auto_reconnect_enabled = False
    people.disconnect("abort")  # the SDK's close waits for a receive that takes up to 3 s on a live connection
    for handler in handlers:
        handler.close()  # type: ignore[no-untyped-call]


@pytest.fixture
def eventually() -> Callable[[Callable[[], object]], object]:
    """Waits until what it is given to look at is true."""

    def look_until(look: Callable[[], object]) -> object:
        until = time.monotonic() + 60
        while not (found := look()):
            assert time.monotonic() < until, f"still {found!r}"
            time.sleep(0.02)
        return found

    return look_until


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser, slack: SlackApi) -> Iterator[Page]:
    """The page as the operator sees it; an error in its scripts fails the test."""
    with page_of(browser, slack.url) as page:
        yield page
