"""S3's words: error documents, listings, entity tags."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from xml.sax.saxutils import escape

from aiohttp import web

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'

STATUSES = {
    "AccessDenied": 403,
    "InvalidAccessKeyId": 403,
    "SignatureDoesNotMatch": 403,
    "RequestTimeTooSkewed": 403,
    "NoSuchBucket": 404,
    "NoSuchKey": 404,
    "InternalError": 500,
    "NotImplemented": 501,
    "SlowDown": 503,
    "XAmzContentSHA256Mismatch": 400,
    "InvalidArgument": 400,
    "MalformedXML": 400,
    "AuthorizationHeaderMalformed": 400,
}


class S3Error(Exception):
    """An error by its code, as S3 names them."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True)
class Stored:
    """An object as it is kept."""

    body: bytes
    modified: datetime

    @property
    def etag(self) -> str:
        return f'"{hashlib.md5(self.body, usedforsecurity=False).hexdigest()}"'


def error_answer(error: S3Error, resource: str) -> web.Response:
    """The document of an error."""
    text = (
        f"{HEAD}<Error><Code>{error.code}</Code><Message>{escape(error.message)}</Message>"
        f"<Resource>{escape(resource)}</Resource><RequestId>{secrets.token_hex(8).upper()}</RequestId></Error>"
    )
    return web.Response(status=STATUSES[error.code], text=text, content_type="application/xml")


@dataclass(frozen=True)
class Page:
    """One page of a listing; `next` is the token of the page behind it, or empty."""

    bucket: str
    prefix: str
    delimiter: str
    objects: Sequence[tuple[str, Stored]]
    folders: Sequence[str]
    next: str
    limit: int


def listing(page: Page) -> web.Response:
    """The document of a page, as ListObjectsV2 answers."""
    contents = "".join(
        f"<Contents><Key>{escape(key)}</Key><LastModified>{one.modified:%Y-%m-%dT%H:%M:%S.000Z}</LastModified>"
        f"<ETag>{escape(one.etag)}</ETag><Size>{len(one.body)}</Size><StorageClass>STANDARD</StorageClass></Contents>"
        for key, one in page.objects
    )
    folders = "".join(f"<CommonPrefixes><Prefix>{escape(name)}</Prefix></CommonPrefixes>" for name in page.folders)
    token = f"<NextContinuationToken>{escape(page.next)}</NextContinuationToken>" if page.next else ""
    delimiter = f"<Delimiter>{escape(page.delimiter)}</Delimiter>" if page.delimiter else ""
    text = (
        f'{HEAD}<ListBucketResult xmlns="{NAMESPACE}"><Name>{escape(page.bucket)}</Name>'
        f"<Prefix>{escape(page.prefix)}</Prefix>{delimiter}<MaxKeys>{page.limit}</MaxKeys>"
        f"<KeyCount>{len(page.objects) + len(page.folders)}</KeyCount>"
        f"<IsTruncated>{'true' if page.next else 'false'}</IsTruncated>{token}{contents}{folders}</ListBucketResult>"
    )
    return web.Response(text=text, content_type="application/xml")


def deleted(keys: Sequence[str]) -> web.Response:
    """The document that DeleteObjects answers; a key that was not there counts as deleted as well."""
    each = "".join(f"<Deleted><Key>{escape(key)}</Key></Deleted>" for key in keys)
    return web.Response(
        text=f'{HEAD}<DeleteResult xmlns="{NAMESPACE}">{each}</DeleteResult>', content_type="application/xml"
    )
