"""The lab's apt repositories are real ones: all that they name is there, and a vendor's is signed."""

import gzip
import subprocess
from pathlib import Path

import pytest

from lab.apt.archives import ARCHIVES, Archive, ensure_archive
from lab.image import image_path
from lab.naming import LabFolders


def test_an_archive_is_another_one_for_another_image_or_other_packages() -> None:
    archive = Archive("bookworm", debian=("redis-server",))
    digests = {
        archive.digest(Path("image-1")),
        archive.digest(Path("image-2")),
        Archive("bookworm", debian=("nginx",)).digest(Path("image-1")),
        Archive("trixie", debian=("redis-server",)).digest(Path("image-1")),
    }
    assert len(digests) == 4
    assert archive.digest(Path("image-1")) in digests


@pytest.mark.hosts
class TestMade:
    @pytest.fixture(params=sorted(ARCHIVES))
    def archive(self, request: pytest.FixtureRequest, folders: LabFolders) -> Path:
        return ensure_archive(request.param, folders, image_path(folders))

    def test_every_package_that_it_names_is_there(self, archive: Path) -> None:
        suite = ARCHIVES[archive.name.partition("-")[0]].suite
        (index,) = (archive / "dists" / suite).rglob("Packages.gz")
        listed = [
            line.partition(": ")[2]
            for line in gzip.decompress(index.read_bytes()).decode().splitlines()
            if line.startswith("Filename: ")
        ]
        assert sorted(listed) == sorted(str(file.relative_to(archive)) for file in archive.glob("pool/*.deb"))

    def test_its_index_is_signed_by_its_key(self, archive: Path, tmp_path: Path) -> None:
        if not ARCHIVES[archive.name.partition("-")[0]].is_signed:
            pytest.skip("hosts trust it as it is")
        suite = ARCHIVES[archive.name.partition("-")[0]].suite
        signed = archive / "dists" / suite / "InRelease"
        keyring = tmp_path / "key.gpg"
        subprocess.run(["gpg", "--dearmor", "--output", keyring, archive / "key.asc"], check=True)
        subprocess.run(["gpgv", "--quiet", "--keyring", keyring, signed], check=True, capture_output=True)
        signed_otherwise = tmp_path / "InRelease"
        signed_otherwise.write_text(signed.read_text().replace("Suite:", "Suite: other"))
        refused = subprocess.run(["gpgv", "--keyring", keyring, signed_otherwise], check=False, capture_output=True)
        assert refused.returncode != 0

    def test_it_is_made_once(self, archive: Path, folders: LabFolders) -> None:
        made = archive.stat().st_mtime_ns
        name = archive.name.partition("-")[0]
        assert ensure_archive(name, folders, image_path(folders)) == archive
        assert archive.stat().st_mtime_ns == made
