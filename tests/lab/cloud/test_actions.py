import pytest
from hcloud import APIException
from hcloud.actions import ActionFailedException

from lab.cloud.settings import CloudSettings
from tests.lab.cloud.running_cloud import CX22, DEBIAN, AnyClient, RunningCloud


def test_an_action_that_runs_says_how_far_it_is() -> None:
    cloud = RunningCloud(CloudSettings(create_seconds=60))
    try:
        response = cloud.client.servers.create("a", CX22, DEBIAN)
        running = cloud.client.actions.get_by_id(response.action.id)
        waiting = cloud.client.actions.get_by_id(response.next_actions[0].id)
    finally:
        cloud.stop()
    assert (running.status, running.finished, running.error) == ("running", None, None)
    assert 0 <= running.progress < 100
    assert (waiting.status, waiting.progress) == ("running", 0)
    assert running.resources == [{"id": response.server.id, "type": "server"}]


def test_actions_are_listed_with_their_resource(cloud: RunningCloud) -> None:
    first, second = cloud.server("a"), cloud.server("b")
    second.power_off().wait_until_finished()
    assert [action.command for action in first.get_actions()] == ["create_server", "start_server"]
    newest = cloud.client.servers.actions.get_list(sort=["id:desc"]).actions[0]
    assert newest.command == "stop_server"
    assert newest.progress == 100
    assert cloud.client.servers.actions.get_by_id(newest.id).finished is not None
    assert second.get_actions(status=["error"]) == []


def test_actions_can_be_asked_for_by_several_ids(cloud: RunningCloud) -> None:
    actions = cloud.server("a").get_actions()
    query = "&".join(f"id={action.id}" for action in actions)
    listed = cloud.raw("GET", f"/actions?{query}").json()["actions"]
    assert [action["id"] for action in listed] == [action.id for action in actions]


def test_an_action_of_another_kind_of_resource_is_not_found(cloud: RunningCloud) -> None:
    action = cloud.server("a").get_actions()[0]
    assert cloud.raw("GET", f"/networks/actions/{action.id}").status_code == 404


def test_a_boot_that_fails_ends_its_action_with_an_error(cloud: RunningCloud) -> None:
    cloud.control("POST", "/action_faults", {"command": "start_server", "code": "action_failed"})
    response = cloud.client.servers.create("a", CX22, DEBIAN)
    with pytest.raises(ActionFailedException):
        response.next_actions[0].wait_until_finished()
    response.server.reload()
    assert (response.server.status, response.server.locked) == ("off", False)
    response.server.delete().wait_until_finished()


def test_what_waits_for_a_failed_action_fails_too(cloud: RunningCloud) -> None:
    cloud.control("POST", "/action_faults", {"command": "create_server", "message": "no host answered"})
    response = cloud.client.servers.create("a", CX22, DEBIAN)
    with pytest.raises(ActionFailedException, match="no host answered"):
        response.action.wait_until_finished()
    with pytest.raises(ActionFailedException, match="create_server"):
        response.next_actions[0].wait_until_finished()
    assert not cloud.backend.machines


def test_a_backend_that_raises_ends_the_action_with_an_error(cloud: RunningCloud) -> None:
    first = cloud.server("a")
    cloud.backend.machines["b"] = cloud.backend.machines["a"]
    response = cloud.client.servers.create("b", CX22, DEBIAN)
    with pytest.raises(ActionFailedException, match="Action failed"):
        response.next_actions[0].wait_until_finished()
    first.reload()
    assert first.status == "running"


def test_an_unknown_action_is_not_found(client: AnyClient) -> None:
    with pytest.raises(APIException) as raised:
        client.actions.get_by_id(1)
    assert raised.value.code == "not_found"
