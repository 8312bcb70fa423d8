"""The host of a cluster repo is known on the controllers by the keys by which the laptop knows it."""

import subprocess
from pathlib import Path

import pytest

from cli.git_host import host_of, known_hosts

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA0ts7Wl2GZxy5M8yLnY3rGf0cXc0JvP0f1oJm3WlN5t"


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("git@git.example.com:cluster.git", "git.example.com"),
        ("ssh://git@git.example.com/cluster.git", "git.example.com"),
        ("ssh://git@git.example.com:2222/cluster.git", "[git.example.com]:2222"),
        ("https://git.example.com/cluster.git", ""),
        ("file:///srv/cluster.git", ""),
    ],
)
def test_what_is_reached_by_ssh_has_a_host(url: str, host: str) -> None:
    assert host_of(url) == host


@pytest.mark.parametrize("hashed", [False, True])
def test_the_lines_about_it_are_taken_and_no_others(tmp_path: Path, hashed: bool) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(f"git.example.com {KEY}\nother.example.com {KEY}\n")
    if hashed:
        subprocess.run(["ssh-keygen", "-q", "-H", "-f", str(file)], check=True, capture_output=True)
    found = known_hosts("git@git.example.com:cluster.git", (tmp_path / "none", file))
    assert found == f"{file.read_text().splitlines()[0]}\n"
    assert known_hosts("git@unknown.example.com:cluster.git", (file,)) == ""
