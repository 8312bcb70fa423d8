"""Backups of etcd and of services, as etcd remembers them. Times are Unix seconds."""

from pydantic import Field

from model.base import Frozen


class BackupRecord(Frozen):
    """`flstr/backup`: the newest copy that was read back and found right, and how the last try went."""

    at: float = Field(0.0, description="When that copy was made; 0 where there is none yet")
    name: str = ""
    size: int = Field(0, description="Its bytes, as they are kept")
    tried: float = Field(0.0, description="When a copy was last begun")
    failure: str = Field("", description="Why the last one did not come to be, in one sentence")
    failing_since: float = Field(0.0, description="Since when none comes to be; 0 where the last one did")


class ServiceBackupRecord(BackupRecord):
    """`flstr/service_backup/<service>`: the same of a service, and how far its schedule was followed."""

    schedule: str = Field("", description="The line of cron, and its time zone, that is followed")
    followed: float = Field(0.0, description="Until when; what was due before is due no more")
