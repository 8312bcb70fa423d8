"""The Slack app manifest asks for what the bot uses."""

from pathlib import Path

from ruamel.yaml import YAML

from bot.help import SLASH

MANIFEST = YAML(typ="safe").load(Path(__file__).parents[2] / "docs" / "slack-app-manifest.yaml")


def test_the_app_has_the_command_and_gets_clicks_over_a_socket() -> None:
    assert [command["command"] for command in MANIFEST["features"]["slash_commands"]] == [SLASH]
    assert MANIFEST["settings"]["socket_mode_enabled"]
    assert MANIFEST["settings"]["interactivity"]["is_enabled"]


def test_the_scopes_cover_every_method_that_is_called() -> None:
    scopes = set(MANIFEST["oauth_config"]["scopes"]["bot"])
    assert scopes == {
        *("commands", "chat:write", "chat:write.public"),
        *("channels:read", "channels:history", "groups:read", "groups:history"),
    }
