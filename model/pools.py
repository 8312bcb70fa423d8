"""The machines of a cluster: where they are rented, and in which pools."""

from pydantic import Field, model_validator

from model.base import Frozen
from model.names import CloudLocation, CronLine, ImageName, NodeName, Role, ServerType


class Cloud(Frozen):
    """Where machines are rented."""

    location: CloudLocation = Field("fsn1", description="Hetzner location of machines that name none of their own")
    image: ImageName = Field("debian-12", description="Image that new machines start from")


class Elsewhere(Frozen):
    """What is rented instead where the cloud has none left; a field that is absent is as the pool says."""

    server_type: ServerType | None = Field(None, description="Hetzner server type")
    location: CloudLocation | None = Field(None, description="Hetzner location")

    @model_validator(mode="after")
    def _differs(self) -> "Elsewhere":
        if self.server_type is None and self.location is None:
            raise ValueError("say another server_type, another location, or both")
        return self


class ScheduledCount(Frozen):
    """A size that a pool is brought to at certain times."""

    at: CronLine = Field(description="When, as minute, hour, day of the month, month and day of the week")
    count: int = Field(ge=0, le=200, description="How many machines there are to be from then on")


class Pool(Frozen):
    """Machines of one role and size; they are named after the pool, counting up from `first`."""

    role: Role = Field(description="What the machines are for")
    server_type: ServerType = Field("cx22", description="Hetzner server type")
    count: int = Field(ge=0, le=200, description="How many machines there are")
    first: int = Field(101, ge=1, le=9000, description="Number of the first machine")
    without: tuple[NodeName, ...] = Field(
        (), description="Names that are left out of the counting, of machines that were destroyed"
    )
    location: CloudLocation | None = Field(None, description="Location, where it is not the cluster's")
    otherwise: tuple[Elsewhere, ...] = Field(
        (), description="What is rented instead where the cloud has none left, tried in this order"
    )
    spread: bool | None = Field(
        None, description="Whether no two of them stand on the same hardware; controllers do so unless it is false"
    )
    schedule: tuple[ScheduledCount, ...] = Field(
        (), description="When `count` is changed by itself, each time by a commit"
    )

    def is_spread(self) -> bool:
        """Whether the machines stand on hardware of their own each."""
        return self.role == "controller" if self.spread is None else self.spread
