"""Where backups are kept: a folder, and a bucket that fails as buckets do."""

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from executors.backups.bucket import BucketAccess, BucketPlace
from executors.backups.folder import FolderPlace
from gitops.backups.place import Place
from lab.s3.settings import S3Settings
from model.errors import Unreadable
from tests.lab.s3.running_s3 import RunningS3


@pytest.fixture
def s3() -> Iterator[RunningS3]:
    running = RunningS3(S3Settings(page_size=2))
    yield running
    running.stop()


@pytest.fixture(params=["folder", "bucket"])
def place(request: pytest.FixtureRequest, s3: RunningS3, tmp_path: Path) -> Place:
    if request.param == "folder":
        (tmp_path / "mount").mkdir()
        return FolderPlace(tmp_path / "mount")
    return bucket(s3)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(b"\0one two" * 300_000)
    return path


def bucket(s3: RunningS3, secret_key: str = "", url: str = "") -> BucketPlace:
    settings = s3.api.settings
    access = BucketAccess(settings.access_key, secret_key or settings.secret_key)
    return BucketPlace(url or s3.api.place, s3.url, settings.region, access)


def test_what_is_kept_comes_back(place: Place, file: Path) -> None:
    place.put("one", file)
    assert b"".join(place.read("one")) == file.read_bytes()
    assert place.names() == ("one",)


def test_all_names_are_known_however_many_there_are(place: Place, file: Path) -> None:
    file.write_bytes(b"x")
    names = tuple(f"name-{number}" for number in range(7))
    for name in names:
        place.put(name, file)
    assert place.names() == names


def test_what_is_removed_is_gone_and_may_be_removed_again(place: Place, file: Path) -> None:
    place.put("one", file)
    place.remove("one")
    place.remove("one")
    assert place.names() == ()


def test_what_is_not_there_is_a_sentence(place: Place) -> None:
    with pytest.raises(Unreadable, match="cannot give one back"):
        list(place.read("one"))


def test_a_file_that_was_cut_short_in_a_folder_has_no_name_and_makes_room_for_the_next(
    tmp_path: Path, file: Path
) -> None:
    folder = FolderPlace(tmp_path)
    (tmp_path / ".unfinished-old").write_bytes(b"half")
    assert ".unfinished-old" not in folder.names()
    folder.put("one", file)
    assert not (tmp_path / ".unfinished-old").exists()


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path, file: Path) -> None:
    with pytest.raises(Unreadable, match="is its storage mounted\\?"):
        FolderPlace(tmp_path / "mount").put("one", file)
    assert not (tmp_path / "mount").exists()


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (errno.EACCES, "permission denied); does it belong to the user that flstr runs as?"),
        (errno.EROFS, "read-only file system); on a controller it has to be below /mnt, /srv or /media"),
    ],
)
def test_why_a_folder_is_not_written_to(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch, fault: int, said: str
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(fault, os.strerror(fault))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(Unreadable) as failed:
        FolderPlace(tmp_path).put("one", file)
    assert failed.value.sentence == f"the backup folder {tmp_path} cannot be written to ({said}"


def test_a_bucket_is_asked_again_where_it_wants_that(s3: RunningS3, file: Path) -> None:
    s3.fault("slow_down", "PUT", times=2)
    s3.fault("lost", "PUT")
    bucket(s3).put("one", file)
    assert s3.asked("PUT") == [503, 503, 0, 200]


def test_a_download_that_is_cut_short_is_gone_on_with_or_fails_but_is_never_half(s3: RunningS3, file: Path) -> None:
    place = bucket(s3)
    place.put("one", file)
    s3.fault("cut", "GET")
    got = b""
    with contextlib.suppress(Unreadable):
        got = b"".join(place.read("one"))
    assert got in (b"", file.read_bytes())


def test_a_wrong_key_is_a_sentence_without_the_key(s3: RunningS3, file: Path) -> None:
    with pytest.raises(Unreadable, match="FLSTR_S3_ACCESS_KEY and FLSTR_S3_SECRET_KEY") as caught:
        bucket(s3, secret_key="not-the-key").put("one", file)
    assert "not-the-key" not in caught.value.sentence


def test_a_bucket_that_is_not_there_is_a_sentence(s3: RunningS3, file: Path) -> None:
    with pytest.raises(Unreadable, match="s3://other/flstr cannot be written to"):
        bucket(s3, url="s3://other/flstr").put("one", file)
