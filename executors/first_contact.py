"""What a new machine needs before anything else can be done on it."""

from collections.abc import Sequence

from executors.mesh_keys import keys_script
from executors.overlay_files import overlay_key_script
from executors.templates import render
from model.names import MeshName, Role

EVERYWHERE = ("curl", "firewalld", "git", "haproxy", "iputils-ping", "netbase", "openssl", "tinc")
BY_ROLE: dict[Role, tuple[str, ...]] = {
    "controller": ("etcd-client", "etcd-server", "openssh-client", "python3"),
    "ingress": ("nginx-light",),
}
OVERLAY_PACKAGE = "wireguard-tools"


def packages(role: Role, in_overlay: bool = False) -> tuple[str, ...]:
    """The Debian packages of a role."""
    return (*EVERYWHERE, *BY_ROLE.get(role, ()), *([OVERLAY_PACKAGE] if in_overlay else []))


def first_contact_script(role: Role, meshes: Sequence[MeshName], in_overlay: bool = False, firewall: str = "") -> str:
    """Installs what the image lacks, makes the keys and prints the public ones, and sees the boot to its end.

    `firewall` is the machine's `firewall_script`: it has its rules before anything listens on it.
    """
    return render(
        "node/first-contact.sh.j2",
        packages=packages(role, in_overlay),
        keys=keys_script(meshes),
        overlay_key=overlay_key_script() if in_overlay else "",
        firewall=firewall,
    )
