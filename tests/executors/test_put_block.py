"""Lines of flstr's in a file that others write as well, such as /etc/hosts."""

import subprocess
from pathlib import Path

import pytest

from executors.script import wrapped
from executors.templates import render
from gitops.executor import HostFence

BLOCKS = render("put-block.sh.j2")


def start(script: str, folder: Path) -> "subprocess.Popen[str]":
    """The script at work in the folder, where there is a file `hosts`."""
    text = wrapped(f"cd '{folder}'\n{BLOCKS}\n{script}", HostFence(1), str(folder / "state"))
    process = subprocess.Popen(["bash", "-s"], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdin is not None
    process.stdin.write(text)
    process.stdin.close()
    return process


def run(script: str, folder: Path) -> str:
    """What is in the file afterwards."""
    process = start(script, folder)
    assert process.stderr is not None
    assert (process.wait(timeout=60), process.stderr.read()) == (0, "")
    return (folder / "hosts").read_text()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "hosts").write_text("127.0.0.1 localhost\n")
    return tmp_path


def test_a_block_is_written_anew_and_the_rest_stays(folder: Path) -> None:
    run("put_block ./hosts mesh <<<'10.110.0.1 a'", folder)
    text = run("put_block ./hosts mesh <<<'10.110.0.2 b'", folder)
    assert text == "127.0.0.1 localhost\n# flstr mesh: begin\n10.110.0.2 b\n# flstr mesh: end\n"


def test_a_block_is_taken_away(folder: Path) -> None:
    run("put_block ./hosts mesh <<<'10.110.0.1 a'; put_block ./hosts overlay <<<'10.5.1.0 a'", folder)
    assert run("drop_block ./hosts mesh", folder) == (
        "127.0.0.1 localhost\n# flstr overlay: begin\n10.5.1.0 a\n# flstr overlay: end\n"
    )


def test_two_that_write_at_once_lose_nothing_of_each_other(folder: Path) -> None:
    loop = "for n in $(seq 60); do put_block ./hosts {0} <<<\"{0} $n\"; grep -q '^{0} '$n'$' hosts || fail 'lost {0}'; done"
    both = [start(loop.format(name), folder) for name in ("mesh", "overlay")]
    for process in both:
        assert process.stderr is not None
        assert (process.wait(timeout=120), process.stderr.read()) == (0, "")
    lines = (folder / "hosts").read_text().splitlines()
    assert {"mesh 60", "overlay 60"} < set(lines)


def test_what_follows_a_block_whose_end_is_gone_is_kept(folder: Path) -> None:
    (folder / "hosts").write_text("# flstr mesh: begin\n10.110.0.1 a\n192.0.2.1 theirs\n")
    text = run("put_block ./hosts mesh <<<'10.110.0.2 b'", folder)
    assert "192.0.2.1 theirs" in text
    assert text.count("# flstr mesh: begin") == 1
    assert "10.110.0.2 b" in text
