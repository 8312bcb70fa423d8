"""How the lab's certificate authority behaves; what it does wrong on request is what pebble itself can."""

from collections.abc import Mapping
from dataclasses import dataclass

# How the names of those begin that sign for pebble.
ISSUER = "Pebble"


@dataclass(frozen=True)
class AcmeSettings:
    """`dns` is the address and port of the resolver that it asks for everything; `http_port` is where it expects
    HTTP-01 answers. With `nonce_reject` and `authorization_reuse`, in per cent, it is as unfriendly as it comes. With a
    reuse of 0 it still believes one name in a hundred that was proved before.
    """

    dns: str
    address: str = "127.0.0.1"
    http_port: int = 80
    tls_port: int = 443
    strict: bool = True
    nonce_reject: int = 5
    authorization_reuse: int = 50
    validation_seconds: int = 0
    lifetime_seconds: int = 90 * 86400
    always_valid: bool = False
    chain_length: int = 1

    def environment(self) -> Mapping[str, str]:
        """The variables by which pebble is told; it cannot be told to sleep no seconds, only not to sleep."""
        waits = {"PEBBLE_VA_SLEEPTIME": str(self.validation_seconds)}
        return {
            "PEBBLE_WFE_NONCEREJECT": str(self.nonce_reject),
            "PEBBLE_AUTHZREUSE": str(self.authorization_reuse),
            "PEBBLE_CHAIN_LENGTH": str(self.chain_length),
            **(waits if self.validation_seconds else {"PEBBLE_VA_NOSLEEP": "1"}),
            **({"PEBBLE_VA_ALWAYS_VALID": "1"} if self.always_valid else {}),
        }
