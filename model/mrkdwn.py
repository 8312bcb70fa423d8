"""Slack's markup, as far as what is said to people needs it."""

from model.operation import OperationStatus

SIGNS: dict[OperationStatus, str] = {
    "awaiting_approval": ":raised_hand:",
    "queued": ":hourglass_flowing_sand:",
    "running": ":gear:",
    "done": ":white_check_mark:",
    "failed": ":x:",
    "denied": ":no_entry:",
    "expired": ":alarm_clock:",
    "void": ":wastebasket:",
}


def escape(text: str) -> str:
    """Text that Slack shows as it is: no mentions, no links."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
