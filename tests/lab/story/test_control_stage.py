"""The controllers of a cluster that carries itself, seen from outside: one host with an etcd stands for them."""

import os
import time
from collections.abc import Iterator

import pytest
from hcloud import Client
from hcloud.images import Image
from hcloud.server_types import ServerType

from lab.errors import LabError
from lab.story.control_stage import ETCD_UNIT, THREE_CONTROLLERS, ControlStage
from lab.surroundings import CLOUD_TOKEN, Wishes
from model import keys
from model.registered import ControllerRecord
from tests.lab.cloud.running_cloud import AnyClient
from tests.lab.ssh import KeyPair, connect, user_data

pytestmark = pytest.mark.hosts

NODE = "controller001"
HOST_KEY, CLIENT_KEY = KeyPair.new(), KeyPair.new()

# An authority, etcd's certificate and a client's, and etcd that wants to see one.
CONTROLLER = """set -e
mkdir -p /etc/flstr && cd /etc/flstr
new="openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1"
$new -subj /CN=authority -keyout ca-key.pem -out ca.pem
for name in member client; do
    $new -subj /CN=$name -addext subjectAltName=IP:127.0.0.1 -CA ca.pem -CAkey ca-key.pem -keyout $name-key.pem -out $name.pem
done
chown etcd member-key.pem
cat >/etc/systemd/system/flstr-etcd.service <<'end'
[Service]
Type=notify
User=etcd
ExecStart=/usr/bin/etcd --name controller001 --data-dir /var/lib/etcd/flstr --client-cert-auth \\
    --trusted-ca-file /etc/flstr/ca.pem --cert-file /etc/flstr/member.pem --key-file /etc/flstr/member-key.pem \\
    --listen-client-urls https://127.0.0.1:2379 --advertise-client-urls https://127.0.0.1:2379
end
systemctl start flstr-etcd"""

PUT = "etcdctl --cacert=/etc/flstr/ca.pem --cert=/etc/flstr/client.pem --key=/etc/flstr/client-key.pem put"
DELETE = PUT.removesuffix("put") + "--endpoints=https://127.0.0.1:2379 del"


@pytest.fixture(scope="module")
def stage() -> Iterator[ControlStage]:
    with ControlStage(f"control-{os.getpid()}", Wishes(edits=THREE_CONTROLLERS)) as stage:
        yield stage


@pytest.fixture(scope="module")
def controller(stage: ControlStage) -> str:
    """A controller whose etcd serves."""
    client: AnyClient = Client(
        CLOUD_TOKEN, api_endpoint=stage.around.cloud_url, poll_interval=0.1, poll_max_retries=1200
    )
    kind, image = ServerType(name="cx22"), Image(name="debian-12")
    created = client.servers.create(NODE, kind, image, user_data=user_data(HOST_KEY, CLIENT_KEY))
    created.action.wait_until_finished()
    connect(created.server.public_net.ipv4.ip, HOST_KEY, CLIENT_KEY).close()
    stage.inside(NODE, CONTROLLER)
    return NODE


def put(stage: ControlStage, key: str, value: str) -> None:
    stage.inside(NODE, f"{PUT} --endpoints=https://127.0.0.1:2379 '{key}' '{value}'")


def test_the_controllers_are_those_that_are_rented(stage: ControlStage, controller: str) -> None:
    assert stage.controllers() == [controller]


def test_what_etcd_has_under_a_prefix_is_read(stage: ControlStage, controller: str) -> None:
    put(stage, "some/b", "2")
    put(stage, "some/a", 'what\'s "this"?'.replace("'", ""))
    put(stage, "other", "3")
    assert stage.etcd("some/") == {"some/a": 'whats "this"?', "some/b": "2"}
    assert stage.etcd("nothing/") == {}


def test_every_value_that_a_key_had_is_read(stage: ControlStage, controller: str) -> None:
    put(stage, "changing", "before")
    since = stage.etcd_revision() + 1
    for value in ("waiting", "running", "done"):
        put(stage, "changing", value)
    assert stage.etcd_history("changing", since) == ["waiting", "running", "done"]
    assert stage.etcd_history("changing", since + 3) == []
    stage.inside(NODE, f"{DELETE} changing")
    assert stage.etcd_changes("changing", since + 2) == ["done", ""]


def test_who_leads_is_seen(stage: ControlStage, controller: str) -> None:
    assert stage.leader() == ""
    put(stage, keys.LEADER, f"{NODE}:4711")
    assert (stage.leader(), stage.etcd_leader()) == (NODE, NODE)


def test_the_controllers_are_back_once_each_says_so(stage: ControlStage, controller: str) -> None:
    put(stage, keys.LEADER, f"{NODE}:4711")
    assert not stage.are_back()
    put(stage, keys.controller(NODE), ControllerRecord(node=NODE, version="", since=1.0).to_json())
    await_back(stage)
    stage.faults.stop(NODE, ETCD_UNIT)
    assert not stage.are_back()
    stage.faults.resume(NODE, ETCD_UNIT)
    await_back(stage)


def await_back(stage: ControlStage) -> None:
    """An etcd that was stopped, or is on a busy machine, may not answer the first question in time."""
    until = time.monotonic() + 60
    while not stage.are_back():
        assert time.monotonic() < until
        time.sleep(0.1)


def test_a_units_state_and_what_it_logged_are_seen_while_it_is_cut_off(stage: ControlStage, controller: str) -> None:
    stage.faults.cut_off(NODE, outside=True)
    assert stage.unit_state(NODE, ETCD_UNIT) == "active"
    assert any("serving" in line for line in stage.journal(NODE, ETCD_UNIT))
    assert stage.unit_state(NODE) == "inactive"
    assert stage.journal(NODE) == []
    stage.faults.heal(NODE)


def test_a_bootstrap_that_ends_badly_is_told_with_its_last_words(stage: ControlStage) -> None:
    with pytest.raises(LabError, match="flstr bootstrap ended with status"):
        stage.bootstrap(HCLOUD_ENDPOINT="http://127.0.0.1:1/v1", FLSTR_STATE="/dev/null/nowhere")
