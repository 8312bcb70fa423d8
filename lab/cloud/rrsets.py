"""The record sets of a zone. A change locks nothing: several sets of one zone are changed side by side."""

from collections.abc import Callable

from aiohttp import web

from lab.cloud.actions import Action
from lab.cloud.bodies import Body, Labels, read_body
from lab.cloud.entities import Record, RrSet, Zone
from lab.cloud.errors import ApiError, invalid_input, not_found, not_unique
from lab.cloud.listing import Json, Listing
from lab.cloud.project import Project, ref
from lab.cloud.records import check_name, check_records, check_ttl, check_type
from lab.cloud.resource import action_response
from lab.cloud.zones import NewRrSet, new_rrset, renew_serial


class UpdateRrSet(Body):
    labels: Labels | None = None


class RrSetProtection(Body):
    change: bool | None = None


class RrSetTtl(Body):
    ttl: int | None = None


class Records(Body):
    records: list[Record]
    ttl: int | None = None


def view_rrset(zone: Zone, rrset: RrSet) -> Json:
    return {
        "id": rrset.id,
        "name": rrset.name,
        "type": rrset.type,
        "ttl": rrset.ttl,
        "labels": rrset.labels,
        "protection": {"change": rrset.protected},
        "records": [{"value": record.value, "comment": record.comment or ""} for record in rrset.records],
        "zone": zone.id,
    }


def updated(current: list[Record], changes: list[Record]) -> list[Record]:
    """The records with new comments."""
    comments = {record.value: record.comment for record in changes}
    if missing := comments.keys() - {record.value for record in current}:
        raise invalid_input("records", f"the set has no record {min(missing)}")
    return [Record(value=r.value, comment=comments.get(r.value, r.comment)) for r in current]


def without(current: list[Record], gone: list[Record]) -> list[Record]:
    values = {record.value for record in gone}
    if missing := values - {record.value for record in current}:
        raise invalid_input("records", f"the set has no record {min(missing)}")
    return [record for record in current if record.value not in values]


class RrSets:
    def __init__(self, project: Project) -> None:
        self._project = project

    def routes(self) -> list[web.RouteDef]:
        every = "/zones/{zone}/rrsets"
        one = f"{every}/{{name}}/{{type}}"
        return [
            web.get(every, self.list_items),
            web.post(every, self.create),
            web.get(one, self.get_item),
            web.put(one, self.update),
            web.delete(one, self.delete),
            web.post(f"{one}/actions/set_records", self.set_records),
            web.post(f"{one}/actions/add_records", self.add_records),
            web.post(f"{one}/actions/remove_records", self.remove_records),
            web.post(f"{one}/actions/update_records", self.update_records),
            web.post(f"{one}/actions/change_ttl", self.change_ttl),
            web.post(f"{one}/actions/change_protection", self.change_protection),
        ]

    async def list_items(self, request: web.Request) -> web.Response:
        zone = self._zone(request)
        listing: Listing[RrSet] = Listing(
            plural="rrsets",
            view=lambda rrset: view_rrset(zone, rrset),
            filters={"name": lambda rrset: rrset.name, "type": lambda rrset: rrset.type},
            sorts={"id": lambda rrset: rrset.id, "name": lambda rrset: rrset.name, "type": lambda rrset: rrset.type},
            labels=lambda rrset: rrset.labels,
        )
        return listing.respond(request, zone.rrsets.values())

    async def get_item(self, request: web.Request) -> web.Response:
        zone, rrset = self._find(request)
        return web.json_response({"rrset": view_rrset(zone, rrset)})

    async def create(self, request: web.Request) -> web.Response:
        zone = self._zone(request)
        rrset = new_rrset(await read_body(request, NewRrSet))
        if rrset.id in zone.rrsets:
            raise not_unique("rrset", "name and type")
        _refuse_beside_cname(zone, rrset)
        zone.rrsets[rrset.id] = rrset
        action = self._start("create_rrset", zone)
        return web.json_response({"rrset": view_rrset(zone, rrset), "action": action.view()}, status=201)

    async def update(self, request: web.Request) -> web.Response:
        zone, rrset = self._find(request)
        body = await read_body(request, UpdateRrSet)
        rrset.labels = rrset.labels if body.labels is None else body.labels
        return web.json_response({"rrset": view_rrset(zone, rrset)})

    async def delete(self, request: web.Request) -> web.Response:
        zone, rrset = self._changeable(request)
        _refuse_soa(rrset)
        del zone.rrsets[rrset.id]
        return action_response(self._start("delete_rrset", zone))

    async def set_records(self, request: web.Request) -> web.Response:
        return await self._change("set_rrset_records", request, lambda _, given: given)

    async def update_records(self, request: web.Request) -> web.Response:
        return await self._change("update_rrset_records", request, updated)

    async def remove_records(self, request: web.Request) -> web.Response:
        """A set that loses its last record is gone."""
        return await self._change("remove_rrset_records", request, without)

    async def add_records(self, request: web.Request) -> web.Response:
        """A set that does not exist yet is made."""
        zone, key = self._zone(request), _key(request)
        body = await read_body(request, Records)
        rrset = zone.rrsets.get("/".join(key))
        if rrset is None:
            rrset = new_rrset(NewRrSet(name=key[0], type=key[1], ttl=body.ttl, records=body.records))
            _refuse_beside_cname(zone, rrset)
            zone.rrsets[rrset.id] = rrset
        else:
            _refuse_protected(rrset)
            if body.ttl is not None and body.ttl != rrset.ttl:
                raise invalid_input("ttl", "differs from the set's")
            rrset.records = check_records(rrset.type, [*rrset.records, *body.records])
        return action_response(self._start("add_rrset_records", zone))

    async def change_ttl(self, request: web.Request) -> web.Response:
        zone, rrset = self._changeable(request)
        rrset.ttl = check_ttl((await read_body(request, RrSetTtl)).ttl)
        return action_response(self._start("change_rrset_ttl", zone))

    async def change_protection(self, request: web.Request) -> web.Response:
        zone, rrset = self._find(request)
        body = await read_body(request, RrSetProtection)
        rrset.protected = rrset.protected if body.change is None else body.change
        return action_response(self._start("change_rrset_protection", zone))

    async def _change(
        self, command: str, request: web.Request, change: Callable[[list[Record], list[Record]], list[Record]]
    ) -> web.Response:
        zone, rrset = self._changeable(request)
        given = check_records(rrset.type, (await read_body(request, Records)).records)
        records = change(rrset.records, given)
        if not records:
            _refuse_soa(rrset)
            del zone.rrsets[rrset.id]
        rrset.records = records
        return action_response(self._start(command, zone))

    def _zone(self, request: web.Request) -> Zone:
        return self._project.zones.find(request.match_info["zone"])

    def _find(self, request: web.Request) -> tuple[Zone, RrSet]:
        zone, key = self._zone(request), "/".join(_key(request))
        if key not in zone.rrsets:
            raise not_found("rrset", key)
        return zone, zone.rrsets[key]

    def _changeable(self, request: web.Request) -> tuple[Zone, RrSet]:
        zone, rrset = self._find(request)
        _refuse_protected(rrset)
        return zone, rrset

    def _start(self, command: str, zone: Zone) -> Action:
        renew_serial(zone)
        seconds = self._project.settings.action_seconds
        return self._project.actions.start(command, ref(zone), seconds=seconds, locks=())


def _key(request: web.Request) -> tuple[str, str]:
    return check_name(request.match_info["name"]), check_type(request.match_info["type"])


def _refuse_protected(rrset: RrSet) -> None:
    if rrset.protected:
        raise ApiError("protected", "rrset is protected against changes")


def _refuse_soa(rrset: RrSet) -> None:
    if rrset.type == "SOA":
        raise ApiError("unsupported_error", "the SOA record comes and goes with its zone")


def _refuse_beside_cname(zone: Zone, rrset: RrSet) -> None:
    others = [other for other in zone.rrsets.values() if other.name == rrset.name]
    if others and (rrset.type == "CNAME" or any(other.type == "CNAME" for other in others)):
        raise invalid_input("name", "a CNAME cannot stand beside other records of its name")
