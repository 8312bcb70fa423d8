"""A real sshd is looked at: nothing is said to it before its host key is the one of its server's label."""

import subprocess
from pathlib import Path

import pytest

from executors.adopting.facts import look_script, parse
from executors.adopting.look import look_at, right_host_key
from executors.adopting.survey import Inventory, Server
from executors.host_key import host_key_label
from executors.remote import Unreachable
from executors.routing_files import HAPROXY_CONFIG, routing_files
from executors.script import STATE_FOLDER
from executors.services.kept import KeptService
from tests.executors.expected import shellcheck
from tests.executors.sshd import LoopbackSshd, make_key
from tests.gitops.service_scene import ONE, TWO, Fleet, cache_yaml, wants


def server(label: str, ip: str = "127.0.0.1") -> Server:
    return Server("worker101", 7, ip, "worker", label)


def test_the_script_is_sound() -> None:
    shellcheck(look_script())


def test_on_a_machine_that_is_nothing_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "script").write_text(look_script())
    done = subprocess.run(["bash", str(tmp_path / "script")], capture_output=True, text=True, check=True)
    said = parse(done.stdout)
    assert said.unclear == ()
    assert said.instances == ()
    assert not said.etcd_answers


def test_a_machine_says_whom_it_sends_to_which_service_and_what_it_keeps_of_its_own(tmp_path: Path) -> None:
    fleet, manifests = Fleet(), wants(cache_yaml((ONE, TWO)))
    fleet.follow(manifests)
    (tmp_path / "haproxy.cfg").write_text(routing_files(fleet.tree(manifests), "worker101").haproxy)
    kept = KeptService(record=fleet.record(), secrets={"password": "sealed"})
    (tmp_path / "services").mkdir()
    (tmp_path / "services/cache.json").write_text(kept.to_json())
    script = look_script().replace(HAPROXY_CONFIG, str(tmp_path / "haproxy.cfg")).replace(STATE_FOLDER, str(tmp_path))
    done = subprocess.run(["bash"], input=script, capture_output=True, text=True, check=True)
    said = parse(done.stdout)
    # Redis: whoever leads.
    assert (said.services, said.serving) == (("cache",), {"cache": (ONE,)})
    assert KeptService.model_validate_json(said.kept_services["cache"]) == kept
    assert said.unclear == ()


@pytest.mark.parametrize("status", [0, 1])
def test_a_controller_says_whether_the_etcd_that_it_carries_answers(tmp_path: Path, status: int) -> None:
    (tmp_path / "flstr.pem").write_text("a certificate")
    asked = tmp_path / "etcdctl"
    asked.write_text(f"#!/bin/sh\necho is healthy\nexit {status}\n")
    asked.chmod(0o755)
    script = look_script().replace("/etc/etcd/flstr", str(tmp_path)).replace("10 etcdctl", f"10 {asked}")
    done = subprocess.run(["bash"], input=script, capture_output=True, text=True, check=True)
    assert parse(done.stdout).etcd_answers == (status == 0)


def test_a_machine_with_the_host_key_of_its_label_says_what_it_is(sshd: LoopbackSshd) -> None:
    known = server(host_key_label(sshd.host_key))
    survey = look_at(Inventory((known,)), sshd.client_key, sshd.port)
    assert survey.host_keys == {"worker101": sshd.host_key}
    assert survey.facts.keys() == {"worker101"}
    assert survey.silent == {}


@pytest.mark.parametrize("label", ["", "f" * 40])
def test_one_with_another_host_key_is_not_told_who_asks(sshd: LoopbackSshd, tmp_path: Path, label: str) -> None:
    survey = look_at(Inventory((server(label),)), sshd.client_key, sshd.port)
    assert survey.facts == {}
    assert survey.host_keys == {}
    assert "is not the one of the server's label host-key" in survey.silent["worker101"]
    assert sshd.connections() == 0
    assert "Failed publickey" not in (tmp_path / "sshd/log").read_text()


def test_one_that_takes_another_key_is_silent_though_its_own_is_right(sshd: LoopbackSshd, tmp_path: Path) -> None:
    make_key(tmp_path / "other")
    survey = look_at(Inventory((server(host_key_label(sshd.host_key)),)), tmp_path / "other", sshd.port)
    assert survey.host_keys == {"worker101": sshd.host_key}
    assert "does not accept flstr's SSH key" in survey.silent["worker101"]


def test_nobody_there_is_a_sentence() -> None:
    with pytest.raises(Unreachable, match="no SSH connection to"):
        right_host_key(server("f" * 40, "127.0.0.9"), 1)
