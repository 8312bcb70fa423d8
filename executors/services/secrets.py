"""The passwords and keys of a service, made where they are not there yet."""

import base64
import secrets
from collections.abc import Callable

from executors.control.authority import new_authority
from gitops.service_secrets import password
from model.names import AppName
from model.playbooks import SecretKind
from model.service import Service, user_secret

# MongoDB takes up to 1024 letters of base64, which these are.
KEYFILE_BYTES = 756


def wanted(service: Service) -> dict[str, Callable[[], bytes]]:
    """All that a service needs, by name, and how each is made."""
    kinds = dict(service.ours.secrets) if service.ours is not None else {}
    made = {name: _maker(kind, service.service) for name, kind in kinds.items()}
    return made | dict.fromkeys((*service.passwords, *map(user_secret, service.users)), password)


def _maker(kind: SecretKind, service: AppName) -> Callable[[], bytes]:
    if kind == "keyfile":
        return _keyfile
    return (lambda: _authority(service)) if kind == "certificate_authority" else password


def _keyfile() -> bytes:
    return base64.b64encode(secrets.token_bytes(KEYFILE_BYTES))


def _authority(service: AppName) -> bytes:
    return "".join(new_authority(f"flstr service {service}")).encode()
