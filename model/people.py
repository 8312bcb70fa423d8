"""Who works with a cluster, what each may do, and who gives leave."""

from typing import Literal

from pydantic import Field

from model.base import Frozen
from model.names import ChannelName, Email, PersonName, Seconds, SlackGroup, SlackUser, TeamName

Right = Literal["read", "deploy", "scale", "sync", "approve", "hold", "break-glass"]
# What somebody had to do with a plan that waits for leave.
Part = Literal["requester", "author", "merger"]


class Person(Frozen):
    """Somebody who works with this cluster."""

    slack: SlackUser = Field(description="Slack user id")
    email: Email = Field(description="Address that signs commits in the cluster repo")
    may: tuple[Right, ...] = Field(("read",), description="What this person may do")


class Team(Frozen):
    """People with the same rights: named ones, Slack users, and whoever is in a user group or a channel of Slack."""

    people: tuple[PersonName, ...] = Field((), description="Members, by their names under `people`")
    users: tuple[SlackUser, ...] = Field((), description="Members, by their Slack user ids")
    groups: tuple[SlackGroup, ...] = Field((), description="Slack user groups whose members belong to it")
    channels: tuple[ChannelName, ...] = Field((), description="Slack channels whose members belong to it")
    may: tuple[Right, ...] = Field((), description="What its members may do")


class Escalation(Frozen):
    """Who may decide as well, when nobody did in time."""

    after: Seconds = Field(description="How long a card waits before these are asked, too")
    to: TeamName = Field(description="The team that is asked, by its name under `teams`")


class Approvals(Frozen):
    """How a plan that destroys gets leave."""

    count: int = Field(1, ge=1, le=5, description="How many people have to approve")
    team: TeamName | None = Field(None, description="The team that may, where not everybody with `approve` may")
    not_by: tuple[Part, ...] = Field(
        ("requester", "author", "merger"),
        description="Whose approval does not count: of whoever asked, wrote the commits, merged the pull request",
    )
    remind: Seconds | None = Field(900.0, description="How often those who may decide are reminded")
    escalate: Escalation | None = Field(None, description="Who may decide as well, when nobody did in time")
    expires: Seconds = Field(3600.0, description="How long a card waits for a decision")
