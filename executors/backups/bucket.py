"""Backups in a bucket of S3-compatible storage."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import obstore
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import S3Store

from model.errors import Unreadable

CHUNK_BYTES = 1 << 20
CALL_SECONDS = 120
RETRY_SECONDS = 60


@dataclass(frozen=True)
class BucketAccess:
    """The key by which the storage knows flstr."""

    access_key: str
    secret_key: str = field(repr=False)


class BucketPlace:
    """A `Place` in a bucket, under a prefix."""

    def __init__(self, url: str, endpoint: str, region: str, access: BucketAccess) -> None:
        """`url` is s3://bucket/prefix, `endpoint` where the storage answers."""
        self._url = url.rstrip("/")
        self._bucket, _, prefix = self._url.removeprefix("s3://").partition("/")
        self._endpoint = endpoint
        self._store = S3Store(
            self._bucket,
            prefix=prefix or None,
            endpoint=endpoint,
            region=region or "us-east-1",
            access_key_id=access.access_key,
            secret_access_key=access.secret_key,
            virtual_hosted_style_request=False,
            client_options={"allow_http": endpoint.startswith("http://"), "timeout": timedelta(seconds=CALL_SECONDS)},
            retry_config={
                "max_retries": 5,
                "retry_timeout": timedelta(seconds=RETRY_SECONDS),
                "backoff": {"init_backoff": timedelta(seconds=0.2), "max_backoff": timedelta(seconds=5), "base": 2},
            },
        )

    def names(self) -> tuple[str, ...]:
        """Everything that is there, whatever number of pages it comes in."""
        with self._sentences("cannot be listed"):
            found = obstore.list_with_delimiter(self._store)
            return tuple(sorted(one["path"].rpartition("/")[2] for one in found["objects"]))

    def put(self, name: str, file: Path) -> None:
        """Keep a file by one request: what was cut short is no object."""
        with self._sentences("cannot be written to"):
            obstore.put(self._store, name, file, use_multipart=False)

    def read(self, name: str) -> Iterator[bytes]:
        """The bytes that are kept under a name."""
        with self._sentences(f"cannot give {name} back"):
            for piece in obstore.get(self._store, name).stream(min_chunk_size=CHUNK_BYTES):
                yield bytes(piece)

    def remove(self, name: str) -> None:
        """Keep it no longer."""
        with self._sentences(f"cannot let {name} go"):
            obstore.delete(self._store, name)

    @contextmanager
    def _sentences(self, what: str) -> Iterator[None]:
        try:
            yield
        except (UnauthenticatedError, PermissionDeniedError) as error:
            raise Unreadable(
                f"the bucket {self._url} {what}: {self._endpoint} does not let flstr in; "
                "FLSTR_S3_ACCESS_KEY and FLSTR_S3_SECRET_KEY have to be a key that may read and write there"
            ) from error
        except FileNotFoundError as error:
            raise Unreadable(f"the bucket {self._url} {what}: {self._endpoint} has no such bucket or object") from error
        except (BaseError, OSError, ValueError) as error:
            raise Unreadable(f"the bucket {self._url} {what}: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    """The first line, without what the library adds for its own developers."""
    line = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return line[:300]
