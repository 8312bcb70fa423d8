"""The lab's workspace as the tests of an app see it."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from slack_bolt.adapter.socket_mode import SocketModeHandler

Json = dict[str, Any]
Connect = Callable[[], SocketModeHandler]
Eventually = Callable[[Callable[[], object]], object]
Impatient = Callable[[], AbstractContextManager[None]]

FLSTR = "C01FLSTR"
GENERAL = "C02GENERAL"
OPERATOR = "U01OPERATOR"
DEVELOPER = "U02DEVELOPER"
APPROVE: Json = {
    "type": "actions",
    "block_id": "decision",
    "elements": [
        {
            "type": "button",
            "action_id": "approve",
            "value": "op1",
            "style": "primary",
            "text": {"type": "plain_text", "text": "Approve"},
        }
    ],
}
