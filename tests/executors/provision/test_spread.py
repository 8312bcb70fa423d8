"""Machines of a pool that is spread stand in placement groups, ten in each at most."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from executors.provision import Provision
from gitops.executor import StepContext
from model.steps import CreateNode, DestroyNode
from tests.executors.provision.asking import NODE, create
from tests.lab.cloud.running_cloud import RunningCloud


def spread(node: str = NODE) -> CreateNode:
    return create(node).model_copy(update={"spread": True})


def groups(cloud: RunningCloud) -> dict[str, int]:
    return {group.name: len(group.servers) for group in cloud.client.placement_groups.get_all()}


def test_machines_side_by_side_share_one_group_of_their_pool_with_its_labels(
    provision_: Provision, context: StepContext, cloud: RunningCloud
) -> None:
    with ThreadPoolExecutor(3) as threads:
        for done in [threads.submit(provision_.create_node, spread(f"worker10{n}"), context) for n in (1, 2, 3)]:
            done.result()
    (group,) = cloud.client.placement_groups.get_all()
    assert (group.name, group.type, len(group.servers)) == ("small-worker", "spread", 3)
    assert group.labels == {"cluster": "small", "pool": "worker"}


def test_the_eleventh_machine_stands_in_a_second_group(
    provision_: Provision, context: StepContext, cloud: RunningCloud
) -> None:
    for number in range(101, 112):
        provision_.create_node(spread(f"worker{number}"), context)
    assert groups(cloud) == {"small-worker": 10, "small-worker-2": 1}


def test_a_group_that_the_cloud_takes_for_full_is_passed_over(
    provision_: Provision, context: StepContext, cloud: RunningCloud
) -> None:
    provision_.create_node(spread("worker101"), context)
    fault = {"kind": "error", "method": "POST", "path": "/servers", "code": "placement_group_member_limit_reached"}
    cloud.control("POST", "/faults", fault)
    provision_.create_node(spread("worker102"), context)
    assert groups(cloud) == {"small-worker": 1, "small-worker-2": 1}


def test_a_group_goes_with_its_last_machine(provision_: Provision, context: StepContext, cloud: RunningCloud) -> None:
    for node in ("worker101", "worker102"):
        provision_.create_node(spread(node), context)
    provision_.destroy_node(DestroyNode(node="worker101"), context)
    assert groups(cloud) == {"small-worker": 1}
    provision_.destroy_node(DestroyNode(node="worker102"), context)
    assert groups(cloud) == {}


def test_a_group_of_somebody_else_is_neither_used_nor_deleted(
    provision_: Provision, context: StepContext, cloud: RunningCloud
) -> None:
    cloud.client.placement_groups.create(name="small-worker", type="spread")
    provision_.create_node(spread(), context)
    assert groups(cloud) == {"small-worker": 0, "small-worker-2": 1}
    provision_.destroy_node(DestroyNode(node=NODE), context)
    assert groups(cloud) == {"small-worker": 0}


def test_a_group_whose_answer_was_lost_is_used(
    provision_: Provision, context: StepContext, cloud: RunningCloud
) -> None:
    cloud.control("POST", "/faults", {"kind": "lost_answer", "method": "POST", "path": "/placement_groups"})
    provision_.create_node(spread(), context)
    assert Counter(groups(cloud)) == Counter({"small-worker": 1})


def test_a_machine_that_need_not_be_spread_stands_in_no_group(
    provision_: Provision, context: StepContext, cloud: RunningCloud
) -> None:
    provision_.create_node(create(), context)
    assert groups(cloud) == {}
