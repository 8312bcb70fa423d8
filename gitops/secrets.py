"""Secrets of apps: encrypted by age in the cluster repo, opened by the cluster's own key when an instance starts."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pyrage
from pyrage import x25519

from model.app import App
from model.errors import Refused
from model.names import AgeRecipient, Encrypted, SecretName

IDENTITY_PREFIX = "AGE-SECRET-KEY-1"
# Every step that starts an instance carries the app's secrets, and an operation is one value of etcd.
LARGEST = 4096
SHORTEST_MASKED = 6

# The bytes of an encrypted text. Raises `Refused`, which says nothing of them.
Decrypt = Callable[[Encrypted], bytes]


class Identities:
    """The cluster's private keys; the first is the one whose public half is given out."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._identities = [x25519.Identity.from_str(key) for key in keys]

    @property
    def recipient(self) -> AgeRecipient:
        """The public key that others encrypt to."""
        return str(self._identities[0].to_public())

    def decrypt(self, encrypted: Encrypted) -> bytes:
        """What was encrypted to one of the keys. Raises `Refused`."""
        try:
            plain: bytes = pyrage.decrypt(encrypted.encode(), self._identities)
        except pyrage.DecryptError as error:
            raise Refused(f"this cluster, which is {self.recipient}, cannot decrypt it ({_reason(error)})") from error
        return plain

    def decrypt_file(self, encrypted: Path, plain: Path) -> None:
        """The same of a file, which is too large to be held in memory. Raises `Refused`."""
        try:
            pyrage.decrypt_file(str(encrypted), str(plain), self._identities)
        except pyrage.DecryptError as error:
            raise Refused(f"this cluster, which is {self.recipient}, cannot decrypt it ({_reason(error)})") from error


def read_identities(path: Path) -> Identities:
    """The keys in a file as age-keygen writes it, made at first use and readable by its user only. Raises `Refused`."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        unfinished = path.with_suffix(".new")
        unfinished.touch(mode=0o600)
        unfinished.write_text(f"{x25519.Identity.generate()}\n")
        unfinished.rename(path)
    lines = [line.strip() for line in path.read_text().splitlines()]
    try:
        keys = [line for line in lines if line.startswith(IDENTITY_PREFIX)]
        if keys:
            return Identities(keys)
    except pyrage.IdentityError:
        pass
    raise Refused(f"{path} holds no private key of age; put the one back that the secrets were encrypted to")


def encrypt(value: bytes, recipients: Sequence[x25519.Recipient]) -> Encrypted:
    """The value for whoever has the private key of one of the recipients."""
    armored: bytes = pyrage.encrypt(value, recipients, armored=True)
    return armored.decode()


def parse_recipients(recipients: Sequence[AgeRecipient]) -> list[x25519.Recipient]:
    """Public keys, of which there has to be one. Raises `Refused`."""
    if not recipients:
        raise Refused(
            "cluster.yaml does not say to whom secrets are encrypted; "
            "add what `flstr secret recipient` shows to secrets.recipients"
        )
    return [parse_recipient(one) for one in recipients]


def parse_recipient(recipient: AgeRecipient) -> x25519.Recipient:
    """A public key, once its checksum is right. Raises `Refused`."""
    try:
        return x25519.Recipient.from_str(recipient)
    except pyrage.RecipientError:
        raise Refused(f"{recipient} is not a public key of age: its checksum is wrong") from None


def opened(app: App, decrypt: Decrypt) -> dict[SecretName, bytes]:
    """An app's secrets as its instances read them. Raises `Refused` naming the one that cannot be read."""
    return {name: _opened(app, name, encrypted, decrypt) for name, encrypted in app.secrets.items()}


def masked(text: str, values: Iterable[bytes]) -> str:
    """What a program said, with the lines of secrets in it hidden; what is shorter than 6 characters may be a word."""
    for value in values:
        for line in value.decode(errors="replace").splitlines():
            if len(line.strip()) >= SHORTEST_MASKED:
                text = text.replace(line.strip(), "****")
    return text


def _opened(app: App, name: SecretName, encrypted: Encrypted, decrypt: Decrypt) -> bytes:
    try:
        return decrypt(encrypted)
    except Refused as error:
        raise Refused(
            f"the secret {name} of {app.app}: {error.sentence}; "
            f"say `flstr secret set {app.app} {name}` with that key among secrets.recipients"
        ) from error


def _reason(error: Exception) -> str:
    return str(error)[:1].lower() + str(error)[1:]
