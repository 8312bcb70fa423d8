"""Slack's markup, as far as what is said to people needs it."""


def escape(text: str) -> str:
    """Text that Slack shows as it is: no mentions, no links."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
