"""Who and what is in the lab's workspace: people, channels, the app."""

from dataclasses import dataclass

TEAM_ID = "T01FLSTRLAB"
TEAM_NAME = "flstr lab"
TEAM_DOMAIN = "flstr-lab"
APP_ID = "A01FLSTR"
BOT_ID = "B01FLSTR"
BOT_USER_ID = "U00FLSTR"
BOT_NAME = "flstr"
SLACKBOT_ID = "USLACKBOT"
VERIFICATION_TOKEN = "lab-verification-token"  # noqa: S105 - a field of every payload, guards nothing


@dataclass(frozen=True)
class Person:
    id: str
    name: str
    real_name: str
    email: str
    colour: str


@dataclass(frozen=True)
class Channel:
    """A public channel. `with_app` says whether the app was invited."""

    id: str
    name: str
    topic: str
    with_app: bool = True


@dataclass(frozen=True)
class UserGroup:
    id: str
    handle: str
    name: str
    members: tuple[str, ...]


def _person(user_id: str, name: str, colour: str) -> Person:
    return Person(user_id, name, name, f"{name}@flstr.lab", colour)


PEOPLE = (
    _person("U01OPERATOR", "operator", "#c2410c"),
    _person("U02DEVELOPER", "developer", "#1d6fd8"),
    _person("U03REVIEWER", "reviewer", "#0f8a6a"),
    _person("U04GUEST", "guest", "#7c3aed"),
)
CHANNELS = (
    Channel("C01FLSTR", "flstr", "Deploys, approvals and what the cluster is doing"),
    Channel("C02GENERAL", "general", "Everything else", with_app=False),
)
USER_GROUPS = (UserGroup("S01OPERATORS", "operators", "Operators", ("U01OPERATOR", "U03REVIEWER")),)
COMMANDS = ("/flstr",)
USAGE_HINTS = {"/flstr": "[deploy | scale | status | …] [app@commit]"}
