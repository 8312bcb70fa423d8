"""Machines rented, against the lab's cloud; what runs on them is canned here."""

from collections.abc import Callable

import pytest
from ruamel.yaml import YAML

from executors import provision
from executors.cloud import CloudSettings
from executors.host_key import host_key_label, new_host_key
from executors.provision import Provision
from executors.remote import Unreachable
from gitops.executor import StepContext
from gitops.registry import Registry
from gitops.store import Store
from model.errors import StepFailed
from model.registered import HostRecord
from model.steps import DestroyNode
from tests.executors.clusters import public_key
from tests.executors.provision.asking import NODE, create, posts
from tests.executors.scripted import ScriptedRemote
from tests.lab.cloud.running_cloud import RunningCloud


def test_a_machine_is_rented_with_its_labels_and_registered(
    provision_: Provision, context: StepContext, registry: Registry, cloud: RunningCloud
) -> None:
    provision_.create_node(create(), context)
    host = registry.host(NODE)
    server = cloud.client.servers.get_by_name(NODE)
    assert host is not None
    assert server is not None
    assert server.labels == {
        "cluster": "small",
        "pool": "worker",
        "node": NODE,
        "host-key": host_key_label(host.host_key),
    }
    assert server.public_net.ipv4 is not None
    assert (host.ip, host.server_id) == (server.public_net.ipv4.ip, server.id)


def test_the_machine_starts_with_the_host_key_that_is_registered_and_lets_flstr_in(
    provision_: Provision, context: StepContext, registry: Registry, cloud: RunningCloud, settings: CloudSettings
) -> None:
    provision_.create_node(create(), context)
    host = registry.host(NODE)
    machine = next(iter(cloud.backend.machines.values()))
    assert host is not None
    assert YAML(typ="safe").load(machine.user_data)["ssh_keys"]["ed25519_public"] == host.host_key
    assert [key.split()[:2] for key in machine.ssh_keys] == [settings.ssh_public_key.split()]


def test_its_keys_and_addresses_are_registered_in_each_mesh_of_its_role(
    provision_: Provision, context: StepContext, registry: Registry
) -> None:
    provision_.create_node(create(), context)
    host = registry.host(NODE)
    assert host is not None
    for mesh, key, address in (("vpn_ctrl", "AAAA", "10.110.0.1"), ("vpn_ingr", "BBBB", "10.111.0.1")):
        member = registry.members(mesh)[NODE]
        assert (member.public_key, member.address, member.endpoint) == (public_key(key), address, host.ip)


def test_the_account_gets_one_ssh_key_however_many_machines_there_are(
    provision_: Provision, context: StepContext, cloud: RunningCloud
) -> None:
    provision_.create_node(create("worker101"), context)
    provision_.create_node(create("worker102"), context)
    assert [key.name for key in cloud.client.ssh_keys.get_all()] == ["flstr-small"]
    assert posts(cloud, "/ssh_keys") == 1


def test_an_ssh_key_that_is_there_under_another_name_is_adopted(
    provision_: Provision, context: StepContext, cloud: RunningCloud, settings: CloudSettings
) -> None:
    cloud.client.ssh_keys.create(name="by-hand", public_key=settings.ssh_public_key)
    provision_.create_node(create(), context)
    assert [key.name for key in cloud.client.ssh_keys.get_all()] == ["by-hand"]


def test_a_second_run_adopts_and_writes_nothing(
    provision_: Provision, context: StepContext, cloud: RunningCloud, store: Store
) -> None:
    provision_.create_node(create(), context)
    before = store.prefix("")
    provision_.create_node(create(), context)
    assert store.prefix("") == before
    assert posts(cloud) == 1


def test_a_lost_answer_leads_to_one_server(
    provision_: Provision, context: StepContext, cloud: RunningCloud, registry: Registry
) -> None:
    cloud.control("POST", "/faults", {"kind": "lost_answer", "method": "POST", "path": "/servers"})
    provision_.create_node(create(), context)
    server = cloud.client.servers.get_by_name(NODE)
    host = registry.host(NODE)
    assert server is not None
    assert host is not None
    assert host.server_id == server.id
    assert len(cloud.client.servers.get_all()) == 1


class Killed(BaseException):
    """Stands for SIGKILL: nothing catches it."""


def kill_at(registry: Registry, monkeypatch: pytest.MonkeyPatch, when: Callable[[HostRecord, bool], bool]) -> None:
    """Have the controller die at a `put_host`, before or after it was written."""
    real = registry.put_host

    def put_host(record: HostRecord) -> None:
        if when(record, False):
            raise Killed
        real(record)
        if when(record, True):
            raise Killed

    monkeypatch.setattr(registry, "put_host", put_host)


@pytest.mark.parametrize(
    "when",
    [
        pytest.param(lambda host, written: host.server_id is None and not written, id="before anything"),
        pytest.param(lambda host, written: host.server_id is None and written, id="before the request"),
        pytest.param(lambda host, written: host.server_id is not None and not written, id="before the answer is kept"),
        pytest.param(lambda host, written: host.server_id is not None and written, id="before the first contact"),
    ],
)
def test_a_controller_killed_anywhere_leads_to_one_server_with_the_registered_key(
    when: Callable[[HostRecord, bool], bool],
    provision_: Provision,
    context: StepContext,
    cloud: RunningCloud,
    registry: Registry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:
        kill_at(registry, patch, when)
        with pytest.raises(Killed):
            provision_.create_node(create(), context)
    provision_.create_node(create(), context)
    host = registry.host(NODE)
    (server,) = cloud.client.servers.get_all()
    assert host is not None
    assert host.server_id == server.id
    assert (server.labels or {})["host-key"] == host_key_label(host.host_key)
    assert posts(cloud) == 1


def test_the_host_key_is_registered_before_the_request(
    provision_: Provision, context: StepContext, cloud: RunningCloud, registry: Registry
) -> None:
    cloud.control("POST", "/faults", {"kind": "error", "method": "POST", "path": "/servers", "code": "service_error"})
    with pytest.raises(StepFailed, match=r"worker101: renting a cx22 in fsn1 failed: the cloud answered"):
        provision_.create_node(create(), context)
    host = registry.host(NODE)
    assert host is not None
    assert host.server_id is None


def test_a_server_with_another_host_key_is_neither_used_nor_deleted(
    provision_: Provision, context: StepContext, cloud: RunningCloud, registry: Registry, hosts: ScriptedRemote
) -> None:
    provision_.create_node(create(), context)
    hosts.ran.clear()
    registry.put_host(HostRecord(node=NODE, host_key=new_host_key().public))
    with pytest.raises(StepFailed, match="was not started with the SSH host key that is registered; delete it"):
        provision_.create_node(create(), context)
    assert hosts.ran == []
    assert len(cloud.client.servers.get_all()) == 1


def test_a_server_of_somebody_else_is_neither_used_nor_deleted(
    provision_: Provision, context: StepContext, cloud: RunningCloud
) -> None:
    cloud.server(NODE, labels={"cluster": "another"})
    refusal = "a server of that name exists that is not cluster small's"
    with pytest.raises(StepFailed, match=refusal):
        provision_.create_node(create(), context)
    with pytest.raises(StepFailed, match=refusal):
        provision_.destroy_node(DestroyNode(node=NODE), context)
    assert len(cloud.client.servers.get_all()) == 1


def test_a_sold_out_type_says_what_to_do(provision_: Provision, context: StepContext, cloud: RunningCloud) -> None:
    cloud.control("POST", "/sold_out", {"server_type": "cx22", "location": "fsn1"})
    with pytest.raises(StepFailed) as failed:
        provision_.create_node(create(), context)
    assert failed.value.sentence == (
        "worker101: renting a cx22 in fsn1 failed: none is left there at the moment; try again later, or give the "
        "pool another server_type or location in cluster.yaml"
    )


def test_a_start_that_fails_in_the_cloud_is_one_sentence(
    provision_: Provision, context: StepContext, cloud: RunningCloud
) -> None:
    cloud.control("POST", "/action_faults", {"command": "create_server", "message": "no disk"})
    with pytest.raises(StepFailed, match=r"worker101: starting its server failed: the cloud said .*no disk"):
        provision_.create_node(create(), context)


def test_a_wrong_token_is_one_sentence(
    hosts: ScriptedRemote, context: StepContext, cloud: RunningCloud, settings: CloudSettings
) -> None:
    wrong = CloudSettings("wrong", settings.ssh_public_key, cloud.url)
    with pytest.raises(
        StepFailed, match="worker101: looking for its server failed: the Hetzner API token is not valid"
    ):
        Provision(hosts, wrong).create_node(create(), context)
    assert "wrong" not in repr(wrong)


def test_a_machine_that_is_not_up_yet_is_asked_again(
    provision_: Provision, context: StepContext, hosts: ScriptedRemote, failures: list[StepFailed]
) -> None:
    failures.extend([Unreachable("worker101: no SSH connection")] * 3)
    provision_.create_node(create(), context)
    assert len(hosts.ran) == 4


def test_a_machine_that_never_comes_up_is_given_up(
    provision_: Provision, context: StepContext, failures: list[StepFailed], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provision, "BOOT_SECONDS", 0.0)
    failures.extend([Unreachable("worker101: no SSH connection to 10.77.0.10 port 22 (no answer)")] * 3)
    with pytest.raises(StepFailed, match=r"no SSH connection to .* after 0 s; look at its console"):
        provision_.create_node(create(), context)


def test_a_first_script_that_fails_is_not_repeated(
    provision_: Provision, context: StepContext, hosts: ScriptedRemote, failures: list[StepFailed]
) -> None:
    failures.extend([StepFailed("worker101: the disk is full")])
    with pytest.raises(StepFailed, match="the disk is full"):
        provision_.create_node(create(), context)
    assert len(hosts.ran) == 1
