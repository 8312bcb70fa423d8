"""Finding the machine's control group hierarchies."""

from pathlib import Path

import pytest

from lab.cgroup import hierarchies

UNIFIED = "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid,nodev,noexec,relatime 0 0\n"
HYBRID = """\
/dev/vda / ext4 rw,relatime 0 0
cgroup /sys/fs/cgroup/cpu cgroup rw,relatime,cpu 0 0
cgroup /sys/fs/cgroup/systemd cgroup rw,relatime,name=systemd 0 0
cgroup2 /sys/fs/cgroup/unified cgroup2 rw,relatime 0 0
"""
LEGACY = "cgroup /sys/fs/cgroup/cpu cgroup rw,relatime,cpu 0 0\n"


@pytest.mark.parametrize(
    ("mounts", "unified", "legacy"),
    [
        (UNIFIED, Path("/sys/fs/cgroup"), []),
        (HYBRID, Path("/sys/fs/cgroup/unified"), [Path("/sys/fs/cgroup/systemd")]),
        (LEGACY, None, []),
        ("", None, []),
    ],
)
def test_hierarchies_are_found_in_the_mounts(mounts: str, unified: Path | None, legacy: list[Path]) -> None:
    assert hierarchies(mounts) == (unified, legacy)
