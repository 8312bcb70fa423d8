"""What a plan locks: an app, the machines, certificates, names, a floating IP."""

from collections.abc import Sequence

from model.names import AppName

# The lock of everything that is not an app.
MACHINES = "machines"
CERTIFICATES = "certificates"
NAMES = "names"
FLOATING_IP = "floating-ip-"


def app_lock(app: AppName) -> str:
    """The lock of an app."""
    return f"app-{app}"


def service_lock(service: AppName) -> str:
    """The lock of a service."""
    return f"service-{service}"


def floating_ip_lock(name: str) -> str:
    """The lock of a floating IP; of addresses that have lost their name, by the machine that still has them."""
    return f"{FLOATING_IP}{name}"


def is_failover(locks: Sequence[str]) -> bool:
    """Whether a plan with these locks is about floating IPs alone, and waits for nobody."""
    return bool(locks) and all(lock.startswith(FLOATING_IP) for lock in locks)
