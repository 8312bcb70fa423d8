"""What every resource offers: list, get, update, delete, and its actions."""

from collections.abc import Callable, Mapping
from typing import ClassVar, Generic, TypeVar

from aiohttp import web

from lab.cloud.actions import Action
from lab.cloud.bodies import Protection, Update, read_body
from lab.cloud.clock import timestamp
from lab.cloud.collection import Collection
from lab.cloud.entities import Entity, Protectable
from lab.cloud.errors import not_found, protected
from lab.cloud.listing import Json, Listing
from lab.cloud.project import Project, ref

T = TypeVar("T", bound=Entity)
P = TypeVar("P", bound=Protectable)

ACTION_LISTING: Listing[Action] = Listing(
    plural="actions",
    view=Action.view,
    filters={"status": lambda action: action.status, "id": lambda action: str(action.id)},
    sorts={
        "id": lambda action: action.id,
        "command": lambda action: action.command,
        "status": lambda action: action.status,
        "progress": lambda action: action.progress,
        "started": lambda action: timestamp(action.created),
        "finished": lambda action: timestamp(action.finished) if action.finished else "",
    },
)


def number(request: web.Request, name: str, kind: str) -> int:
    """The id in the path."""
    text = request.match_info[name]
    if not text.isascii() or not text.isdigit():
        raise not_found(kind, text)
    return int(text)


def action_response(action: Action, status: int = 201) -> web.Response:
    return web.json_response({"action": action.view()}, status=status)


def action_routes(project: Project) -> list[web.RouteDef]:
    """Every action, whatever it works on."""

    async def list_actions(request: web.Request) -> web.Response:
        return ACTION_LISTING.respond(request, project.actions)

    async def get_action(request: web.Request) -> web.Response:
        return action_response(project.actions.get(number(request, "id", "action")), status=200)

    return [web.get("/actions", list_actions), web.get("/actions/{id}", get_action)]


class Resource(Generic[T]):
    """Base of the resources a project owns. `collection.kind` names one in answers, `plural` several and the path."""

    plural: ClassVar[str]
    update_body: ClassVar[type[Update]] = Update

    def __init__(self, project: Project, collection: Collection[T]) -> None:
        self.project = project
        self.collection = collection
        self.kind = collection.kind
        self.listing: Listing[T] = Listing(
            plural=self.plural,
            view=self.view,
            filters={"name": lambda item: item.name, **self.extra_filters()},
            sorts={
                "id": lambda item: item.id,
                "name": lambda item: item.name,
                "created": lambda item: timestamp(item.created),
            },
            labels=lambda item: item.labels,
        )

    def view(self, item: T) -> Json:
        raise NotImplementedError

    def extra_filters(self) -> Mapping[str, Callable[[T], str]]:
        return {}

    async def remove(self, item: T) -> web.Response:
        """Delete at once; a resource whose deletion takes time answers with its action."""
        self.collection.remove(item)
        return web.Response(status=204)

    def routes(self) -> list[web.RouteDef]:
        one = f"/{self.plural}/{{id}}"
        return [
            web.get(f"/{self.plural}", self.list_items),
            web.get(one, self.get_item),
            web.put(one, self.update),
            web.delete(one, self.delete),
        ]

    def action_routes(self) -> list[web.RouteDef]:
        one = f"/{self.plural}/{{id}}"
        return [
            web.get(f"/{self.plural}/actions", self.list_all_actions),
            web.get(f"/{self.plural}/actions/{{action_id}}", self.get_action),
            web.get(f"{one}/actions", self.list_actions),
            web.get(f"{one}/actions/{{action_id}}", self.get_action),
        ]

    def item(self, request: web.Request) -> T:
        return self.collection.get(number(request, "id", self.kind))

    def unlocked(self, request: web.Request) -> T:
        item = self.item(request)
        self.project.actions.refuse_locked(ref(item))
        return item

    async def list_items(self, request: web.Request) -> web.Response:
        return self.listing.respond(request, self.collection)

    async def get_item(self, request: web.Request) -> web.Response:
        return web.json_response({self.kind: self.view(self.item(request))})

    async def update(self, request: web.Request) -> web.Response:
        item = self.item(request)
        body = await read_body(request, self.update_body)
        self.apply_update(item, body)
        return web.json_response({self.kind: self.view(item)})

    def apply_update(self, item: T, body: Update) -> None:
        if body.name is not None:
            self.collection.refuse_taken(body.name, owner=item)
            item.name = body.name
        if body.labels is not None:
            item.labels = body.labels

    async def delete(self, request: web.Request) -> web.Response:
        return await self.remove(self.item(request))

    async def list_actions(self, request: web.Request) -> web.Response:
        wanted = ref(self.item(request))
        return ACTION_LISTING.respond(request, (a for a in self.project.actions if wanted in a.resources))

    async def list_all_actions(self, request: web.Request) -> web.Response:
        return ACTION_LISTING.respond(request, (a for a in self.project.actions if self._concerns(a)))

    async def get_action(self, request: web.Request) -> web.Response:
        action = self.project.actions.get(number(request, "action_id", "action"))
        if not self._concerns(action):
            raise not_found("action", action.id)
        return action_response(action, status=200)

    def _concerns(self, action: Action) -> bool:
        return any(ref.type == self.kind for ref in action.resources)


class ProtectableResource(Resource[P]):
    """A resource whose deletion somebody may have forbidden."""

    def routes(self) -> list[web.RouteDef]:
        change = web.post(f"/{self.plural}/{{id}}/actions/change_protection", self.change_protection)
        return [*self.action_routes(), *super().routes(), change]

    async def delete(self, request: web.Request) -> web.Response:
        item = self.item(request)
        if item.protected:
            raise protected(self.kind)
        return await self.remove(item)

    async def change_protection(self, request: web.Request) -> web.Response:
        item = self.unlocked(request)
        body = await read_body(request, Protection)
        if body.delete is not None:
            item.protected = body.delete
        seconds = self.project.settings.action_seconds
        return action_response(self.project.actions.start("change_protection", ref(item), seconds=seconds))
