"""AWS Signature Version 4 in the Authorization header, verified as the storage does it."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, quote

from lab.s3.settings import S3Settings
from lab.s3.wire import S3Error

ALGORITHM = "AWS4-HMAC-SHA256"
SKEW = timedelta(minutes=15)

_HEADER = re.compile(
    rf"{ALGORITHM} Credential=(?P<key>[^/,]+)/(?P<day>[0-9]{{8}})/(?P<region>[^/,]+)/s3/aws4_request, ?"
    r"SignedHeaders=(?P<signed>[a-z0-9;-]+), ?Signature=(?P<signature>[0-9a-f]{64})"
)


def verify(
    method: str, raw_path: str, query: str, headers: Mapping[str, str], body: bytes, settings: S3Settings
) -> None:
    """Raise `S3Error` unless the request was signed by the key, just now, as it came; names of headers are lower."""
    match = _HEADER.fullmatch(headers.get("authorization", ""))
    if match is None:
        raise S3Error("AccessDenied", "Access Denied")
    if match["key"] != settings.access_key:
        raise S3Error("InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.")
    if match["region"] != settings.region:
        expected = f"the region '{match['region']}' is wrong; expecting '{settings.region}'"
        raise S3Error("AuthorizationHeaderMalformed", f"The authorization header is malformed; {expected}")
    said, at = headers.get("x-amz-content-sha256", ""), headers.get("x-amz-date", "")
    _see_the_time(at)
    if said != "UNSIGNED-PAYLOAD" and said != hashlib.sha256(body).hexdigest():
        raise S3Error(
            "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed."
        )
    signed = match["signed"].split(";")
    if not {"host", "x-amz-date", "x-amz-content-sha256"} <= set(signed):
        raise S3Error("AccessDenied", "There were headers present in the request which were not signed")
    lines = "".join(f"{name}:{' '.join(headers.get(name, '').split())}\n" for name in signed)
    request = "\n".join([method, raw_path, _canonical(query), lines, match["signed"], said])
    scope = f"{match['day']}/{match['region']}/s3/aws4_request"
    text = "\n".join([ALGORITHM, at, scope, hashlib.sha256(request.encode()).hexdigest()])
    key = f"AWS4{settings.secret_key}".encode()
    for part in (match["day"], match["region"], "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    if not hmac.compare_digest(hmac.digest(key, text.encode(), "sha256").hex(), match["signature"]):
        raise S3Error(
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. "
            "Check your key and signing method.",
        )


def _see_the_time(at: str) -> None:
    try:
        when = datetime.strptime(at, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise S3Error("AccessDenied", "AWS authentication requires a valid Date or x-amz-date header") from None
    if abs(datetime.now(UTC) - when) > SKEW:
        raise S3Error(
            "RequestTimeTooSkewed", "The difference between the request time and the current time is too large."
        )


def _canonical(query: str) -> str:
    pairs = (
        (quote(name, safe="-_.~"), quote(value, safe="-_.~"))
        for name, value in parse_qsl(query, keep_blank_values=True)
    )
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))
