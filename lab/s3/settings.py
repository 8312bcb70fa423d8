"""What can be set on the lab's storage."""

from dataclasses import dataclass


@dataclass(frozen=True)
class S3Settings:
    """One bucket, one key that may use it, and how many objects a page of a listing has at most."""

    bucket: str = "backups"
    region: str = "lab"
    access_key: str = "LABACCESSKEY00000000"
    secret_key: str = "lab-secret-key"  # noqa: S105 - opens a bucket on loopback only
    page_size: int = 1000
