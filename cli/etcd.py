"""Which etcd this command talks to: the one it is told, or that of the `flstr serve` that runs here."""

from pathlib import Path

from cli.settings import Settings
from cli.tunnel import through_a_controller
from gitops.store import EtcdTls, Store
from model.errors import Refused

ENDPOINT_FILE = "etcd-endpoint"


def endpoint_file(settings: Settings) -> Path:
    """Where `flstr serve` notes the address of its own etcd."""
    return settings.state / ENDPOINT_FILE


def connect(settings: Settings) -> Store:
    """The etcd of the cluster. Raises `Refused` where there is none."""
    endpoints = settings.etcd_endpoints
    if not endpoints and (store := through_a_controller(settings)) is not None:
        return store
    if not endpoints:
        try:
            endpoints = (endpoint_file(settings).read_text().strip(),)
        except OSError as error:
            raise Refused(
                f"no flstr serve runs with its state in {settings.state}; start it, or set FLSTR_ETCD_ENDPOINTS"
            ) from error
    return Store(endpoints, tls=tls_of(settings))


def tls_of(settings: Settings) -> EtcdTls | None:
    """The files by which etcd and flstr know each other, where all of them are given."""
    if settings.etcd_ca is None or settings.etcd_certificate is None or settings.etcd_key is None:
        return None
    return EtcdTls(settings.etcd_ca, settings.etcd_certificate, settings.etcd_key)
