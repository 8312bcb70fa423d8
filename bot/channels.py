"""Channel names to Slack's ids."""

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError


class Channels:
    """Asks Slack once for each name."""

    def __init__(self, client: WebClient) -> None:
        self._client = client
        self._ids: dict[str, str] = {}

    def known(self, name: str) -> str | None:
        """The id of a channel that was asked for before."""
        return self._ids.get(name)

    def name_of(self, channel: str) -> str:
        """The name of a channel that Slack has listed, or nothing."""
        return next((name for name, known in [*self._ids.items()] if known == channel), "")

    def forget(self, name: str) -> None:
        """Ask again: another channel may have this name by now."""
        self._ids.pop(name, None)

    def ask(self, name: str) -> str | None:
        """The id of a channel, or None where the app sees no such channel; raises what slack-sdk raises."""
        try:
            self._list("public_channel,private_channel", name)
        except SlackApiError as error:
            if error.response.get("error") != "missing_scope":
                raise
            self._list("public_channel", name)
        return self._ids.get(name)

    def _list(self, types: str, name: str) -> None:
        cursor = None
        while name not in self._ids:
            page = self._client.conversations_list(types=types, exclude_archived=True, limit=999, cursor=cursor)
            self._ids.update({channel["name"]: channel["id"] for channel in page.get("channels") or ()})
            cursor = (page.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return
