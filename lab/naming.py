"""The names and addresses of one lab's parts on the machine it runs on.

Every name carries the lab's name and number, so that what a killed lab leaves behind can be told apart
from everybody else's. Interface names are the exception: the kernel allows them 15 characters, so they carry
the number only, and the bridge carries the lab's name as its alias.
"""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from pathlib import Path

from lab.errors import LabError

NUMBERS = range(1, 255)
"""Numbers a lab may get: the third octet of its subnets 10.77.N.0/24 and, for floating IPs, 10.78.N.0/24."""

GATEWAY, GIT_REMOTE, ROUTER = 1, 2, 3
HOST_OCTETS = range(10, 251)

_LAB_NAME = re.compile(r"[a-z][a-z0-9-]{0,18}[a-z0-9]|[a-z]")
_HOST_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,61}[A-Za-z0-9])?")


def check_lab_name(name: str) -> str:
    """Return `name`; raises LabError when it cannot name a lab."""
    if not _LAB_NAME.fullmatch(name):
        raise LabError(
            f"A lab cannot be called {name!r}: use 1 to 20 of a-z, 0-9 and '-', "
            "beginning with a letter and not ending with '-'."
        )
    return name


def check_host_name(name: str) -> str:
    """Return `name`; raises LabError when it is no host name (RFC 1123, at most 63 characters)."""
    if not _HOST_NAME.fullmatch(name) or ".." in name:
        raise LabError(f"A host cannot be called {name!r}: use 1 to 63 of letters, digits, '-' and '.'.")
    return name


@dataclass(frozen=True)
class LabNames:
    """What the parts of lab `name` with number `number` are called."""

    name: str
    number: int

    def __post_init__(self) -> None:
        check_lab_name(self.name)
        if self.number not in NUMBERS:
            raise LabError(f"A lab's number is between {NUMBERS[0]} and {NUMBERS[-1]}, not {self.number}.")

    @property
    def group(self) -> str:
        """The control group of the lab; those of its hosts are inside."""
        return f"flstr{self.number}-{self.name}"

    @property
    def bridge(self) -> str:
        return f"flstr{self.number}-br"

    @property
    def subnet(self) -> IPv4Network:
        return IPv4Network(f"10.77.{self.number}.0/24")

    @property
    def floating_subnet(self) -> IPv4Network:
        return IPv4Network(f"10.78.{self.number}.0/24")

    @property
    def floating_addresses(self) -> list[IPv4Address]:
        """The floating IPs this lab may give out, lowest first."""
        return list(self.floating_subnet.hosts())

    def is_floating(self, address: str) -> bool:
        return IPv4Address(address) in self.floating_subnet

    def address(self, octet: int) -> IPv4Address:
        return self.subnet[octet]

    def interface_address(self, octet: int) -> IPv4Interface:
        return IPv4Interface(f"{self.address(octet)}/{self.subnet.prefixlen}")

    def hardware_address(self, octet: int) -> str:
        """The host's Ethernet address, the same after each boot: others remember it for a while."""
        return f"02:77:00:00:{self.number:02x}:{octet:02x}"

    def namespace(self, octet: int) -> str:
        """The network namespace of the host with this last octet; also its name as a systemd machine."""
        return f"{self.group}-{octet}"

    def veth(self, octet: int) -> str:
        """The bridge's end of the host's cable; the other end is `eth0` in its namespace."""
        return f"flstr{self.number}-{octet}"

    def owns_namespace(self, namespace: str) -> bool:
        return re.fullmatch(rf"{re.escape(self.group)}-\d+", namespace) is not None

    def owns_veth(self, interface: str) -> bool:
        return re.fullmatch(rf"flstr{self.number}-\d+", interface) is not None

    def octet_of_host(self, address: str) -> int:
        """The last octet of a host's address; raises LabError when no host may have this address."""
        try:
            octet = int(IPv4Address(address)) - int(self.subnet.network_address)
        except ValueError:
            octet = -1
        if octet not in HOST_OCTETS:
            raise LabError(
                f"No host of lab {self.name} can have the address {address!r}: "
                f"they are {self.address(HOST_OCTETS[0])} to {self.address(HOST_OCTETS[-1])}."
            )
        return octet


@dataclass(frozen=True)
class LabFolders:
    """Where a state root keeps the image, the labs and their locks."""

    root: Path

    def __post_init__(self) -> None:
        # The path goes into an overlay mount's options, which have no quoting worth the name.
        if not self.root.is_absolute() or not re.fullmatch(r"[A-Za-z0-9._/-]+", str(self.root)):
            raise LabError(
                f"The lab's folder {str(self.root)!r} must be an absolute path of letters, digits and . _ - /."
            )

    @property
    def images(self) -> Path:
        return self.root / "images"

    @property
    def packages(self) -> Path:
        """The apt repositories, shared by all labs."""
        return self.root / "packages"

    @property
    def labs(self) -> Path:
        return self.root / "labs"

    def lab(self, name: str) -> Path:
        return self.labs / check_lab_name(name)

    def lock(self, name: str) -> Path:
        """The lab's lock; beside its folder, because the folder goes when the lab goes."""
        return self.labs / f"{check_lab_name(name)}.lock"
