"""The scripts that ask a service's Redis on a machine, have it lead, or have it follow another one. Pure."""

from dataclasses import dataclass

from executors.templates import render
from model.names import AppName

# How long writes are held back at most, while the next leader gets what it lacks.
CATCH_UP_SECONDS = 10


@dataclass(frozen=True)
class RedisFiles:
    """What the role leaves on a machine for a service: who asks its Redis, and whom that follows after a start."""

    ask: str
    leader: str
    owner: str = "root:redis"


def files_of(service: AppName) -> RedisFiles:
    """Where they are, as `playbooks/roles/redis` has it."""
    return RedisFiles(f"/usr/local/sbin/flstr-redis-{service}", f"/etc/redis/flstr-{service}-leader.conf")


@dataclass(frozen=True)
class Leader:
    """Who leads, or is to, and where its Redis is."""

    node: str
    address: str
    port: int


def look_script(files: RedisFiles) -> str:
    """Prints what the Redis of a machine says of its replication, as `gitops.service_roles` reads it."""
    return render("services/redis/look.sh.j2", files=files)


def hand_over_script(service: AppName, files: RedisFiles, to: Leader) -> str:
    """Has the one that leads hand over to one that follows it, without the loss of a write."""
    return render(
        "services/redis/hand-over.sh.j2",
        service=service, files=files, leader=to.node, address=to.address, port=to.port, seconds=CATCH_UP_SECONDS,
    )  # fmt: skip


def lead_script(service: AppName, files: RedisFiles) -> str:
    """Has it lead, now and after a start."""
    return render("services/redis/lead.sh.j2", service=service, files=files)


def follow_script(service: AppName, files: RedisFiles, leader: Leader) -> str:
    """Has it follow, now and after a start."""
    return render("services/redis/follow.sh.j2", service=service, files=files, address=leader.address, port=leader.port)


def watch_script() -> str:
    """The program that answers, a line for a line, what several of them say of their replication."""
    return render("services/redis/watch.sh.j2")
