"""/lab/…: what an administrator does: members of groups and channels, messages that are taken away."""

from aiohttp import web
from pydantic import Field

from lab.slack.control_wire import Body, body, posts
from lab.slack.directory import Administration


class Members(Body):
    group: str
    members: list[str]


class ChannelMembers(Body):
    channel: str
    add: list[str] = Field(default_factory=list)
    remove: list[str] = Field(default_factory=list)


class Deletion(Body):
    channel: str
    ts: str


class WorkspaceControl:
    def __init__(self, administration: Administration) -> None:
        self._administration = administration

    def routes(self) -> list[web.RouteDef]:
        return posts({"groups": self.groups, "channels": self.channels, "delete": self.delete})

    async def groups(self, request: web.Request) -> web.Response:
        """A user group has these members from now on."""
        order = await body(request, Members)
        self._administration.set_group(order.group, order.members)
        return web.json_response({})

    async def channels(self, request: web.Request) -> web.Response:
        """People or the app come into a channel, or leave it."""
        order = await body(request, ChannelMembers)
        self._administration.change_members(order.channel, order.add, order.remove)
        return web.json_response({})

    async def delete(self, request: web.Request) -> web.Response:
        order = await body(request, Deletion)
        self._administration.delete(order.channel, order.ts)
        return web.json_response({})
