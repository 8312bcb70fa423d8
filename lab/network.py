"""A lab's network: one bridge, and for each host a network namespace with a cable to that bridge.

Address .1 is the bridge in the machine's own namespace: from there flstr reaches the hosts. What is for none of them
goes to the router (`lab/router.py`), and nothing goes further, so a lab has no way out of the machine.
"""

from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError
from lab.filelock import locked
from lab.naming import GATEWAY, NUMBERS, ROUTER, LabNames
from lab.process import CommandFailedError, run

_ALIAS_LIMIT = 255

# Numbers are of the machine, not of a state root: the lock is where every root sees it.
_ALLOTMENT_LOCK = Path("/run/flstr-lab.lock")

_INTERFACES = Path("/sys/class/net")


def bridge_alias(lab_folder: Path) -> str:
    """The alias of a lab's bridge, by which its owner is known: state root and name."""
    return f"flstr lab {lab_folder}"


def bridges_of(lab_folder: Path) -> list[int]:
    """The numbers of the bridges that were made for this lab folder."""
    return [number for number in NUMBERS if _alias_of_bridge(number) == bridge_alias(lab_folder)]


async def claim_network(name: str, lab_folder: Path) -> "LabNetwork":
    """Allot the lowest free number to a new lab and make its bridge."""
    if len(bridge_alias(lab_folder)) > _ALIAS_LIMIT:
        raise LabError(f"The lab's folder {lab_folder} has too long a name: keep it under 240 characters.")
    with locked(_ALLOTMENT_LOCK):
        for number in NUMBERS:
            names = LabNames(name, number)
            alias = _alias_of_bridge(number)
            if alias is None:
                await run("ip", "link", "add", "name", names.bridge, "type", "bridge")
            elif alias:
                continue
            # A bridge without an alias is what somebody killed between these two lines left: it is free.
            await run("ip", "link", "set", names.bridge, "alias", bridge_alias(lab_folder))
            break
        else:
            raise LabError(f"All {len(NUMBERS)} lab networks are in use: `flstr lab down` frees those left behind.")
    await run("ip", "address", "replace", str(names.interface_address(GATEWAY)), "dev", names.bridge)
    await run("ip", "link", "set", names.bridge, "up")
    return LabNetwork(names)


def _alias_of_bridge(number: int) -> str | None:
    """The alias of the bridge with this number, "" when it has none, None when there is no such bridge."""
    try:
        return (_INTERFACES / f"flstr{number}-br" / "ifalias").read_text().strip()
    except OSError:
        return None


@dataclass(frozen=True)
class LabNetwork:
    """The bridge of one lab, and the namespaces plugged into it."""

    names: LabNames

    async def plug_in(self, octet: int) -> str:
        """Make the namespace of the host with this last octet, `eth0` in it up; return the namespace's name."""
        names = self.names
        namespace, veth = names.namespace(octet), names.veth(octet)
        await self.unplug(octet)
        await run("ip", "netns", "add", namespace)
        await run(
            *("ip", "link", "add", "name", veth, "type", "veth", "peer", "name", "eth0"),
            *("address", names.hardware_address(octet), "netns", namespace),
        )
        await run("ip", "link", "set", veth, "master", names.bridge, "up")
        inside = [
            "link set lo up",
            f"address add {names.interface_address(octet)} broadcast + dev eth0",
            "link set eth0 up",
        ]
        if octet != ROUTER:
            inside.append(f"route add default via {names.address(ROUTER)}")
        await run("ip", "-netns", namespace, "-batch", "-", stdin="\n".join(inside) + "\n")
        return namespace

    async def unplug(self, octet: int) -> None:
        """Remove the namespace and the cable, whichever of them there are."""
        await _remove_interface(self.names.veth(octet))
        if Path("/run/netns", self.names.namespace(octet)).exists():
            await run("ip", "netns", "delete", self.names.namespace(octet))

    async def remove(self) -> None:
        """Remove everything of this lab's network, the bridge last: while it is there, the number is taken."""
        for namespace in sorted(Path("/run/netns").glob(f"{self.names.group}-*")):
            if self.names.owns_namespace(namespace.name):
                await run("ip", "netns", "delete", namespace.name)
        for interface in sorted(_INTERFACES.glob(f"flstr{self.names.number}-*")):
            if self.names.owns_veth(interface.name):
                await _remove_interface(interface.name)
        await _remove_interface(self.names.bridge)


async def _remove_interface(name: str) -> None:
    if not (_INTERFACES / name).exists():
        return
    try:
        await run("ip", "link", "delete", name)
    except CommandFailedError:
        # A veth goes by itself when the kernel is done with its namespace.
        if (_INTERFACES / name).exists():
            raise
