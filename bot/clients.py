"""Slack clients that never wait for their own retries, and never take a proxy to reach this machine."""

import os
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from slack_sdk import WebClient
from slack_sdk.webhook import WebhookClient

SLACK_API = "https://slack.com/api/"
CALL_SECONDS = 10


@dataclass(frozen=True)
class SlackSettings:
    """A bot token (`xoxb-…`), an app-level token (`xapp-…`), and the Web API's address where it is not Slack's own."""

    bot_token: str
    app_token: str
    api_url: str | None = None

    def __repr__(self) -> str:
        return f"SlackSettings(api_url={self.api_url!r})"


def web_client(settings: SlackSettings) -> WebClient:
    """Raises at once what goes wrong: the outbox knows what may be repeated."""
    url = settings.api_url or SLACK_API
    client = WebClient(settings.bot_token, base_url=url, timeout=CALL_SECONDS, retry_handlers=[])
    if is_loopback(url):
        reach_directly(url)
        client.proxy = None
    return client


def webhook_client(url: str) -> WebhookClient:
    """For a response_url."""
    client = WebhookClient(url, timeout=CALL_SECONDS, retry_handlers=[])
    if is_loopback(url):
        reach_directly(url)
        client.proxy = None
    return client


def is_loopback(url: str) -> bool:
    """Whether an address is on this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def reach_directly(url: str) -> None:
    """Except a host from the environment's proxies: urllib, below slack-sdk, knows no other way to say it."""
    host = urlsplit(url).hostname or ""
    excepted = os.environ.get("no_proxy", os.environ.get("NO_PROXY", ""))
    if host not in excepted.split(","):
        os.environ["no_proxy"] = f"{excepted},{host}".lstrip(",")
