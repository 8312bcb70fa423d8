"""The private key of the tests' cluster, and what was encrypted to it."""

from pyrage import x25519

from gitops.secrets import Identities, encrypt, parse_recipients

IDENTITIES = Identities([str(x25519.Identity.generate())])
OTHERS = Identities([str(x25519.Identity.generate())])


def encrypted(value: bytes, identities: Identities = IDENTITIES) -> str:
    """A value as it stands in a manifest."""
    return encrypt(value, parse_recipients([identities.recipient]))
