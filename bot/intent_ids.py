"""Ids of intents, made from what Slack delivers once."""

import hashlib


def intent_id(*parts: str) -> str:
    """The same for the same parts, so that what Slack delivers twice is submitted once."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
