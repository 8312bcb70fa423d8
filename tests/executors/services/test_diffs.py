"""The lines that went and came."""

import pytest

from executors.services.diffs import diff_lines


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        ("-- a remark\n", "", ["--- a remark"]),
        ("", "++ a list\n", ["+++ a list"]),
        ("@@ a\n", "@@ b\n", ["-@@ a", "+@@ b"]),
        ("a\nb\nc\n", "A\nb\nC\n", ["-a", "+A", "-c", "+C"]),
        ("same\n", "same\n", []),
        ({"mode": "0644"}, {"mode": "0600"}, ["-mode: 0644", "+mode: 0600"]),
    ],
)
def test_no_line_that_changed_is_taken_for_the_head_of_a_diff(before: object, after: object, lines: list[str]) -> None:
    assert diff_lines({"diff": {"before": before, "after": after}}) == lines


@pytest.mark.parametrize(
    ("before", "after", "named"),
    [
        ("/etc/redis.conf", "/home/tmp/ansible-local-1a/tmp2/redis.conf.j2", ["/etc/redis.conf"]),
        (None, "/home/tmp/ansible-local-1a/tmp2/redis.conf.j2", []),
        (None, "/etc/redis.conf", ["/etc/redis.conf"]),
        ("/dev/null", "/etc/known_hosts", ["/etc/known_hosts"]),
    ],
)
def test_a_file_is_called_as_on_the_machine_so_that_the_same_change_is_the_same_on_all(
    before: str | None, after: str, named: list[str]
) -> None:
    diff = {"before": "", "after": "port 2\n", "before_header": before, "after_header": after}
    assert diff_lines({"diff": [diff]}) == [*named, "+port 2"]


def test_of_a_loop_the_turns_that_changed_something_are_told() -> None:
    turns = [{"changed": changed, "diff": {"after": f"{changed}\n"}} for changed in (True, False)]
    assert diff_lines({"results": turns, "diff": {"after": "all\n"}}) == ["+True"]
    assert diff_lines({"diff": {"prepared": "one\ntwo\n"}}) == ["one", "two"]
