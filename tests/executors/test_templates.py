"""Quoting and file writing, tried with a real bash."""

import shutil
import subprocess
from pathlib import Path

import jinja2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from executors import templates
from executors.script import wrapped
from executors.templates import quote, render, write_file
from gitops.executor import HostFence

ANYTHING = st.text(st.characters(exclude_characters="\0", codec="utf-8"))
LINES = st.lists(
    st.one_of(ANYTHING, st.sampled_from(["END_OF_FILE", "END_OF_FILE_", "EOF", "$(id)", "`id`", "\\", "'"]))
)
BASH = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def bash(script: str) -> bytes:
    """Standard output of a script, as a machine would run it."""
    return subprocess.run(["bash", "-s"], input=script.encode(), check=True, capture_output=True).stdout


@BASH
@given(ANYTHING)
def test_a_quoted_value_is_one_word_whatever_it_holds(value: str) -> None:
    assert bash(f"printf '%s|' before {quote(value)} after") == f"before|{value}|after|".encode()


@BASH
@given(LINES)
def test_a_written_file_holds_exactly_its_content(tmp_path: Path, lines: list[str]) -> None:
    content = "".join(f"{line}\n" for line in lines)
    path = tmp_path / "folder" / "a file"
    bash(wrapped(write_file(str(path), content, "640"), HostFence(1), str(tmp_path / "state")))
    assert path.read_bytes() == content.encode()
    assert path.stat().st_mode & 0o777 == 0o640
    shutil.rmtree(tmp_path / "folder")


@pytest.mark.parametrize("size", [8191, 8192, 8193, 100_000])
def test_a_large_file_is_written_whole(tmp_path: Path, size: int) -> None:
    content = f"{'é' * (size // 2)}x\n\n"
    script = wrapped(f"concerning x\n{write_file(str(tmp_path / 'large'), content)}", HostFence(1), str(tmp_path / "s"))
    bash(script)
    assert (tmp_path / "large").read_text() == content
    before = (tmp_path / "large").stat().st_ino
    bash(script)
    assert (tmp_path / "large").stat().st_ino == before


def test_a_file_that_a_power_cut_left_with_nulls_is_written_anew(tmp_path: Path) -> None:
    path = tmp_path / "conf"
    for left in (b"one\n\0\0", bytes(4)):
        path.write_bytes(left)
        path.chmod(0o644)
        bash(wrapped(write_file(str(path), "one\n"), HostFence(1), str(tmp_path / "state")))
        assert path.read_bytes() == b"one\n"


def test_only_a_change_counts_as_a_change(tmp_path: Path) -> None:
    path = tmp_path / "conf"

    def write(content: str, mode: str = "644") -> bytes:
        body = f"concerning daemon\n{write_file(str(path), content, mode)}\nif changed; then echo reload; settled; fi"
        return bash(wrapped(body, HostFence(1), str(tmp_path / "state")))

    assert write("one\n") == b"reload\n"
    first = path.stat()
    assert write("one\n") == b""
    assert path.stat().st_ino == first.st_ino
    assert path.stat().st_mtime_ns == first.st_mtime_ns
    assert write("two\n") == b"reload\n"
    assert write("two\n", "600") == b"reload\n"
    assert [entry.name for entry in tmp_path.iterdir() if entry.name != "state"] == ["conf"]


def test_a_script_killed_between_change_and_reload_is_made_up_for(tmp_path: Path) -> None:
    write = f"concerning daemon\n{write_file(str(tmp_path / 'conf'), 'one' + chr(10))}\n"
    state = str(tmp_path / "state")
    bash(wrapped(write + "exit 0", HostFence(1), state))
    again = write + "if changed; then echo reload; settled; fi"
    assert bash(wrapped(again, HostFence(1), state)) == b"reload\n"
    assert bash(wrapped(again, HostFence(1), state)) == b""


def test_a_dropped_file_counts_as_a_change_once(tmp_path: Path) -> None:
    (tmp_path / "conf").write_text("x")
    drop = f"concerning daemon\ndrop_file {quote(tmp_path / 'conf')}\nif changed; then echo reload; settled; fi"
    assert bash(wrapped(drop, HostFence(1), str(tmp_path / "state"))) == b"reload\n"
    assert bash(wrapped(drop, HostFence(1), str(tmp_path / "state"))) == b""
    assert not (tmp_path / "conf").exists()


def test_two_scripts_on_one_thing_run_one_after_the_other(tmp_path: Path) -> None:
    body = f"alone mesh\necho begun >>{quote(tmp_path / 'log')}\nsleep 0.2\necho ended >>{quote(tmp_path / 'log')}"
    script = wrapped(body, HostFence(1), str(tmp_path / "state")).encode()
    running = [subprocess.Popen(["bash", "-s"], stdin=subprocess.PIPE) for _ in range(3)]
    for process in running:
        assert process.stdin is not None
        process.stdin.write(script)
        process.stdin.close()
    assert [process.wait() for process in running] == [0, 0, 0]
    assert (tmp_path / "log").read_text().split() == ["begun", "ended"] * 3


def test_a_script_cut_short_on_its_way_does_nothing(tmp_path: Path) -> None:
    whole = wrapped(
        f"touch {quote(tmp_path / 'done')}\ntouch {quote(tmp_path / 'done2')}", HostFence(1), str(tmp_path / "state")
    )
    cut = whole[: whole.index("done2")]
    assert subprocess.run(["bash", "-s"], input=cut.encode(), check=False, capture_output=True).returncode != 0
    assert not (tmp_path / "done").exists()


@pytest.mark.parametrize(
    ("content", "mode"), [("no newline at the end", "644"), ("a\0b\n", "644"), ("fine\n", "0644"), ("fine\n", "u+x")]
)
def test_what_cannot_be_a_file_is_refused(content: str, mode: str) -> None:
    with pytest.raises(ValueError, match=r"^/etc/x: "):
        write_file("/etc/x", content, mode)


def test_a_name_that_a_template_does_not_get_is_an_error() -> None:
    with pytest.raises(jinja2.UndefinedError):
        render("prelude.sh.j2")


def test_every_template_parses() -> None:
    environment = templates._environment()
    for name in environment.list_templates(extensions=["j2"]):
        environment.get_template(name)
