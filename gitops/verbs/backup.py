"""The verb that has a backup made now."""

from dataclasses import dataclass

from gitops.backups.backups import Backups
from gitops.verbs.desk import Request
from model.errors import Refused


@dataclass(frozen=True)
class BackupVerb:
    """Has a copy of etcd made; None where whoever leads makes none."""

    backups: Backups | None

    def backup(self, request: Request) -> str:
        """`backup`."""
        del request
        if self.backups is None:
            raise Refused("this flstr makes no backups")
        record = self.backups.make()
        return f":white_check_mark: Backed up, {record.size} bytes, read back and found right: `{record.name}`"
