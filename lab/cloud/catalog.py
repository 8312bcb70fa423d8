"""What can be ordered. Prices are examples of the right size; every image boots the lab's Debian 12."""

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True)
class Location:
    id: int
    name: str
    description: str
    country: str
    city: str
    latitude: float
    longitude: float
    network_zone: str


@dataclass(frozen=True)
class Datacenter:
    id: int
    name: str
    location: Location


@dataclass(frozen=True)
class ServerType:
    id: int
    name: str
    cores: int
    memory: float
    disk: int
    price_monthly: float
    """EUR net."""
    architecture: str = "x86"
    cpu_type: str = "shared"
    category: str = "Cost-Optimized"


@dataclass(frozen=True)
class Image:
    id: int
    name: str
    description: str
    os_flavor: str
    os_version: str
    architecture: str
    created: datetime


FALKENSTEIN = Location(1, "fsn1", "Falkenstein DC Park 1", "DE", "Falkenstein", 50.47612, 12.370071, "eu-central")
NUREMBERG = Location(2, "nbg1", "Nuremberg DC Park 1", "DE", "Nuremberg", 49.452102, 11.076665, "eu-central")
HELSINKI = Location(3, "hel1", "Helsinki DC Park 1", "FI", "Helsinki", 60.169855, 24.938379, "eu-central")

LOCATIONS = (FALKENSTEIN, NUREMBERG, HELSINKI)

DATACENTERS = (
    Datacenter(2, "nbg1-dc3", NUREMBERG),
    Datacenter(3, "hel1-dc2", HELSINKI),
    Datacenter(4, "fsn1-dc14", FALKENSTEIN),
)

SERVER_TYPES = (
    ServerType(22, "cpx11", 2, 2, 40, 3.85, category="Regular Performance"),
    ServerType(23, "cpx21", 3, 4, 80, 7.05, category="Regular Performance"),
    ServerType(24, "cpx31", 4, 8, 160, 13.10, category="Regular Performance"),
    ServerType(25, "cpx41", 8, 16, 240, 24.70, category="Regular Performance"),
    ServerType(45, "cax11", 2, 4, 40, 3.29, architecture="arm"),
    ServerType(93, "cax21", 4, 8, 80, 5.99, architecture="arm"),
    ServerType(96, "ccx13", 2, 8, 80, 11.99, cpu_type="dedicated", category="General Purpose"),
    ServerType(104, "cx22", 2, 4, 40, 3.29),
    ServerType(105, "cx32", 4, 8, 80, 5.83),
    ServerType(106, "cx42", 8, 16, 160, 14.00),
    ServerType(107, "cx52", 16, 32, 320, 27.40),
    ServerType(114, "cx23", 2, 4, 40, 2.99),
    ServerType(115, "cx33", 4, 8, 80, 4.99),
)

_DEBIAN_12_RELEASED = datetime(2023, 6, 13, 6, 0, tzinfo=UTC)

IMAGES = (
    Image(114690387, "debian-12", "Debian 12", "debian", "12", "x86", _DEBIAN_12_RELEASED),
    Image(114690389, "debian-12", "Debian 12", "debian", "12", "arm", _DEBIAN_12_RELEASED),
)

VAT_RATE = 0.19
