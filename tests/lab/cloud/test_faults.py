import pytest
import requests
from hcloud import APIException

from tests.lab.cloud.running_cloud import CX22, DEBIAN, TOKEN, RunningCloud


def test_a_wrong_token_is_refused_and_tells_nothing(cloud: RunningCloud) -> None:
    with pytest.raises(APIException) as raised:
        cloud.client_with(TOKEN + "x").servers.get_all()
    assert raised.value.code == "unauthorized"
    assert requests.get(cloud.url + "/servers", timeout=5).status_code == 401


def test_the_next_calls_fail_as_they_were_told(cloud: RunningCloud) -> None:
    fault = {"kind": "error", "method": "POST", "path": "/servers", "times": 2, "code": "placement_error"}
    cloud.control("POST", "/faults", fault)
    for _ in range(2):
        with pytest.raises(APIException) as raised:
            cloud.client.servers.create("a", CX22, DEBIAN)
        assert raised.value.code == "placement_error"
    assert cloud.client.servers.get_all() == []
    cloud.server("a")


def test_a_fault_may_name_its_own_status_and_a_pattern(cloud: RunningCloud) -> None:
    fault = {"kind": "error", "path": "/servers/*/actions/poweroff", "code": "maintenance", "status": 500}
    cloud.control("POST", "/faults", fault)
    server = cloud.server("a")
    response = cloud.raw("POST", f"/servers/{server.id}/actions/poweroff")
    assert (response.status_code, response.json()["error"]["code"]) == (500, "maintenance")


def test_a_lost_answer_leaves_a_server_to_adopt(cloud: RunningCloud) -> None:
    cloud.control("POST", "/faults", {"kind": "lost_answer", "method": "POST", "path": "/servers"})
    with pytest.raises(requests.ConnectionError):
        cloud.client.servers.create("worker101", CX22, DEBIAN, labels={"operation": "7"})
    with pytest.raises(APIException) as raised:
        cloud.client.servers.create("worker101", CX22, DEBIAN, labels={"operation": "7"})
    assert raised.value.code == "uniqueness_error"
    adopted = cloud.client.servers.get_all(name="worker101", label_selector="operation=7")
    assert len(adopted) == 1
    for action in adopted[0].get_actions():
        action.wait_until_finished()
    assert list(cloud.backend.machines) == ["worker101"]


def test_a_slow_answer_comes_in_the_end(cloud: RunningCloud) -> None:
    cloud.control("POST", "/faults", {"kind": "slow", "method": "GET", "path": "/locations", "seconds": 3})
    with pytest.raises(requests.Timeout):
        requests.get(cloud.url + "/locations", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=0.05)
    assert cloud.raw("GET", "/locations").status_code == 200


def test_faults_can_be_seen_and_taken_back(cloud: RunningCloud) -> None:
    cloud.control("POST", "/faults", {"kind": "error", "path": "/servers", "times": 3})
    cloud.raw("GET", "/servers")
    assert [fault["times"] for fault in cloud.control("GET", "/faults")["faults"]] == [2]
    cloud.control("DELETE", "/faults")
    assert cloud.raw("GET", "/servers").status_code == 200


def test_the_log_counts_calls(cloud: RunningCloud) -> None:
    cloud.control("POST", "/faults", {"kind": "lost_answer", "method": "GET", "path": "/images"})
    with pytest.raises(requests.ConnectionError):
        cloud.raw("GET", "/images")
    cloud.raw("GET", "/servers?name=a")
    cloud.raw("GET", "/servers/1")
    logged = cloud.control("GET", "/requests")["requests"]
    assert [(entry["method"], entry["path"], entry["query"], entry["status"]) for entry in logged] == [
        ("GET", "/images", "", 0),
        ("GET", "/servers", "name=a", 200),
        ("GET", "/servers/1", "", 404),
    ]
    assert cloud.api.requests.count("GET", "/servers") == 1


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/load_balancers", None, 404, "not_found"),
        ("PATCH", "/servers", None, 404, "not_found"),
        ("POST", "/servers", "{", 400, "json_error"),
        ("POST", "/servers", "[]", 422, "invalid_input"),
        ("GET", "/servers/abc", None, 404, "not_found"),
    ],
)
def test_what_is_no_call_of_the_api(
    cloud: RunningCloud, method: str, path: str, body: str | None, status: int, code: str
) -> None:
    response = cloud.raw(method, path, data=body)
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)
