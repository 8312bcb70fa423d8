"""Everything that is in a cloud project, whoever made it and whatever label it bears."""

from typing import Any

KINDS = (
    *("servers", "floating_ips", "primary_ips", "volumes", "placement_groups", "ssh_keys"),
    *("networks", "firewalls", "zones"),
)

Things = frozenset[tuple[str, str, str]]
"""Each by its kind, its name, and what tells it from another of that name."""


def things_in(client: Any) -> Things:
    """All of them, and what the zones say; a zone's own serial number is nobody's."""
    found = {(kind, one.name, str(one.id)) for kind in KINDS for one in getattr(client, kind).get_all()}
    for zone in client.zones.get_all():
        for rrset in client.zones.get_rrset_all(zone):
            if rrset.type != "SOA":
                found |= {(f"{rrset.type} in {zone.name}", rrset.name, it.value) for it in rrset.records}
    return frozenset(found)


def come_since(before: Things, now: Things) -> dict[str, list[str]]:
    """The names of what was not there before, by kind."""
    new = sorted(now - before)
    return {kind: [name for its, name, _ in new if its == kind] for kind, _, _ in new}
