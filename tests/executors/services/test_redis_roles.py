"""What a machine says of its Redis: the lines of INFO in, one line out."""

import subprocess

import pytest

from executors.templates import render
from gitops.service_roles import DOWN, Heard, heard_in

FOLLOWER = (
    "role:slave", "master_host:10.5.1.1", "master_port:6379", "master_link_status:{link}",
    "master_last_io_seconds_ago:{ago}", "slave_repl_offset:70",
)  # fmt: skip


def said(*lines: str) -> Heard:
    """What becomes of what Redis says."""
    info = "".join(f"{line}\\r\\n" for line in ("# Replication", *lines))
    script = f"{render('services/redis/role.sh.j2')}\ntold() {{ printf '{info}'; }}\nexport -f told\nrole_of ./told"
    script = script.replace('timeout 2 "$1"', "told")
    done = subprocess.run(["bash", "-euc", script], capture_output=True, text=True, check=True)
    return heard_in(done.stdout)


def follower(link: str, ago: int) -> Heard:
    return said(*(line.format(link=link, ago=ago) for line in FOLLOWER))


def test_a_leader_says_how_much_was_written() -> None:
    assert said("role:master", "master_repl_offset:70") == Heard("leader", offset=70)


def test_a_follower_that_heard_its_leader_just_now_is_linked() -> None:
    assert follower("up", 1) == Heard("follower", "10.5.1.1:6379", linked=True, offset=70)


@pytest.mark.parametrize(("link", "ago"), [("down", -1), ("up", 4), ("up", 12)])
def test_one_that_has_not_heard_it_for_seconds_is_not_whatever_redis_calls_that(link: str, ago: int) -> None:
    assert follower(link, ago) == Heard("follower", "10.5.1.1:6379", linked=False, offset=70)


def test_silence_is_down() -> None:
    assert said() == DOWN
