"""The etcd keys of services: the notes' at the top, and what flstr itself remembers of them under `flstr/`."""

SERVICES = "service/"
INSTALLED = "flstr/service/"
SECRETS = "flstr/service_secret/"
BACKUPS = "flstr/service_backup/"


def meta_data(service: str) -> str:
    """What apps need to know of a service."""
    return f"{SERVICES}{service}/meta_data"


def instance(service: str, instance_id: str) -> str:
    """One instance of a service; those that flstr installs are called after their machines."""
    return f"{SERVICES}{service}/instance/{instance_id}"


def installed(service: str) -> str:
    """What a service was last brought to."""
    return f"{INSTALLED}{service}"


def secrets(service: str) -> str:
    """Prefix of a service's secrets."""
    return f"{SECRETS}{service}/"


def secret(service: str, secret: str) -> str:
    """A password or key of a service, encrypted by age to the cluster's own key."""
    return f"{secrets(service)}{secret}"


def backup(service: str) -> str:
    """When a service was last backed up, and how that went."""
    return f"{BACKUPS}{service}"
