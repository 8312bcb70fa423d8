"""What a controller holds of the cluster's etcd: files, and the scripts that write and ask. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from executors.control.authority import MEMBER_NAME
from executors.host_paths import UNITS_FOLDER
from executors.templates import quote, render
from gitops.control import client_address, peer_address
from gitops.firewall import ETCD_PEER_PORT, ETCD_PORT
from model.names import MeshName, NodeName

FOLDER = "/etc/etcd/flstr"
DATA = "/var/lib/etcd/flstr"
MEMBERSHIP_FILE = "/var/lib/etcd/flstr.membership"
UNIT = "flstr-etcd.service"
HERE = f"https://127.0.0.1:{ETCD_PORT}"
# Of a script that needs a member with a quorum, where the one of its machine has none.
NO_QUORUM_STATUS = 77
# Everything flstr remembers is some 10 MB; a machine that is full of history would stop the cluster.
QUOTA_BYTES = 1 << 30
START_SECONDS = 60
AGAIN_SECONDS = 30

# What data on a machine belong to, is written beside them: the founding, and a member's id where it was added later.
FOUNDED = "founded"


@dataclass(frozen=True)
class Place:
    """A controller that carries a member: its name, its address in the mesh, and the token of the founding."""

    node: NodeName
    mesh: MeshName
    address: str
    token: str

    @property
    def peer(self) -> str:
        """Where the other members reach it."""
        return peer_address(self.address)

    @property
    def client(self) -> str:
        """Where clients reach it."""
        return client_address(self.address)

    def membership(self, member_id: str = FOUNDED) -> str:
        """What its data belong to."""
        return f"{self.token}/{member_id}"


@dataclass(frozen=True)
class Start:
    """What a member starts as, where it has no data of this membership yet; `kept` says which data are kept."""

    membership: str
    state: Literal["new", "existing"]
    initial_cluster: str
    kept: str


def founding_start(place: Place, founders: Mapping[NodeName, str]) -> Start:
    """One of those that make a new cluster; `founders` are their peer addresses. Data of this founding are kept."""
    cluster = ",".join(f"{node}={peer}" for node, peer in sorted(founders.items()))
    return Start(place.membership(), "new", cluster, f"{quote(place.token)}/*")


def joining_start(place: Place, member_id: str, names: Mapping[str, NodeName]) -> Start:
    """One that was added to a cluster; `names` has every member's by its peer address."""
    cluster = ",".join(f"{node}={peer}" for peer, node in sorted(names.items(), key=lambda item: item[1]))
    membership = place.membership(member_id)
    return Start(membership, "existing", cluster, quote(membership))


def prepare_script(place: Place, authority: str) -> str:
    """Installs etcd where it is missing, makes the keys that are absent, and prints requests to certify them."""
    return render("etcd/prepare.sh.j2", folder=FOLDER, authority=authority, address=place.address)


def look_script() -> str:
    """Says what data a machine has, and what its member lists."""
    return render("etcd/look.sh.j2", **_ask(), data=DATA, membership_file=MEMBERSHIP_FILE)


def start_script(place: Place, certificates: Mapping[str, str], start: Start | None, until: str = "health") -> str:
    """Writes the files, starts the member and waits for it; without `start` it goes on with what it has."""
    etcd_env = render(
        "etcd/etcd.env.j2", node=place.node, address=place.address, data=DATA, folder=FOLDER, port=ETCD_PORT,
        peer_port=ETCD_PEER_PORT, member_name=MEMBER_NAME, quota=QUOTA_BYTES,
    )  # fmt: skip
    founding_env = render(
        "etcd/founding.env.j2",
        initial_cluster=start.initial_cluster if start else "",
        state=start.state if start else "",
        token=place.token,
    )
    return render(
        "etcd/start.sh.j2",
        **_ask(),
        data=DATA,
        membership_file=MEMBERSHIP_FILE,
        certificates=certificates,
        etcd_env=etcd_env,
        founding_env=founding_env,
        unit_file=f"{UNITS_FOLDER}/{UNIT}",
        unit_text=render("etcd/flstr-etcd.service.j2", mesh=place.mesh, folder=FOLDER, data_parent="/var/lib/etcd"),
        membership=start.membership if start else "",
        kept=start.kept if start else "",
        until=until,
        seconds=START_SECONDS,
    )


def stop_script() -> str:
    """Stops the member of a machine for good, and takes its keys away; its data stay."""
    gone = [f"{FOLDER}/{name}.pem" for name in ("member-key", "member", "flstr-key", "flstr")]
    return render("etcd/stop.sh.j2", unit_file=f"{UNITS_FOLDER}/{UNIT}", gone=gone)


def survey_script() -> str:
    """Asks for all members, which of them answer, and which leads."""
    return render("etcd/survey.sh.j2", **_ask())


def add_script(place: Place, stale: str = "") -> str:
    """Adds a member without a vote, once the `stale` one before it is out; lists the members then."""
    return render("etcd/add.sh.j2", **_ask(), node=place.node, peer=place.peer, stale=stale, seconds=AGAIN_SECONDS)


def promote_script(member_id: str) -> str:
    """Gives a member its vote."""
    return render("etcd/promote.sh.j2", **_ask(), member=member_id, seconds=START_SECONDS)


def remove_script(member_id: str, leads: str = "", successor: str = "") -> str:
    """Takes a member out; where it `leads`, by its client address, after `successor` leads."""
    return render(
        "etcd/remove.sh.j2", **_ask(), member=member_id, leads=leads, successor=successor, seconds=AGAIN_SECONDS
    )


def users_script(commands: str) -> str:
    """A script of the commands that `users` makes."""
    return render("etcd/users.sh.j2", **_ask(), commands=commands, seconds=AGAIN_SECONDS)


def _ask() -> dict[str, object]:
    return {"folder": FOLDER, "here": HERE, "no_quorum": NO_QUORUM_STATUS}
