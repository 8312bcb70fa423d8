"""How HAProxy sees that an instance of a service serves, and what it does with those that do no longer. Pure."""

from dataclasses import dataclass

from executors.mongodb_hello import hello, is_primary
from model.playbooks import ServiceHealth
from model.service import Service

# Of the services of which one instance leads: a client of the old leader has to come anew, and finds the new one.
ENDING_SESSIONS = "on-marked-down shutdown-sessions"


@dataclass(frozen=True)
class ServiceCheck:
    """What an instance is asked; `path` and `statuses` are of http, the bytes of mongodb, in hexadecimal."""

    health: ServiceHealth
    path: str = "/"
    statuses: str = ""
    asks: str = hello().hex()
    hears: str = is_primary().hex()

    @property
    def options(self) -> tuple[str, ...]:
        """What its servers have besides what every server has."""
        return (ENDING_SESSIONS,) if self.health in ("redis", "mongodb") else ()


def check_of(service: Service) -> ServiceCheck:
    """How a service that flstr installs is checked."""
    if service.ours is not None:
        return ServiceCheck(service.ours.health, service.ours.health_path, service.ours.health_statuses)
    # Whoever answers that a password is missing, or that nothing is there, serves.
    return ServiceCheck(service.health, service.env.path, "200-499")
