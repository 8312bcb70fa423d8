"""Which etcd this command talks to: the one it is told, or that of the `flstr serve` that runs here."""

from pathlib import Path

from cli.settings import Settings
from gitops.store import Store
from model.errors import Refused

ENDPOINT_FILE = "etcd-endpoint"


def endpoint_file(settings: Settings) -> Path:
    """Where `flstr serve` notes the address of its own etcd."""
    return settings.state / ENDPOINT_FILE


def connect(settings: Settings) -> Store:
    """The etcd of the cluster. Raises `Refused` where there is none."""
    endpoints = settings.etcd_endpoints
    if not endpoints:
        try:
            endpoints = (endpoint_file(settings).read_text().strip(),)
        except OSError as error:
            raise Refused(
                f"no flstr serve runs with its state in {settings.state}; start it, or set FLSTR_ETCD_ENDPOINTS"
            ) from error
    return Store(endpoints)
