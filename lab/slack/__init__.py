"""A Slack workspace on loopback: Web API, Socket Mode, and a page where people read and act."""
