"""What a new machine needs before anything else can be done on it."""

from collections.abc import Sequence

from executors.mesh_keys import keys_script
from executors.templates import render
from model.names import MeshName, Role

EVERYWHERE = ("curl", "firewalld", "git", "haproxy", "iputils-ping", "netbase", "openssl", "tinc")
BY_ROLE: dict[Role, tuple[str, ...]] = {"ingress": ("nginx-light",)}


def packages(role: Role) -> tuple[str, ...]:
    """The Debian packages of a role."""
    return (*EVERYWHERE, *BY_ROLE.get(role, ()))


def first_contact_script(role: Role, meshes: Sequence[MeshName]) -> str:
    """Installs what the image lacks, makes the tinc keys and prints the public ones, and sees the boot to its end."""
    return render("node/first-contact.sh.j2", packages=packages(role), keys=keys_script(meshes))
