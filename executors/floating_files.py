"""The floating IPs that a machine answers at: one script, and a systemd unit for each address. Pure."""

import re
from collections.abc import Iterable
from ipaddress import IPv4Address

from executors.host_paths import UNITS_FOLDER
from executors.templates import render

UNIT = "flstr-floating-ip"
# The cloud routes the address to the machine, so nobody asks for it on the wire. A network manager that configures the
# public interface anew would drop it there; the loopback interface is left alone.
DEVICE = "lo"

_TAKEN = re.compile(r"^took ([0-9.]+)$", re.MULTILINE)


def floating_script(addresses: Iterable[IPv4Address]) -> str:
    """Has a machine answer at these floating IPs and at no others, over a reboot as well; says which it took anew."""
    return render(
        "floating/apply.sh.j2",
        addresses=sorted(set(addresses)),
        unit=UNIT,
        folder=UNITS_FOLDER,
        device=DEVICE,
        service=render("floating/address.service.j2", device=DEVICE),
    )


def taken(printed: str) -> frozenset[IPv4Address]:
    """The addresses that the script says it took."""
    return frozenset(map(IPv4Address, _TAKEN.findall(printed)))
