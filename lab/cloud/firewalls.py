"""Firewalls, as the API sees them: the lab's hosts are not filtered by them."""

import re
from ipaddress import ip_network
from typing import Literal

from aiohttp import web
from pydantic import Field, model_validator

from lab.cloud.actions import Action
from lab.cloud.bodies import Body, Labels, Name, read_body
from lab.cloud.clock import now, timestamp
from lab.cloud.entities import Firewall, FirewallRule, Server
from lab.cloud.errors import ApiError, invalid_input
from lab.cloud.listing import Json
from lab.cloud.project import Project, ref
from lab.cloud.resource import Resource
from lab.cloud.selectors import parse_selector

_PORT = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?")


class ServerTarget(Body):
    id: int


class SelectorTarget(Body):
    selector: str


class Target(Body):
    type: Literal["server", "label_selector"]
    server: ServerTarget | None = None
    label_selector: SelectorTarget | None = None

    @model_validator(mode="after")
    def _names_its_target(self) -> "Target":
        if (self.server if self.type == "server" else self.label_selector) is None:
            raise ValueError(f"{self.type} is missing")
        if self.label_selector is not None:
            parse_selector(self.label_selector.selector)
        return self


class Rules(Body):
    rules: list[FirewallRule] = Field(default_factory=list)


class CreateFirewall(Rules):
    name: Name
    labels: Labels = Field(default_factory=dict)
    apply_to: list[Target] = Field(default_factory=list)


class ApplyTo(Body):
    apply_to: list[Target]


class RemoveFrom(Body):
    remove_from: list[Target]


def check_rules(rules: list[FirewallRule]) -> list[FirewallRule]:
    if len(rules) > 50:
        raise invalid_input("rules", "a firewall has at most 50 rules")
    for number, rule in enumerate(rules):
        if problem := _rule_problem(rule):
            raise invalid_input(f"rules.{number}", problem)
    return rules


def _rule_problem(rule: FirewallRule) -> str | None:
    networks = rule.source_ips if rule.direction == "in" else rule.destination_ips
    if not networks or len(networks) > 100:
        return f"a rule of direction {rule.direction} needs 1 to 100 networks in CIDR notation"
    for network in networks:
        try:
            ip_network(network)
        except ValueError:
            return f"'{network}' is no network in CIDR notation"
    if (rule.protocol in ("tcp", "udp")) != (rule.port is not None):
        return "a port belongs to the protocols tcp and udp, and only to them"
    if rule.port is not None and not _is_port(rule.port):
        return f"'{rule.port}' is no port or range of ports"
    return None


def _is_port(text: str) -> bool:
    match = _PORT.fullmatch(text)
    ports = [int(port) for port in match.groups() if port] if match else []
    return bool(ports) and all(1 <= port <= 65535 for port in ports) and ports[0] <= ports[-1]


def servers_behind(project: Project, firewall: Firewall) -> list[Server]:
    selectors = [parse_selector(text) for text in firewall.selectors]
    return [
        server
        for server in project.servers
        if server.id in firewall.server_ids or any(selector.matches(server.labels) for selector in selectors)
    ]


class Firewalls(Resource[Firewall]):
    plural = "firewalls"

    def routes(self) -> list[web.RouteDef]:
        actions = "/firewalls/{id}/actions"
        return [
            *self.action_routes(),
            *super().routes(),
            web.post("/firewalls", self.create),
            web.post(f"{actions}/set_rules", self.set_rules),
            web.post(f"{actions}/apply_to_resources", self.apply_to_resources),
            web.post(f"{actions}/remove_from_resources", self.remove_from_resources),
        ]

    def view(self, item: Firewall) -> Json:
        return {
            "id": item.id,
            "name": item.name,
            "labels": item.labels,
            "created": timestamp(item.created),
            "rules": [rule.model_dump() for rule in item.rules],
            "applied_to": [
                *({"type": "server", "server": {"id": server_id}} for server_id in sorted(item.server_ids)),
                *(self._view_selector(text) for text in item.selectors),
            ],
        }

    def _view_selector(self, text: str) -> Json:
        matches = parse_selector(text).matches
        servers = [server for server in self.project.servers if matches(server.labels)]
        return {
            "type": "label_selector",
            "label_selector": {"selector": text},
            "applied_to_resources": [{"type": "server", "server": {"id": server.id}} for server in servers],
        }

    async def create(self, request: web.Request) -> web.Response:
        body = await read_body(request, CreateFirewall)
        self.collection.refuse_taken(body.name)
        firewall = Firewall(
            id=self.project.next_id(),
            name=body.name,
            created=now(),
            labels=body.labels,
            rules=check_rules(body.rules),
        )
        self._apply(firewall, body.apply_to)
        self.collection.add(firewall)
        actions = [self._start("set_firewall_rules", firewall), *self._start_applying(firewall, body.apply_to)]
        return web.json_response(
            {"firewall": self.view(firewall), "actions": [action.view() for action in actions]}, status=201
        )

    async def remove(self, item: Firewall) -> web.Response:
        if item.server_ids or item.selectors:
            raise ApiError("resource_in_use", "firewall is still applied to resources")
        return await super().remove(item)

    async def set_rules(self, request: web.Request) -> web.Response:
        firewall = self.item(request)
        firewall.rules = check_rules((await read_body(request, Rules)).rules)
        return _answer(self._start("set_firewall_rules", firewall))

    async def apply_to_resources(self, request: web.Request) -> web.Response:
        firewall = self.item(request)
        targets = (await read_body(request, ApplyTo)).apply_to
        self._apply(firewall, targets)
        return _answer(*self._start_applying(firewall, targets))

    async def remove_from_resources(self, request: web.Request) -> web.Response:
        firewall = self.item(request)
        for target in (await read_body(request, RemoveFrom)).remove_from:
            if target.server is not None:
                firewall.server_ids.discard(target.server.id)
            elif target.label_selector is not None and target.label_selector.selector in firewall.selectors:
                firewall.selectors.remove(target.label_selector.selector)
        return _answer(self._start("remove_firewall", firewall))

    def _apply(self, firewall: Firewall, targets: list[Target]) -> None:
        servers = [self.project.servers.get(target.server.id) for target in targets if target.server]
        if any(server.id in firewall.server_ids for server in servers):
            raise ApiError("firewall_already_applied", "firewall is already applied to the server")
        firewall.server_ids |= {server.id for server in servers}
        firewall.selectors += [target.label_selector.selector for target in targets if target.label_selector]

    def _start_applying(self, firewall: Firewall, targets: list[Target]) -> list[Action]:
        return [self._start("apply_firewall", firewall) for _ in targets]

    def _start(self, command: str, firewall: Firewall) -> Action:
        seconds = self.project.settings.action_seconds
        return self.project.actions.start(command, ref(firewall), seconds=seconds, locks=())


def _answer(*actions: Action) -> web.Response:
    return web.json_response({"actions": [action.view() for action in actions]}, status=201)
