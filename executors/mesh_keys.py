"""Tinc keys: made on the machine, whose private half never leaves it; the public half is registered."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from executors.remote import Remote
from executors.templates import render
from gitops.executor import StepContext
from model.errors import StepFailed
from model.names import MeshName, Role
from model.registered import MeshMember

# 128-bit strength; on one core 4096 bits took 2.6 s on average and up to 9 s, 3072 bits 1.1 s.
RSA_BITS = 3072
KEYS_SECONDS = 60.0

_PRINTED_KEYS = re.compile(
    r"^mesh (?P<mesh>[a-z0-9_]+)\n+"
    r"(?P<rsa>-----BEGIN RSA PUBLIC KEY-----\n(?:[A-Za-z0-9+/=]+\n)+-----END RSA PUBLIC KEY-----\n)"
    r"(?:Ed25519PublicKey = (?P<ed25519>[A-Za-z0-9+/=]{40,60})\n)?",
    re.MULTILINE,
)


@dataclass(frozen=True)
class PublicKeys:
    """A machine's public keys in one mesh: RSA as PEM; Ed25519 in tinc's base64, empty with tinc 1.0."""

    rsa: str
    ed25519: str = ""


def keys_script(meshes: Sequence[MeshName]) -> str:
    """Makes the keys that are absent, side by side, and prints the public ones."""
    return render("mesh/keys.sh.j2", meshes=meshes, bits=RSA_BITS)


def public_keys(output: str) -> dict[MeshName, PublicKeys]:
    """The public keys in what `keys_script` printed, by mesh."""
    found = _PRINTED_KEYS.finditer(output)
    return {match["mesh"]: PublicKeys(match["rsa"], match["ed25519"] or "") for match in found}


def fingerprint(member: MeshMember) -> str:
    """Sixteen digits of a member's public keys, as `mesh/ends.sh.j2` has them from files on a machine."""
    rsa = "".join(line for line in member.public_key.splitlines() if not line.startswith("-----"))
    ed25519 = f"{member.ed25519_public_key}\n" if member.ed25519_public_key else ""
    return hashlib.sha256(f"{rsa}\n{ed25519}".encode()).hexdigest()[:16]


def register_members(node: str, role: Role, meshes: Sequence[MeshName], output: str, context: StepContext) -> None:
    """Hold what `keys_script` printed on a machine, and allot it an address in each mesh."""
    host = context.registry.host(node)
    if host is None or host.ip is None:
        raise StepFailed(f"{node}: no address is registered for it")
    keys = public_keys(output)
    for mesh in meshes:
        if mesh not in keys:
            raise StepFailed(f"{node}: it printed no key for mesh {mesh}", output)
        address = context.registry.allot_address(mesh, node)
        member = MeshMember(
            node=node, role=role, endpoint=host.ip, address=address, port=context.registry.cluster().meshes[mesh].port,
            public_key=keys[mesh].rsa, ed25519_public_key=keys[mesh].ed25519,
        )  # fmt: skip
        if context.registry.members(mesh).get(node) != member:
            context.registry.put_member(mesh, member)


def make_missing_keys(ssh: Remote, node: str, role: Role, meshes: Sequence[MeshName], context: StepContext) -> None:
    """Keys for the meshes that a machine is not yet a member of, such as one added to the manifest later."""
    missing = [mesh for mesh in meshes if node not in context.registry.members(mesh)]
    if missing:
        output = ssh.run(node, keys_script(missing), context.fence, KEYS_SECONDS)
        register_members(node, role, missing, output, context)
