"""What is rented where the cloud has none left, or no leave, or says it too late."""

import pytest

from executors.provision import Provision
from gitops.executor import HostFence, StepContext
from gitops.registry import Registry
from model.errors import StepFailed
from model.pools import Elsewhere
from model.steps import CreateNode
from tests.executors.provision.asking import NODE, create, posts
from tests.lab.cloud.running_cloud import RunningCloud

BIGGER = Elsewhere(server_type="cx32")
NUREMBERG = Elsewhere(location="nbg1")


def wanting(*otherwise: Elsewhere, node: str = NODE, spread: bool = False) -> CreateNode:
    return create(node).model_copy(update={"otherwise": otherwise, "spread": spread})


def sell_out(cloud: RunningCloud, *places: tuple[str, str]) -> None:
    for server_type, location in places:
        cloud.control("POST", "/sold_out", {"server_type": server_type, "location": location})


def rented(cloud: RunningCloud, node: str = NODE) -> tuple[str, str]:
    server = cloud.client.servers.get_by_name(node)
    return server.server_type.name, server.location.name


def refuse(cloud: RunningCloud, code: str, message: str, times: int = 1) -> None:
    fault = {"kind": "error", "method": "POST", "path": "/servers", "code": code, "message": message, "times": times}
    cloud.control("POST", "/faults", fault)


def as_before(cloud: RunningCloud, registry: Registry) -> bool:
    """Whether nothing is there of a machine that could not be rented."""
    left = [*cloud.client.servers.get_all(), *cloud.client.placement_groups.get_all()]
    return not left and registry.host(NODE) is None


def test_where_none_is_left_the_next_place_is_asked_and_the_report_says_so(
    provision_: Provision, registry: Registry, cloud: RunningCloud
) -> None:
    sell_out(cloud, ("cx22", "fsn1"), ("cx32", "fsn1"))
    said: list[str] = []
    context = StepContext("op", registry, HostFence(1), said.append)
    provision_.create_node(wanting(BIGGER, NUREMBERG), context)
    assert rented(cloud) == ("cx22", "nbg1")
    assert "rented a cx22 in nbg1, as there was no cx22 in fsn1" in said


def test_a_placement_error_is_answered_by_the_next_place(
    provision_: Provision, context: StepContext, cloud: RunningCloud
) -> None:
    refuse(cloud, "placement_error", "error during placement")
    provision_.create_node(wanting(NUREMBERG), context)
    assert rented(cloud) == ("cx22", "nbg1")


@pytest.mark.parametrize("code", ["placement_error", "resource_unavailable"])
def test_a_server_that_finds_no_place_after_it_was_accepted_is_given_back_before_the_next_is_asked_for(
    code: str, provision_: Provision, context: StepContext, cloud: RunningCloud, registry: Registry
) -> None:
    cloud.control("POST", "/action_faults", {"command": "create_server", "code": code, "message": "no host"})
    provision_.create_node(wanting(NUREMBERG), context)
    (server,) = cloud.client.servers.get_all()
    host = registry.host(NODE)
    assert rented(cloud) == ("cx22", "nbg1")
    assert host is not None
    assert host.server_id == server.id


def test_sold_out_everywhere_is_one_sentence_and_everything_is_as_before(
    provision_: Provision, context: StepContext, cloud: RunningCloud, registry: Registry
) -> None:
    sell_out(cloud, ("cx22", "fsn1"), ("cx32", "fsn1"), ("cx22", "nbg1"))
    with pytest.raises(StepFailed) as failed:
        provision_.create_node(wanting(BIGGER, NUREMBERG, spread=True), context)
    assert failed.value.sentence == (
        "worker101: nothing could be rented, for the cloud has none left of cx22 in fsn1, cx32 in fsn1, cx22 in nbg1; "
        "try again later, or give the pool more to rent under 'otherwise' in cluster.yaml"
    )
    assert as_before(cloud, registry)


def test_a_half_made_server_is_gone_as_well_where_no_place_is_left(
    provision_: Provision, context: StepContext, cloud: RunningCloud, registry: Registry
) -> None:
    for _ in range(2):
        fault = {"command": "create_server", "code": "placement_error", "message": "no host"}
        cloud.control("POST", "/action_faults", fault)
    with pytest.raises(StepFailed, match="none left of cx22 in fsn1, cx22 in nbg1"):
        provision_.create_node(wanting(NUREMBERG, spread=True), context)
    assert as_before(cloud, registry)


def test_a_limit_of_servers_is_the_projects_and_nothing_else_is_tried(
    provision_: Provision, context: StepContext, cloud: RunningCloud, registry: Registry
) -> None:
    refuse(cloud, "resource_limit_exceeded", "server limit exceeded")
    with pytest.raises(StepFailed, match="renting a cx22 in fsn1 failed: the project's limit is reached; ask for"):
        provision_.create_node(wanting(BIGGER, NUREMBERG), context)
    assert posts(cloud) == 1
    assert as_before(cloud, registry)


def test_a_limit_of_cores_is_answered_by_another_type_but_not_by_another_location(
    provision_: Provision, context: StepContext, cloud: RunningCloud
) -> None:
    refuse(cloud, "resource_limit_exceeded", "dedicated core limit exceeded")
    provision_.create_node(wanting(NUREMBERG, BIGGER), context)
    assert rented(cloud) == ("cx32", "fsn1")
    assert posts(cloud) == 2


def test_what_the_token_may_not_do_is_tried_nowhere_else(
    provision_: Provision, context: StepContext, cloud: RunningCloud, registry: Registry
) -> None:
    refuse(cloud, "forbidden", "insufficient permissions")
    with pytest.raises(StepFailed, match="token may not do that"):
        provision_.create_node(wanting(BIGGER), context)
    assert posts(cloud) == 1
    assert as_before(cloud, registry)


def test_a_lost_answer_elsewhere_leads_to_one_server(
    provision_: Provision, context: StepContext, cloud: RunningCloud, registry: Registry
) -> None:
    sell_out(cloud, ("cx22", "fsn1"))
    refuse(cloud, "resource_unavailable", "error during placement")
    cloud.control("POST", "/faults", {"kind": "lost_answer", "method": "POST", "path": "/servers"})
    provision_.create_node(wanting(NUREMBERG), context)
    (server,) = cloud.client.servers.get_all()
    host = registry.host(NODE)
    assert rented(cloud) == ("cx22", "nbg1")
    assert host is not None
    assert host.server_id == server.id


def test_a_server_that_was_never_made_is_not_adopted_after_a_kill(
    provision_: Provision, context: StepContext, cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def kill(*_: object) -> None:
        raise Killed

    cloud.control(
        "POST", "/action_faults", {"command": "create_server", "code": "placement_error", "message": "no host"}
    )
    with monkeypatch.context() as patch:
        patch.setattr("executors.cloud.Cloud.await_start", kill)
        with pytest.raises(Killed):
            provision_.create_node(create(), context)
    (dead,) = cloud.client.servers.get_all()
    provision_.create_node(create(), context)
    (server,) = cloud.client.servers.get_all()
    assert server.id != dead.id
    assert server.status == "running"
