"""The archive of a small tree: the same bytes for the same content, and nothing in it that nobody needs."""

import re
import subprocess
import tarfile
from pathlib import Path

import pytest

from executors.control import program
from executors.control.archive import LOCK, PACKAGES, content_of, pack, version_of
from executors.control.dependencies import Machine, why_not
from executors.control.program import as_installed, from_source
from model.errors import StepFailed

REPOSITORY = Path(__file__).parents[3]
AMD64 = Machine("x86_64", "3.11", "2.36")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """flstr, as small as can be."""
    root = tmp_path / "flstr"
    for package in PACKAGES:
        (root / package).mkdir(parents=True)
        (root / package / "__init__.py").write_text("")
    (root / "cli" / "main.py").write_text("def main() -> None:\n    import needed\n    print(needed.WORD)\n")
    (root / "cli" / "__pycache__").mkdir()
    (root / "cli" / "__pycache__" / "main.cpython-311.pyc").write_bytes(b"compiled")
    (root / "playbooks/roles/redis/tasks").mkdir(parents=True)
    (root / "playbooks/roles/redis/tasks/main.yml").write_text("[]\n")
    (root / "lab").mkdir()
    (root / "lab" / "lab.py").write_text("")
    (root / LOCK).write_text("needed==1.0\n")
    return root


@pytest.fixture
def unpacked(tmp_path: Path) -> Path:
    """What pip would have unpacked."""
    folder = tmp_path / "unpacked"
    for path, text in {
        "needed/__init__.py": "WORD = 'it runs'\n",
        "needed/__init__.pyi": "",
        "needed/tests/test_needed.py": "",
        "needed-1.0.dist-info/METADATA": "Name: needed\n",
        "needed-1.0.dist-info/RECORD": "of this machine",
        "bin/needed": "#!/of/this/machine\n",
        "ansible_test/__init__.py": "",
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def test_it_holds_flstr_and_what_that_needs(root: Path, unpacked: Path) -> None:
    assert sorted(content_of(root, unpacked)) == sorted(
        [
            *(f"{package}/__init__.py" for package in PACKAGES),
            "bin/flstr",
            "cli/main.py",
            "playbooks/roles/redis/tasks/main.yml",
            LOCK,
            "dependencies/needed/__init__.py",
            "dependencies/needed-1.0.dist-info/METADATA",
        ]
    )


def test_the_same_content_gives_the_same_bytes(root: Path, unpacked: Path, tmp_path: Path) -> None:
    packed = []
    for name in ("one.tar.gz", "two.tar.gz"):
        content = content_of(root, unpacked)
        pack(content, version_of(content), tmp_path / name)
        packed.append((tmp_path / name).read_bytes())
        (root / "cli" / "main.py").touch()
    assert packed[0] == packed[1]


def test_its_version_changes_with_what_is_in_it(root: Path, unpacked: Path) -> None:
    before = version_of(content_of(root, unpacked))
    assert re.fullmatch("[0-9a-f]{16}", before)
    (root / "lab" / "lab.py").write_text("is not in it")
    assert version_of(content_of(root, unpacked)) == before
    (root / "cli" / "main.py").write_text("is")
    assert version_of(content_of(root, unpacked)) != before


def test_what_is_unpacked_says_its_version_and_runs(root: Path, unpacked: Path, tmp_path: Path) -> None:
    content = content_of(root, unpacked)
    pack(content, version_of(content), tmp_path / "it.tar.gz")
    there = tmp_path / "opt" / "flstr"
    with tarfile.open(tmp_path / "it.tar.gz") as archive:
        archive.extractall(there, filter="data")
    assert (there / "VERSION").read_text() == f"{version_of(content)}\n"
    program = there / "bin" / "flstr"
    assert program.stat().st_mode & 0o111
    # By the Python of the tests: the system's may be another one.
    done = subprocess.run(["python3", "-I", program], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("it runs\n", "")


def test_it_is_made_once_and_again_when_a_file_has_changed(
    root: Path, unpacked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "dependencies", lambda *_: unpacked)
    archive = from_source(root, tmp_path / "cache")
    first = archive(AMD64)
    assert archive(AMD64) == first
    inode = first.path.stat().st_ino
    (root / "cli" / "main.py").write_text("")
    assert archive(AMD64).version != first.version
    assert first.path.stat().st_ino == inode


def test_a_controller_hands_on_what_it_was_installed_from(tmp_path: Path) -> None:
    (tmp_path / "0123456789abcdef.tar.gz").write_bytes(b"")
    assert as_installed("0123456789abcdef", tmp_path)(AMD64).version == "0123456789abcdef"
    with pytest.raises(StepFailed, match="is not there any more"):
        as_installed("fedcba9876543210", tmp_path)(AMD64)


def test_wheels_for_the_machines_glibc_and_every_older_one() -> None:
    tags = Machine("aarch64", "3.11", "2.36").platforms()
    assert tags[0] == "manylinux_2_36_aarch64"
    assert "manylinux_2_28_aarch64" in tags
    assert "manylinux_2_17_aarch64" in tags
    assert "manylinux2014_aarch64" in tags


def test_why_there_are_no_wheels_is_one_sentence() -> None:
    offline = "WARNING: Retrying\nERROR: Could not find a version that satisfies the requirement acme==5.4.0\n"
    assert why_not(offline, AMD64) == (
        "pip could not get flstr's packages for x86_64 with Python 3.11 (Could not find a version that satisfies the "
        "requirement acme==5.4.0); bootstrapping needs a way to the Internet, or to a mirror of PyPI, from this machine"
    )
    assert "-m ensurepip" in why_not("/usr/bin/python3: No module named pip\n", AMD64)


def pins(lock: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", (REPOSITORY / lock).read_text(), re.MULTILINE))


def test_controllers_get_the_very_packages_that_are_tested() -> None:
    tested, installed = pins("requirements.lock"), pins(LOCK)
    assert "slack-bolt" in installed
    assert "pytest" not in installed
    assert {name: tested.get(name) for name in installed} == installed
