"""The kernel's limits are raised for many hosts, and never lowered."""

from pathlib import Path

import pytest

from lab.kernel_limits import raise_limits


@pytest.mark.parametrize(("before", "after"), [("128", "8192"), ("100000", "100000")])
def test_only_what_is_too_low_is_raised(tmp_path: Path, before: str, after: str) -> None:
    limit = tmp_path / "fs/inotify/max_user_instances"
    limit.parent.mkdir(parents=True)
    limit.write_text(f"{before}\n")
    raise_limits(tmp_path)
    assert limit.read_text().strip() == after
