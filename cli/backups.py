"""The place of backups, put together from the settings."""

from pathlib import Path

from cli.settings import Settings
from executors.backups.bucket import BucketAccess, BucketPlace
from executors.backups.folder import FolderPlace
from gitops.backups.place import Place, PlaceOf
from model.cluster import Backups


def place_of(settings: Settings) -> PlaceOf:
    """What finds the place that a manifest names. It raises `Refused` where a setting for it is missing."""

    def find(wanted: Backups) -> Place:
        if not wanted.to.startswith("s3://"):
            return FolderPlace(Path(wanted.to))
        settings.require("s3_access_key", "s3_secret_key")
        access = BucketAccess(settings.s3_access_key.get_secret_value(), settings.s3_secret_key.get_secret_value())
        return BucketPlace(wanted.to, wanted.endpoint or "", wanted.region, access)

    return find
