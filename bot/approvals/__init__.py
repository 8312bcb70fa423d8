"""How Slack asks for leave: the part of the card that asks, and the window that wants names typed."""
