"""The SSH host key of a machine that does not exist yet."""

import base64
import hashlib
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat


@dataclass(frozen=True)
class HostKey:
    """An ed25519 key pair in OpenSSH's formats; the private half goes into the user-data and nowhere else."""

    public: str
    private: str = field(repr=False)


def new_host_key() -> HostKey:
    """A fresh key pair."""
    key = Ed25519PrivateKey.generate()
    return HostKey(
        public=key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode(),
        private=key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode(),
    )


def host_key_label(public: str) -> str:
    """The first 40 hexadecimal digits of the key's SHA-256: what a cloud label has room for."""
    return hashlib.sha256(base64.b64decode(public.split()[1])).hexdigest()[:40]
