"""The DNS records of one cluster, by hcloud's zones."""

from collections.abc import Collection, Sequence

from hcloud.zones import BoundZone, BoundZoneRRSet, ZoneRecord, ZoneRRSet

from executors.cloud import CloudSettings, client_of
from executors.cloud_errors import in_words
from executors.cloud_settling import settle
from executors.records.not_ours import NotOurs
from executors.records.sets import Address, Change, Held, changes, mark, refuse_alias, removals
from executors.records.texts import comment_of, quoted
from executors.records.zones import APEX, check_record_name, within, zone_of

# A moved name is the new one for everybody within a minute; the cloud allows no less.
TTL_SECONDS = 60


class Records:
    """Every call raises `StepFailed` with one sentence, `NotOurs` where a name is not flstr's to change; those that
    return a bool say whether they changed anything.

    Zones are looked up once: make a new one for each piece of work.
    """

    def __init__(self, settings: CloudSettings, cluster: str) -> None:
        self._client = client_of(settings)
        self._cluster = cluster
        self._zones: dict[str, BoundZone] | None = None

    def ensure(self, name: str, addresses: Sequence[Address], ttl: int = TTL_SECONDS) -> bool:
        """Have a name lead to these addresses, and to no others."""
        if not addresses:
            raise ValueError("a name without addresses is removed")
        zone = self._zone_to_change(name)

        def work() -> bool:
            wanted = changes(name, map(_held, self._sets(zone, name)), addresses, ttl, self._cluster)
            return self._carry_out(wanted, zone, name, ttl)

        with in_words(f"{name}: setting its DNS records"):
            return settle(work)

    def remove(self, name: str) -> bool:
        """Take a name's addresses away, where flstr made them. What somebody else made stays, and is no fault."""
        zone = self._zone(name)
        if zone is None:
            return False

        def work() -> bool:
            unwanted = removals(map(_held, self._sets(zone, name)), self._cluster)
            return self._carry_out(unwanted, zone, name, TTL_SECONDS)

        with in_words(f"{name}: removing its DNS records"):
            return settle(work)

    def add_text(self, name: str, text: str) -> bool:
        """Have a TXT value at a name, beside whatever others are there."""
        zone = self._zone_to_change(name)
        value = quoted(text)

        def work() -> bool:
            sets = {str(one.type): one for one in self._sets(zone, name)}
            refuse_alias(name, sets)
            there = sets.get("TXT")
            if there is not None and value in {record.value for record in there.records or ()}:
                return False
            record = ZoneRecord(value, comment_of(self._cluster))
            # Of a set that is there, the cloud takes no other TTL.
            ttl = TTL_SECONDS if there is None else None
            zone.add_rrset_records(self._set_named(zone, name, "TXT"), [record], ttl=ttl).wait_until_finished()
            return True

        with in_words(f"{name}: adding a TXT record"):
            return settle(work)

    def remove_text(self, name: str, text: str) -> bool:
        """Take a TXT value of ours away; the others at that name stay."""
        zone = self._zone(name)
        if zone is None:
            return False
        value, comment = quoted(text), comment_of(self._cluster)

        def work() -> bool:
            held = [record for one in self._sets(zone, name) if one.type == "TXT" for record in one.records or ()]
            if not any((record.value, record.comment) == (value, comment) for record in held):
                return False
            gone = self._set_named(zone, name, "TXT")
            zone.remove_rrset_records(gone, [ZoneRecord(value)]).wait_until_finished()
            return True

        with in_words(f"{name}: removing a TXT record"):
            return settle(work)

    def clear_texts(self, label: str, keep: Collection[str] = ()) -> bool:
        """Take away all TXT values of ours at names that begin with a label, but for those of `keep`."""
        comment = comment_of(self._cluster)

        def work() -> bool:
            found = False
            for zone in self._all_zones().values():
                for one in zone.get_rrset_all(type=["TXT"]) if zone.mode == "primary" else ():
                    ours = [ZoneRecord(record.value) for record in one.records or () if record.comment == comment]
                    if ours and str(one.name).startswith(label) and _full_name(one, zone) not in keep:
                        zone.remove_rrset_records(one, ours).wait_until_finished()
                        found = True
            return found

        with in_words(f"removing old TXT records at {label}"):
            return settle(work)

    def ours(self) -> dict[str, frozenset[str]]:
        """The names that have addresses made by flstr for this cluster, with these, in all zones."""
        selector = ",".join(f"{key}={value}" for key, value in mark(self._cluster).items())
        found: dict[str, frozenset[str]] = {}
        with in_words("looking for the cluster's DNS records"):
            for zone in self._all_zones().values():
                for one in zone.get_rrset_all(label_selector=selector, type=["A", "AAAA"]):
                    name = _full_name(one, zone)
                    found[name] = found.get(name, frozenset()) | _held(one).values
        return found

    def _carry_out(self, wanted: tuple[Change, ...], zone: BoundZone, name: str, ttl: int) -> bool:
        for change in wanted:
            rrset = self._set_named(zone, name, change.kind)
            records = [ZoneRecord(value) for value in change.values]
            match change.verb:
                case "create":
                    labels = mark(self._cluster)
                    action = zone.create_rrset(
                        name=str(rrset.name), type=change.kind, ttl=ttl, labels=labels, records=records
                    ).action
                case "set":
                    action = zone.set_rrset_records(rrset, records)
                case "change ttl":
                    action = zone.change_rrset_ttl(rrset, ttl)
                case "delete":
                    action = zone.delete_rrset(rrset).action
            action.wait_until_finished()
        return bool(wanted)

    @staticmethod
    def _sets(zone: BoundZone, name: str) -> list[BoundZoneRRSet]:
        return zone.get_rrset_all(name=within(str(zone.name), name))

    @staticmethod
    def _set_named(zone: BoundZone, name: str, kind: str) -> ZoneRRSet:
        return ZoneRRSet(id=f"{within(str(zone.name), name)}/{kind}", zone=zone)

    def _zone_to_change(self, name: str) -> BoundZone:
        zone = self._zone(name)
        if zone is None:
            raise NotOurs(
                f"{name}: no DNS zone of the Hetzner project holds that name; make its zone in the Hetzner console"
            )
        if zone.mode != "primary":
            raise NotOurs(
                f"{name}: zone {zone.name} is a copy of one elsewhere, where its records are made; flstr needs a "
                "primary zone"
            )
        return zone

    def _zone(self, name: str) -> BoundZone | None:
        zones = self._all_zones()
        found = zone_of(check_record_name(name), zones)
        return None if found is None else zones[found]

    def _all_zones(self) -> dict[str, BoundZone]:
        if self._zones is None:
            with in_words("looking for the DNS zones"):
                self._zones = {str(zone.name): zone for zone in self._client.zones.get_all()}
        return self._zones


def _full_name(rrset: BoundZoneRRSet, zone: BoundZone) -> str:
    return str(zone.name) if rrset.name == APEX else f"{rrset.name}.{zone.name}"


def _held(rrset: BoundZoneRRSet) -> Held:
    values = frozenset(record.value for record in rrset.records or ())
    return Held(str(rrset.type), values, rrset.ttl, rrset.labels or {})
