"""The script of the floating IPs that a machine answers at."""

from ipaddress import IPv4Address

import pytest

from executors.floating_files import floating_script, taken
from executors.script import wrapped
from gitops.executor import HostFence
from tests.executors.expected import FIXTURES, check, shellcheck

ADDRESSES = (IPv4Address("198.51.100.10"), IPv4Address("198.51.100.9"))


@pytest.mark.parametrize(("name", "count"), [("none", 0), ("one", 1), ("two", 2)])
def test_the_script(name: str, count: int) -> None:
    script = floating_script(ADDRESSES[:count])
    check(FIXTURES / "floating" / f"{name}.sh", script)
    shellcheck(wrapped(script, HostFence(1)))


def test_the_order_and_how_often_an_address_is_named_do_not_matter() -> None:
    assert floating_script(ADDRESSES) == floating_script((*reversed(ADDRESSES), *ADDRESSES))


def test_what_was_taken_is_read_from_what_was_printed() -> None:
    assert taken("let go of 198.51.100.1\ntook 198.51.100.9\ntook 198.51.100.10\n") == set(ADDRESSES)
    assert taken("") == frozenset()
