"""DNS zones."""

import re
from typing import Annotated, Literal

from aiohttp import web
from pydantic import AfterValidator, Field

from lab.cloud.actions import Action
from lab.cloud.bodies import Body, Labels, Update, read_body
from lab.cloud.clock import now, timestamp
from lab.cloud.entities import Record, RrSet, Zone
from lab.cloud.errors import ApiError
from lab.cloud.listing import Json
from lab.cloud.project import ref
from lab.cloud.records import check_name, check_records, check_ttl, check_type
from lab.cloud.resource import ProtectableResource, action_response

NAMESERVERS = ("hydrogen.ns.hetzner.com.", "oxygen.ns.hetzner.com.", "helium.ns.hetzner.de.")
DEFAULT_TTL = 3600

_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_ZONE_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})+")


def _check_zone_name(name: str) -> str:
    if len(name) > 253 or not _ZONE_NAME.fullmatch(name):
        raise ValueError("must be a domain name in lower case, without a dot at its end")
    return name


class NewRrSet(Body):
    name: str
    type: str
    ttl: int | None = None
    labels: Labels = Field(default_factory=dict)
    records: list[Record] = Field(default_factory=list)


class CreateZone(Body):
    name: Annotated[str, AfterValidator(_check_zone_name)]
    mode: Literal["primary", "secondary"]
    ttl: int | None = None
    labels: Labels = Field(default_factory=dict)
    rrsets: list[NewRrSet] = Field(default_factory=list)
    zonefile: str | None = None


class Ttl(Body):
    ttl: int


def new_rrset(body: NewRrSet) -> RrSet:
    return RrSet(
        name=check_name(body.name),
        type=check_type(body.type),
        ttl=check_ttl(body.ttl),
        labels=body.labels,
        records=check_records(body.type, body.records),
    )


def apex() -> list[RrSet]:
    """The SOA and NS sets that every zone starts with."""
    soa = f"{NAMESERVERS[0]} dns.hetzner.com. {now():%Y%m%d}00 86400 10800 3600000 3600"
    nameservers = [Record(value=nameserver) for nameserver in NAMESERVERS]
    return [
        RrSet(name="@", type="SOA", ttl=None, labels={}, records=[Record(value=soa)]),
        RrSet(name="@", type="NS", ttl=None, labels={}, records=nameservers),
    ]


def renew_serial(zone: Zone) -> None:
    """As the cloud does at each change of a zone."""
    soa = zone.rrsets["@/SOA"]
    primary, mailbox, serial, *times = soa.records[0].value.split()
    soa.records = [Record(value=" ".join((primary, mailbox, str(int(serial) + 1), *times)))]


def zonefile(zone: Zone) -> str:
    lines = [f"$ORIGIN {zone.name}.", f"$TTL {zone.ttl}"]
    for rrset in zone.rrsets.values():
        ttl = "" if rrset.ttl is None else f"{rrset.ttl} "
        lines += [f"{rrset.name} {ttl}IN {rrset.type} {record.value}" for record in rrset.records]
    return "\n".join(lines) + "\n"


class Zones(ProtectableResource[Zone]):
    plural = "zones"

    def routes(self) -> list[web.RouteDef]:
        return [
            *super().routes(),
            web.post("/zones", self.create),
            web.get("/zones/{id}/zonefile", self.export_zonefile),
            web.post("/zones/{id}/actions/change_ttl", self.change_ttl),
        ]

    def item(self, request: web.Request) -> Zone:
        return self.collection.find(request.match_info["id"])

    def view(self, item: Zone) -> Json:
        return {
            "id": item.id,
            "name": item.name,
            "created": timestamp(item.created),
            "mode": "primary",
            "ttl": item.ttl,
            "labels": item.labels,
            "protection": {"delete": item.protected},
            "status": "updating" if self.project.actions.is_locked(ref(item)) else "ok",
            "record_count": sum(len(rrset.records) for rrset in item.rrsets.values()),
            "registrar": "other",
            "primary_nameservers": [],
            "authoritative_nameservers": {
                "assigned": list(NAMESERVERS),
                "delegated": [],
                "delegation_last_check": None,
                "delegation_status": "unknown",
            },
        }

    async def create(self, request: web.Request) -> web.Response:
        body = await read_body(request, CreateZone)
        if body.mode != "primary" or body.zonefile is not None:
            raise ApiError("unsupported_error", "the lab keeps primary zones only, made from rrsets")
        self.collection.refuse_taken(body.name)
        zone = Zone(
            id=self.project.next_id(),
            name=body.name,
            created=now(),
            labels=body.labels,
            ttl=check_ttl(body.ttl) or DEFAULT_TTL,
            rrsets={rrset.id: rrset for rrset in [*apex(), *map(new_rrset, body.rrsets)]},
        )
        self.collection.add(zone)
        action = self._start("create_zone", zone)
        return web.json_response({"zone": self.view(zone), "action": action.view()}, status=201)

    def apply_update(self, item: Zone, body: Update) -> None:
        """A zone keeps its name."""
        if body.labels is not None:
            item.labels = body.labels

    async def remove(self, item: Zone) -> web.Response:
        self.project.actions.refuse_locked(ref(item))

        async def work() -> None:
            self.collection.remove(item)

        seconds = self.project.settings.action_seconds
        return action_response(self.project.actions.start("delete_zone", ref(item), seconds=seconds, work=work))

    async def export_zonefile(self, request: web.Request) -> web.Response:
        return web.json_response({"zonefile": zonefile(self.item(request))})

    async def change_ttl(self, request: web.Request) -> web.Response:
        zone = self.unlocked(request)
        zone.ttl = check_ttl((await read_body(request, Ttl)).ttl) or zone.ttl
        renew_serial(zone)
        return action_response(self._start("change_zone_ttl", zone))

    def _start(self, command: str, zone: Zone) -> Action:
        return self.project.actions.start(command, ref(zone), seconds=self.project.settings.action_seconds)
