"""Tokens grow with each holder and with each etcd; where nobody ever moved, they are etcd's own revisions."""

import subprocess
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executors.look_fence import look_fence
from executors.script import FENCED_STATUS, wrapped
from gitops.executor import HostFence
from gitops.fencing import epoch_from, epoch_of, host_token
from gitops.leadership import Leadership
from gitops.locks import Locks
from gitops.registry import Registry
from gitops.store import Fence, Store
from model import keys
from model.errors import Unreadable

EPOCHS = st.integers(0, 2**22)
REVISIONS = st.integers(1, 2**40 - 1)


@given(EPOCHS, REVISIONS, EPOCHS, REVISIONS)
def test_a_later_epoch_is_greater_whatever_the_revisions(epoch: int, first: int, later: int, second: int) -> None:
    assert (host_token(epoch, first) < host_token(later, second)) == ((epoch, first) < (later, second))
    assert epoch_of(host_token(epoch, first)) == epoch


def test_without_an_epoch_machines_are_told_the_revision() -> None:
    assert epoch_from(None) == 0
    assert host_token(0, 4711) == 4711
    assert epoch_from("12") == 12
    assert epoch_from("twelve") is None


def test_an_epoch_that_is_no_number_is_refused(store: Store) -> None:
    store.put(keys.EPOCH, "soon")
    with pytest.raises(Unreadable, match=r"flstr/epoch holds 'soon', which is no number"):
        store.epoch()


def test_whoever_leads_tells_machines_the_epoch_and_etcd_the_revision(store: Store) -> None:
    store.put(keys.EPOCH, "3")
    leadership = Leadership(store, "controller001", on_lost=lambda: None)
    fence = leadership.acquire(threading.Event())
    assert fence is not None
    mine = store.fenced(fence)
    mine.put("a", "1")
    [lock] = Locks(mine, leadership.lease).take(["machines"], "operation")
    mine.fenced(lock).put("a", "2")
    assert fence.token == store.create_revision(keys.LEADER)
    assert look_fence(Registry(mine)) == HostFence(host_token(3, fence.token))
    assert (fence.told, lock.told) == (host_token(3, fence.token), host_token(3, lock.token))
    leadership.stop()


def test_a_machine_obeys_the_later_epoch_and_no_other_any_more(tmp_path: Path) -> None:
    first, later = Fence("leader", 2**39, 1), Fence("leader", 7, 2)
    assert _told(tmp_path, 2**39).returncode == 0
    assert _told(tmp_path, first.told).stdout == "done\n"
    assert _told(tmp_path, later.told).stdout == "done\n"
    refused = _told(tmp_path, first.told)
    assert refused.returncode == FENCED_STATUS
    assert f"leader has token {later.told}, not {first.told}" in refused.stderr
    assert _told(tmp_path, host_token(2**22, 2**40 - 1)).stdout == "done\n"


def _told(state: Path, token: int) -> "subprocess.CompletedProcess[str]":
    script = wrapped("echo done", HostFence(token, (("machines", token),)), str(state))
    return subprocess.run(["bash"], input=script, capture_output=True, text=True, check=False)
