"""A machine's firewall as firewalld reads it, and the script that brings it there. Pure."""

from executors.knock import KNOCK_MARK
from executors.overlay_files import OVERLAY_DEVICE
from executors.script import STATE_FOLDER
from executors.templates import render
from gitops.firewall import PUBLIC, Zone, firewall_digest, zones_of
from gitops.registry import Registry
from model.cluster import Cluster
from model.names import NodeName
from model.networks import OVERLAY
from model.registered import Registered

ZONES_FOLDER = "/etc/firewalld/zones"
KNOCK_SECONDS = 15
ROLLBACK_SECONDS = 60


def zone_file(zone: Zone) -> str:
    """A zone as firewalld reads it; a network's zone has the interface of that network."""
    interfaces = {PUBLIC: None, OVERLAY: OVERLAY_DEVICE}
    return render("firewall/zone.xml.j2", zone=zone, interface=interfaces.get(zone.name, zone.name))


def firewall_of(node: NodeName, cluster: Cluster, registered: Registered) -> str:
    """The script of a machine's firewall; empty where nothing is known of the machine."""
    zones = zones_of(node, cluster, registered)
    return firewall_script(zones) if zones else ""


def firewall_script(zones: tuple[Zone, ...]) -> str:
    """Brings firewalld to these zones, and back to the old ones where no new SSH connection comes in with them."""
    return render(
        "firewall/apply.sh.j2",
        files={zone.name: zone_file(zone) for zone in zones},
        folder=ZONES_FOLDER,
        state_folder=STATE_FOLDER,
        public=PUBLIC,
        knock=KNOCK_MARK,
        knock_seconds=KNOCK_SECONDS,
        rollback=render("firewall/rollback.sh.j2", folder=ZONES_FOLDER, state_folder=STATE_FOLDER),
        service=render("firewall/rollback.service.j2", state_folder=STATE_FOLDER),
        timer=render("firewall/rollback.timer.j2", seconds=ROLLBACK_SECONDS),
    )


def note_firewall(node: NodeName, cluster: Cluster, registered: Registered, registry: Registry) -> None:
    """A machine was brought to what `firewall_of` says of the same trees."""
    digest = firewall_digest(node, cluster, registered)
    if registered.walled.get(node) != digest:
        registry.put_walled(node, digest)
