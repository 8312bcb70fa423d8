"""What flstr knows of its own playbooks: their ports, their secrets, and what they can do."""

from dataclasses import dataclass
from typing import Literal

SecretKind = Literal["password", "keyfile", "certificate_authority"]
ServiceHealth = Literal["redis", "mongodb", "http", "tcp"]


@dataclass(frozen=True)
class Playbook:
    """A playbook of the project.

    `secrets` are made once a service, by name; `password` is the one for apps that come as no user of their own. At
    `peer_port` its instances talk to each other, where that is another port than the one for everybody.
    `health_statuses` are what `health_path` answers where it is asked by http.
    """

    name: str
    port: int
    speaks: str
    health: ServiceHealth
    keeps_data: bool
    leads: bool = False
    secrets: tuple[tuple[str, SecretKind], ...] = ()
    password: str = ""
    has_users: bool = False
    one_a_machine: bool = False
    peer_port: int | None = None
    health_path: str = "/"
    health_statuses: str = "200"

    @property
    def file(self) -> str:
        """Its file in the folder of playbooks."""
        return f"{self.name}.yml"


_ALL = (
    Playbook(
        name="redis",
        port=6379,
        speaks="redis",
        health="redis",
        keeps_data=True,
        leads=True,
        secrets=(("password", "password"), ("replication", "password")),
        password="password",  # noqa: S106 - a name, not a password
    ),
    Playbook(
        name="mongodb",
        port=27017,
        speaks="mongodb",
        health="mongodb",
        keeps_data=True,
        secrets=(("admin", "password"), ("keyfile", "keyfile")),
        has_users=True,
        one_a_machine=True,
    ),
    Playbook(
        name="elasticsearch",
        port=9200,
        speaks="http",
        health="http",
        keeps_data=True,
        secrets=(("admin", "password"), ("authority", "certificate_authority")),
        has_users=True,
        one_a_machine=True,
        peer_port=9300,
        # HAProxy has no password; one that asks for it is up.
        health_statuses="200,401",
    ),
    Playbook(name="nginx", port=8080, speaks="http", health="http", keeps_data=True, health_path="/flstr-health"),
)

OURS = {playbook.name: playbook for playbook in _ALL}
