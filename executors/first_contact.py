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
# Where the controllers carry the cluster's etcd, at which every machine registers itself.
REGISTER_PACKAGE = "etcd-client"


def packages(role: Role, in_overlay: bool = False, registers: bool = False) -> tuple[str, ...]:
    """The Debian packages of a role."""
    more = [*([OVERLAY_PACKAGE] if in_overlay else []), *([REGISTER_PACKAGE] if registers else [])]
    return (*EVERYWHERE, *BY_ROLE.get(role, ()), *more)


def first_contact_script(
    role: Role, meshes: Sequence[MeshName], in_overlay: bool = False, firewall: str = "", *, registers: bool = False
) -> str:
    """Installs what the image lacks, makes the keys and prints the public ones, and sees the boot to its end.

    `firewall` is the machine's `firewall_script`: it has its rules before anything listens on it. `registers` says that
    it will register itself at the cluster's etcd.
    """
    return render(
        "node/first-contact.sh.j2",
        packages=packages(role, in_overlay, registers),
        keys=keys_script(meshes),
        overlay_key=overlay_key_script() if in_overlay else "",
        firewall=firewall,
    )
