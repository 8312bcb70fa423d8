"""What can be set on the lab's Slack: tokens, deadlines, rate limits, what it accepts."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class RateLimits:
    """Requests a minute a method tier, and messages a second a channel (with a short burst)."""

    enabled: bool = True
    tier_per_minute: tuple[int, int, int, int] = (1, 20, 50, 100)
    posts_per_second: float = 1.0
    post_burst: int = 4


@dataclass(frozen=True)
class SlackSettings:
    """Seconds where not said otherwise; the defaults are Slack's own numbers."""

    bot_token: str = "xoxb-lab-flstr"  # noqa: S105 - opens a workspace on loopback only
    app_token: str = "xapp-1-A01FLSTR-lab"  # noqa: S105
    ack_seconds: float = 3.0
    trigger_seconds: float = 3.0
    event_retry_seconds: tuple[float, ...] = (1.0, 60.0, 300.0)
    response_url_uses: int = 5
    response_url_seconds: float = 30 * 60.0
    socket_connections: int = 10
    composer_characters: int = 12_000
    accept_plan_blocks: bool = True
    event_subscriptions: tuple[str, ...] = ("app_mention", "app_home_opened")
    rate_limits: RateLimits = field(default_factory=RateLimits)
