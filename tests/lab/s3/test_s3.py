"""The lab's object storage against a real SDK, unmodified."""

from collections.abc import Iterator

import obstore
import pytest
import requests
from obstore.exceptions import PermissionDeniedError
from obstore.store import S3Store

from lab.s3.settings import S3Settings
from tests.lab.s3.running_s3 import RunningS3


@pytest.fixture
def s3() -> Iterator[RunningS3]:
    running = RunningS3(S3Settings(page_size=3))
    yield running
    running.stop()


def sdk(s3: RunningS3, access_key: str = "", secret_key: str = "") -> S3Store:
    settings = s3.api.settings
    return S3Store(
        settings.bucket,
        endpoint=s3.url,
        region=settings.region,
        access_key_id=access_key or settings.access_key,
        secret_access_key=secret_key or settings.secret_key,
        client_options={"allow_http": True},
    )


def test_an_object_is_kept_as_it_came(s3: RunningS3) -> None:
    store = sdk(s3)
    obstore.put(store, "a folder/ä+b.bin", b"\0\xff" * 5000, use_multipart=False)
    assert bytes(obstore.get(store, "a folder/ä+b.bin").bytes()) == b"\0\xff" * 5000
    assert obstore.head(store, "a folder/ä+b.bin")["size"] == 10000
    assert bytes(obstore.get_range(store, "a folder/ä+b.bin", start=1, end=3)) == b"\xff\0"


def test_a_listing_comes_in_pages_and_is_whole(s3: RunningS3) -> None:
    store = sdk(s3)
    for number in range(10):
        obstore.put(store, f"one/{number}", b"x", use_multipart=False)
    obstore.put(store, "two/0", b"x", use_multipart=False)
    assert [one["path"] for page in obstore.list(store, "one") for one in page] == [f"one/{n}" for n in range(10)]
    assert len([status for status in s3.asked("GET") if status == 200]) == 4
    assert obstore.list_with_delimiter(store)["common_prefixes"] == ["one", "two"]


def test_what_is_deleted_is_gone(s3: RunningS3) -> None:
    store = sdk(s3)
    obstore.put(store, "one", b"x", use_multipart=False)
    obstore.delete(store, "one")
    with pytest.raises(FileNotFoundError):
        obstore.get(store, "one")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"secret_key": "another"}, "SignatureDoesNotMatch"),
        ({"access_key": "ANOTHER"}, "InvalidAccessKeyId"),
    ],
)
def test_another_key_is_not_let_in(s3: RunningS3, changes: dict[str, str], code: str) -> None:
    with pytest.raises(PermissionDeniedError, match=code):
        obstore.put(sdk(s3, **changes), "one", b"x", use_multipart=False)
    assert s3.api.objects == {}


def test_nobody_is_let_in_without_a_signature(s3: RunningS3) -> None:
    answer = requests.get(f"{s3.url}/backups/one", timeout=5)
    assert (answer.status_code, "<Code>AccessDenied</Code>" in answer.text) == (403, True)


def test_slow_down_is_answered_as_often_as_it_is_planned(s3: RunningS3) -> None:
    s3.fault("slow_down", "PUT", times=2)
    obstore.put(sdk(s3), "one", b"x", use_multipart=False)
    assert s3.asked("PUT") == [503, 503, 200]


def test_of_a_lost_answer_the_work_is_done(s3: RunningS3) -> None:
    s3.fault("lost", "PUT")
    obstore.put(sdk(s3), "one", b"x", use_multipart=False)
    assert s3.asked("PUT") == [0, 200]
