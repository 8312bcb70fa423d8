"""The Slack app manifest asks for what the bot uses."""

import re
from pathlib import Path

from ruamel.yaml import YAML

from bot.help import SLASH

ROOT = Path(__file__).parents[2]
MANIFEST = YAML(typ="safe").load(ROOT / "docs" / "slack-app-manifest.yaml")


def test_the_app_has_the_command_and_gets_clicks_over_a_socket() -> None:
    assert [command["command"] for command in MANIFEST["features"]["slash_commands"]] == [SLASH]
    assert MANIFEST["settings"]["socket_mode_enabled"]
    assert MANIFEST["settings"]["interactivity"]["is_enabled"]


def test_the_app_hears_mentions_and_has_a_home() -> None:
    assert MANIFEST["settings"]["event_subscriptions"]["bot_events"] == ["app_home_opened", "app_mention"]
    assert MANIFEST["features"]["app_home"]["home_tab_enabled"]


# https://docs.slack.dev/reference/methods; those of private channels are wanted as well.
SCOPES = {
    "chat_postMessage": {"chat:write"},
    "chat_postEphemeral": {"chat:write"},
    "chat_update": {"chat:write"},
    "files_upload_v2": {"files:write"},
    "conversations_open": {"im:write"},
    "chat_getPermalink": set(),
    "views_publish": set(),
    "auth_test": set(),
    # By the app-level token.
    "apps_connections_open": set(),
    "conversations_list": {"channels:read", "groups:read"},
    "conversations_members": {"channels:read", "groups:read"},
    "usergroups_users_list": {"usergroups:read"},
    "users_info": {"users:read", "users:read.email"},
    "users_lookupByEmail": {"users:read.email"},
    "conversations_history": {"channels:history", "groups:history", "im:history"},
    "conversations_replies": {"channels:history", "groups:history"},
}


def test_the_scopes_are_those_of_the_methods_that_the_bot_calls() -> None:
    source = "\n".join(path.read_text() for path in (ROOT / "bot").glob("*.py"))
    called = set(re.findall(r"_client\.([a-z]+_[A-Za-z0-9_]+)\(", source))
    assert called == SCOPES.keys()
    # /flstr itself, posting to a public channel before the app was invited there, and events.
    besides = {"commands", "chat:write.public", "app_mentions:read"}
    assert set(MANIFEST["oauth_config"]["scopes"]["bot"]) == besides.union(*SCOPES.values())
