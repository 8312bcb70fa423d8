"""flstr's own SSH key, and where it and the private key of the secrets stand in its state."""

from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

KEY_FILE = "ssh/id_ed25519"
IDENTITY_FILE = "age/identity"


def ssh_key(path: Path) -> Path:
    """flstr's own SSH key, made at first use and readable by its user only."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        private = Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
        )
        unfinished = path.with_suffix(".new")
        unfinished.touch(mode=0o600)
        unfinished.write_bytes(private)
        unfinished.rename(path)
    return path
