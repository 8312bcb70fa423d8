"""How long things take, and how much one project may have."""

from dataclasses import dataclass


@dataclass(frozen=True)
class CloudSettings:
    """Durations in seconds; limits per project, as a fresh account has them."""

    create_seconds: float = 1.5
    start_seconds: float = 0.5
    delete_seconds: float = 0.5
    action_seconds: float = 0.3
    move_seconds: float = 0.02
    """Of a floating IP, from one server to another."""
    requests_per_hour: int = 3600
    server_limit: int = 100
    placement_group_limit: int = 50
