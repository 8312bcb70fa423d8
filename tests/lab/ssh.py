"""A way into a lab host: a user-data with its host key and ours, and a connection that believes that key only."""

import io
import time
from dataclasses import dataclass

import paramiko
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

CONNECTS_WITHIN_SECONDS = 180


@dataclass(frozen=True)
class KeyPair:
    """An Ed25519 key in OpenSSH's text forms."""

    private: str
    public: str

    @classmethod
    def new(cls) -> "KeyPair":
        key = Ed25519PrivateKey.generate()
        return cls(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
            ).decode(),
            key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode(),
        )

    @property
    def paramiko(self) -> paramiko.Ed25519Key:
        return paramiko.Ed25519Key.from_private_key(io.StringIO(self.private))


def user_data(host_key: KeyPair, client_key: KeyPair) -> str:
    private = host_key.private.replace("\n", "\n    ").rstrip()
    return f"""#cloud-config
ssh_authorized_keys:
  - {client_key.public}
ssh_keys:
  ed25519_private: |
    {private}
  ed25519_public: {host_key.public}
runcmd:
  - [touch, /var/lib/user-data-was-here]
"""


def connect(address: str, host_key: KeyPair, client_key: KeyPair) -> paramiko.SSHClient:
    """Connect as soon as the host lets us; any host key but the given one is refused."""
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    client.get_host_keys().add(address, "ssh-ed25519", host_key.paramiko)
    deadline = time.monotonic() + CONNECTS_WITHIN_SECONDS
    while True:
        try:
            client.connect(
                address,
                username="root",
                pkey=client_key.paramiko,
                timeout=10,
                banner_timeout=60,
                auth_timeout=60,
                allow_agent=False,
                look_for_keys=False,
            )
        except (OSError, EOFError, paramiko.SSHException) as error:
            if isinstance(error, paramiko.BadHostKeyException) or time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return client


def run(client: paramiko.SSHClient, command: str) -> tuple[int, str]:
    """The command's exit status, and its stdout and stderr together."""
    _, stdout, _ = client.exec_command(f"{{ {command}\n}} 2>&1", timeout=90)
    output = stdout.read().decode()
    return stdout.channel.recv_exit_status(), output
