"""Who is who, asked of the lab's Slack."""

from collections.abc import Iterator

import pytest

from bot.clients import SlackSettings, web_client
from bot.directory import SlackDirectory
from gitops.directory import Profile
from lab.slack.background import BackgroundSlack
from lab.slack.client import SlackControl
from lab.slack.server import SlackApi
from model.errors import Unreadable

OPERATOR, DEVELOPER, GUEST = "U01OPERATOR", "U02DEVELOPER", "U04GUEST"
GROUP = "S01OPERATORS"


class Asked:
    """A directory with a clock that a test moves, and the workspace that it asks."""

    def __init__(self, api: SlackApi) -> None:
        self.now = 0.0
        self.people = SlackControl(api.url)
        settings = SlackSettings(api.bot_token, api.app_token, api.api_url)
        self.directory = SlackDirectory(web_client(settings), lambda: self.now)


@pytest.fixture(scope="module")
def api() -> Iterator[SlackApi]:
    with BackgroundSlack(SlackApi()) as running:
        yield running.api


@pytest.fixture
def asked(api: SlackApi) -> Asked:
    return Asked(api)


def test_members_of_a_group_and_of_a_channel(asked: Asked) -> None:
    directory = asked.directory
    assert directory.in_group(OPERATOR, GROUP)
    assert not directory.in_group(DEVELOPER, GROUP)
    assert directory.in_channel(DEVELOPER, "flstr")
    assert not directory.in_channel("U99STRANGER", "flstr")


def test_profiles_by_id_and_by_address(asked: Asked) -> None:
    guest = Profile(GUEST, "guest", "guest@flstr.lab")
    assert asked.directory.profile(GUEST) == guest
    assert asked.directory.by_email("Guest@flstr.lab") == guest
    assert asked.directory.profile("U99STRANGER") is None
    assert asked.directory.by_email("nobody@flstr.lab") is None


def test_an_answer_is_kept_for_less_than_a_minute(asked: Asked) -> None:
    before = len(asked.people.calls("usergroups.users.list"))
    for _ in range(3):
        asked.directory.in_group(OPERATOR, GROUP)
    assert len(asked.people.calls("usergroups.users.list")) == before + 1
    asked.now = 60.0
    asked.directory.in_group(OPERATOR, GROUP)
    assert len(asked.people.calls("usergroups.users.list")) == before + 2


def test_where_slack_does_not_say_there_is_a_sentence_and_it_is_not_asked_at_once_again(asked: Asked) -> None:
    asked.people.fault("usergroups.users.list", error="missing_scope")
    for _ in range(2):
        with pytest.raises(Unreadable, match=r"Slack does not say .*S01OPERATORS.*missing_scope"):
            asked.directory.in_group(OPERATOR, GROUP)
    asked.now = 10.0
    assert asked.directory.in_group(OPERATOR, GROUP)


def test_a_lost_connection_is_no_answer(asked: Asked) -> None:
    asked.people.fault("users.info", lose_answer=True)
    with pytest.raises(Unreadable):
        asked.directory.profile(GUEST)


def test_what_slack_does_not_show_is_not_known_to_be_empty(asked: Asked) -> None:
    with pytest.raises(Unreadable, match="no channel #nowhere"):
        asked.directory.in_channel(OPERATOR, "nowhere")
    with pytest.raises(Unreadable, match="no_such_subteam"):
        asked.directory.in_group(OPERATOR, "S09GONE")
