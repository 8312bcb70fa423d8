"""The image's recipe decides its name, and two builders do not build twice."""

import threading
import time
from pathlib import Path

import pytest

from lab import image
from lab.image import ensure_image, image_path, recipe_digest
from lab.naming import LabFolders


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small tree of files in the place of those that are laid over the root file system."""
    folder = tmp_path / "files"
    (folder / "etc").mkdir(parents=True)
    (folder / "etc/hosts").write_text("127.0.0.1 localhost\n")
    monkeypatch.setattr(image, "FILES", folder)
    return folder


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Every bootstrap that was run; each one makes a root file system with what an image must not keep."""
    done: list[Path] = []

    def bootstrap(target: Path, _progress: image.Progress) -> None:
        done.append(target)
        for folder in ("etc/ssh", "etc/systemd/system", "var/lib/cloud/seed"):
            (target / folder).mkdir(parents=True)
        (target / "etc/ssh/ssh_host_ed25519_key").write_text("the same for everybody")
        (target / "etc/machine-id").write_text("0123456789abcdef0123456789abcdef\n")
        (target / "etc/systemd/system/e2scrub_reap.service").write_text("")
        time.sleep(0.1)

    monkeypatch.setattr(image, "_bootstrap", bootstrap)
    return done


def test_the_digest_stays_the_same_for_the_same_recipe() -> None:
    assert recipe_digest() == recipe_digest()


def test_the_digest_changes_with_a_package(monkeypatch: pytest.MonkeyPatch) -> None:
    before = recipe_digest()
    monkeypatch.setattr(image, "PACKAGES", (*image.PACKAGES, "redis-server"))
    assert recipe_digest() != before


def test_the_digest_changes_with_a_file(files: Path) -> None:
    digests = {recipe_digest()}
    (files / "etc/hosts").write_text("127.0.0.1 other\n")
    digests.add(recipe_digest())
    (files / "etc/hosts").rename(files / "etc/hostname")
    digests.add(recipe_digest())
    assert len(digests) == 3


def test_an_image_has_nothing_that_only_one_machine_may_have(files: Path, builds: list[Path], tmp_path: Path) -> None:
    root = ensure_image(LabFolders(tmp_path))
    assert not list((root / "etc/ssh").iterdir())
    assert not list((root / "var/lib/cloud").iterdir())
    assert (root / "etc/machine-id").read_text() == ""
    assert (root / "etc/hosts").read_text() == "127.0.0.1 localhost\n"
    assert str((root / "etc/systemd/system/e2scrub_reap.service").readlink()) == "/dev/null"


def test_an_image_is_built_once_even_by_two_at_once(files: Path, builds: list[Path], tmp_path: Path) -> None:
    folders = LabFolders(tmp_path)
    builders = [threading.Thread(target=ensure_image, args=(folders,)) for _ in range(2)]
    for builder in builders:
        builder.start()
    for builder in builders:
        builder.join()
    assert len(builds) == 1
    assert image_path(folders).is_dir()


def test_a_build_that_was_killed_is_begun_again(
    files: Path, builds: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = LabFolders(tmp_path)

    def killed(_root: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(image, "_customise", killed)
        with pytest.raises(KeyboardInterrupt):
            ensure_image(folders)
    assert not image_path(folders).exists()

    assert ensure_image(folders) == image_path(folders)
    assert [path.name for path in folders.images.iterdir() if path.is_dir()] == [recipe_digest()]


def test_progress_ends_at_one(files: Path, builds: list[Path], tmp_path: Path) -> None:
    heard: list[float] = []
    ensure_image(LabFolders(tmp_path), lambda share, _line: heard.append(share))
    assert heard[-1] == 1.0
