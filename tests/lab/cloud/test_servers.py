from tests.lab.cloud.running_cloud import RunningCloud


def test_smoke(cloud: RunningCloud) -> None:
    server = cloud.server("worker101")
    assert server.status == "running"


def test_smoke_cli(cloud: RunningCloud, hcloud) -> None:
    print(hcloud("server", "create", "--name", "a", "--type", "cx22", "--image", "debian-12"))
    print(hcloud("server", "list"))
    print(hcloud("server", "describe", "a"))
    print(hcloud("server", "delete", "a"))
