"""Real machines: an app built, started, routed to, rolled to its next commit and stopped, while a client asks."""

import asyncio
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from executors.host_paths import release_paths
from executors.padlock.check import PadlockCheck
from executors.releases import build_script
from executors.routing import Checks, routing_script
from executors.routing_files import routing_files
from executors.templates import quote, render
from lab.gitrepo import INFLUENCER, Commit
from model.app import App, Env, Publish
from model.errors import StepFailed
from model.registered import MetaData, ServiceInstance
from model.steps import ApplyRouting, BuildRelease, StartInstance, WriteKeys
from tests.executors.asking_client import AskingClient
from tests.executors.deploy_field import HOST, INGRESS, NODES, Field, rented_field
from tests.executors.example import influencer

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(600)]

APPS = Path(__file__).parent / "apps"


@pytest.fixture(scope="module")
def field(etcd_endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    """The first commit serves on both workers."""
    with rented_field(etcd_endpoint, tmp_path_factory.mktemp("deploy"), INFLUENCER) as field:
        app = field.app("v2~1")
        field.publish(app)
        field.serve(app, ("worker101", "1-11111111"), ("worker102", "2-11111111"))
        yield field


def test_users_are_answered_by_the_first_commit(field: Field) -> None:
    assert field.ask() == (200, f"influencer first {field.app('v2~1').commit}")
    assert field.ask("unknown.example.com")[0] == 404


def test_instances_listen_in_the_overlay_and_users_come_to_them_through_it(field: Field) -> None:
    nodes = field.registry.read().nodes
    instances = field.registry.read().apps["backend", "influencer"].instances.values()
    for one in instances:
        assert one.ip == nodes[one.node].addresses["overlay"]
        assert f"{one.ip}:{one.port}" in field.on(one.node, "ss -Htln | awk '{ print $4 }'").split()
    sent = "wg show flannel-wg transfer | awk '{ sum += $3 } END { print sum }'"
    before = int(field.on(INGRESS, sent))
    answer = len(field.ask()[1])
    assert int(field.on(INGRESS, sent)) - before > answer


def test_the_other_machines_reach_the_app_through_their_own_haproxy(field: Field) -> None:
    assert field.on("worker102", "curl -s http://127.0.0.1:5001/").startswith("influencer first")


def test_a_commit_is_rolled_out_and_no_request_fails(field: Field) -> None:
    second = field.app("v2")
    # Servers come and go in the running HAProxy: a reload would leave the old process behind.
    workers = 'pgrep -P "$(systemctl show --property=MainPID --value haproxy)"'
    processes = field.on(INGRESS, workers)
    with AskingClient(field.ingress_ip, 80, HOST) as client:
        client.wait_for(50)
        for node, number in (("worker101", 1), ("worker102", 2)):
            field.serve(second, (node, f"{number}-22222222"))
            field.retire(node, f"{number}-11111111")
        client.wait_for(50)
        assert field.on(INGRESS, workers) == processes
    assert client.failures == []
    assert {answer.split()[1] for answer in client.answers} == {"first", "second"}
    assert field.ask() == (200, f"influencer second {second.commit}")
    assert field.on("worker101", "ls /etc/systemd/system/flstr-backend-*").endswith(
        "/flstr-backend-influencer-1-22222222.service"
    )
    held = {record.instance for record in field.registry.read().ports.values()}
    assert held == {"1-22222222", "2-22222222"}


def test_a_failing_build_shows_its_last_lines_and_leaves_no_half_release(field: Field) -> None:
    app = field.app("broken-build")
    with pytest.raises(StepFailed, match=r"worker101: build\.sh of influencer ended with status 3") as failed:
        field.do(BuildRelease(node="worker101", app=app))
    assert "module 'hashtags' is not in the dependencies" in failed.value.output
    releases = "/var/lib/flstr/apps/backend-influencer/releases"
    assert field.on("worker101", f"ls {releases} | grep {app.commit} | grep -v log || true") == ""


def test_a_commit_that_does_not_exist_is_one_sentence(field: Field) -> None:
    app = influencer(repo=field.repo, commit="f" * 40)
    with pytest.raises(StepFailed, match=f"^worker101: commit f{{40}} does not exist in {field.repo}$"):
        field.do(BuildRelease(node="worker101", app=app))


def test_an_instance_that_never_gets_healthy_is_taken_away_again(field: Field) -> None:
    app = field.app("never-healthy", update={"healthy_deadline": "20s"})
    field.do(BuildRelease(node="worker101", app=app))
    sentence = r"^influencer 1-33333333 on worker101 did not answer 200 at /health within 20s; last answer was 503$"
    with pytest.raises(StepFailed, match=sentence) as failed:
        field.do(StartInstance(node="worker101", app=app, instance="1-33333333"))
    assert "GET /health" in failed.value.output
    assert "33333333" not in field.on("worker101", "ls /etc/systemd/system")
    assert "1-33333333" not in {record.instance for record in field.registry.read().ports.values()}
    assert field.ask()[0] == 200


def test_an_instance_that_ends_at_once_is_not_waited_for(field: Field) -> None:
    app = field.app("v2", run="build.sh", update={"healthy_deadline": "5m"})
    began = time.monotonic()
    with pytest.raises(
        StepFailed, match=r"^influencer 1-44444444 on worker101 ended with status \d+ before it answered"
    ):
        field.do(StartInstance(node="worker101", app=app, instance="1-44444444"))
    assert time.monotonic() - began < 300


def test_an_instance_cannot_write_outside_its_tmp_nor_see_other_releases(field: Field) -> None:
    unit = "flstr-backend-influencer-1-22222222"
    inside = f'nsenter -t "$(systemctl show --property=MainPID --value {unit})" --mount --'
    assert (
        field.on("worker101", f"{inside} ls /var/lib/flstr /var/lib/flstr/apps").splitlines()[-1]
        == "backend-influencer"
    )
    assert field.on("worker101", f"{inside} sh -c 'touch /etc/x /var/lib/flstr/x 2>/dev/null || echo no'") == "no"


def test_routing_that_is_as_registered_touches_nothing(field: Field) -> None:
    look = "stat -c '%n %Y %i' /etc/haproxy/* /etc/nginx/nginx.conf; pgrep -f 'haproxy|nginx' | sort; firewall-cmd --list-ports"
    before = field.on(INGRESS, look)
    field.do(ApplyRouting())
    assert field.on(INGRESS, look) == before


def test_a_configuration_that_its_program_refuses_does_not_replace_the_old_one(field: Field) -> None:
    registered = field.registry.read()
    files = routing_files(registered, INGRESS)
    for broken, program in (
        ({"haproxy": files.haproxy + "    nonsense\n"}, "HAProxy"),
        ({"nginx": f"{files.nginx}nonsense;\n"}, "nginx"),
    ):
        bad = type(files)(**{**vars(files), **broken})
        with pytest.raises(
            StepFailed, match=f"{program} refuses the new configuration, so the old one stays"
        ) as failed:
            field.on(INGRESS, routing_script(bad, Checks()))
        assert "nonsense" in failed.value.output
    assert field.ask()[0] == 200
    field.do(ApplyRouting())


def test_a_program_that_cannot_work_with_its_configuration_goes_back_to_the_old_one(field: Field) -> None:
    """HAProxy and nginx check these without fault, and cannot start so."""
    files = routing_files(field.registry.read(), INGRESS)
    for impossible, program in (
        ({"haproxy": files.haproxy.replace("maxconn 8192", "maxconn 900000000")}, "haproxy"),
        ({"nginx": (files.nginx or "").replace("listen 80;", "listen 5001;")}, "nginx"),
    ):
        bad = type(files)(**{**vars(files), **impossible})
        with pytest.raises(StepFailed, match=f"{program} cannot work with the new configuration") as failed:
            field.on(INGRESS, routing_script(bad, Checks()))
        assert "limit" in failed.value.output or "bind()" in failed.value.output
        assert field.ask()[0] == 200
        before = field.on(INGRESS, "cat /etc/haproxy/haproxy.cfg /etc/nginx/nginx.conf")
        assert before == (files.haproxy + (files.nginx or "")).strip()
    field.do(ApplyRouting(serving=(("backend", "influencer", "1-22222222"),)))
    assert field.ask()[0] == 200


def test_the_padlock_of_plain_http_is_a_warning(field: Field) -> None:
    answer = PadlockCheck()((HOST,), field.registry)
    assert answer == (
        f":large_yellow_circle: *{HOST}*, ingress016 port 80: plain HTTP, not redirected to https. "
        "_Mend:_ get a certificate for the host, then redirect to it"
    )


def test_steps_may_be_run_again(field: Field) -> None:
    field.retire("worker101", "1-11111111")
    field.serve(field.app("v2"), ("worker101", "1-22222222"))
    assert field.ask()[0] == 200


@pytest.fixture(scope="module")
def slow(field: Field) -> App:
    """An app whose requests take as long as its users like."""
    path = field.rented.lab.git.path("slow")
    repo = asyncio.run(field.rented.lab.git.seed("slow", (Commit("Take your time", APPS / "slow"),)))
    head = subprocess.run(["git", f"--git-dir={path}", "rev-parse", "main"], capture_output=True, text=True, check=True)
    slow = influencer(
        app="slow",
        repo=repo,
        commit=head.stdout.strip(),
        build=None,
        publish={"port": 5002},
        env_prefix="SLOW",
        ingress=[{"host": "slow.flstr.lab"}],
    )
    field.publish(slow)
    field.serve(slow, ("worker101", "1-55555555"))
    return slow


def sent(field: Field) -> int:
    """How many requests HAProxy has sent to the instances of `slow`."""
    stats = f"{render('routing/haproxy-socket.sh.j2')}\nhaproxy_ask <<<'show stat -1 4 -1'"
    rows = [line.split(",") for line in field.on(INGRESS, stats).splitlines()]
    return sum(int(row[7]) for row in rows if row[0] == "backend-slow")


def test_a_request_under_way_is_answered_to_its_end(field: Field, slow: App) -> None:
    field.serve(slow, ("worker102", "1-66666666"))
    before, deadline = sent(field), time.monotonic() + 60
    with ThreadPoolExecutor(4) as pool:
        under_way_on_both = [pool.submit(field.ask, "slow.flstr.lab", "/slow") for _ in range(4)]
        while sent(field) < before + 4:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        field.retire("worker101", "1-55555555", app="slow")
        answers = {one.result() for one in under_way_on_both}
    assert answers == {(200, "1-55555555"), (200, "1-66666666")}
    assert field.ask("slow.flstr.lab") == (200, "1-66666666")


def test_a_build_that_takes_too_long_is_stopped(field: Field, slow: App) -> None:
    hasty = slow.model_copy(update={"build": "build.sh", "build_within": 1.0})
    with pytest.raises(StepFailed, match=r"^worker101: build\.sh of slow was not done after 1 s and was stopped$"):
        field.do(BuildRelease(node="worker101", app=hasty))
    assert field.on("worker101", f"ls -d {release_paths(hasty).release} || echo none") == "none"


def test_a_build_that_was_left_in_the_middle_is_made_anew(field: Field, slow: App) -> None:
    app = slow.model_copy(update={"build": "build.sh"})
    with pytest.raises(StepFailed, match="the script was not done after 2 s"):
        field.ssh.run("worker101", build_script(app), field.context.fence, timeout=2)
    field.do(BuildRelease(node="worker101", app=app))
    assert field.on("worker101", f"ls {release_paths(app).release}") == "build.sh\nbuilt\nrun.sh\nserver.py"


def test_websockets_pass(field: Field, slow: App) -> None:
    with socket.create_connection((field.ingress_ip, 80), timeout=10) as connection:
        connection.sendall(
            b"GET /socket HTTP/1.1\r\nHost: slow.flstr.lab\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        stream = connection.makefile("rb")
        assert stream.readline().startswith(b"HTTP/1.1 101 ")
        while stream.readline().strip():
            pass
        connection.sendall(b"hello\n")
        assert stream.readline() == b"echo hello\n"


def test_an_app_without_instances_is_a_clean_503(field: Field, slow: App) -> None:
    field.retire("worker102", "1-66666666", app="slow")
    status, page = field.ask("slow.flstr.lab")
    assert status == 503
    assert "Unavailable just now" in page
    # Other apps go on.
    assert field.ask()[0] == 200


def test_a_service_is_reached_from_every_machine_by_its_own_haproxy(field: Field) -> None:
    meta = MetaData(publish=Publish(port=6379), env_prefix="REDIS", env=Env(protocol="tcp"))
    ip = field.registry.read().nodes["worker101"].addresses["overlay"]
    # Stands in for Redis: it says who it is to whoever connects.
    program = f"""
import socketserver
class Says(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.sendall(b"redis on worker101")
socketserver.ThreadingTCPServer(("{ip}", 7000), Says).serve_forever()
"""
    field.on("worker101", f"systemd-run --quiet --unit=redis python3 -c {quote(program)}")
    listens = f"timeout 50 bash -c 'until : </dev/tcp/{ip}/7000; do sleep 0.1; done' 2>/dev/null"
    field.on("worker101", listens)
    main = ServiceInstance(node="worker101", ip=ip, port=7000)
    put = {"service/redis/meta_data": meta.to_json(), "service/redis/instance/main": main.to_json()}
    try:
        field.do(WriteKeys(put=put), ApplyRouting())
        ask = "timeout 50 bash -c 'until cat </dev/tcp/127.0.0.1/6379 | grep redis; do sleep 0.1; done'"
        assert {node: field.on(node, ask) for node in NODES} == dict.fromkeys(NODES, "redis on worker101")
    finally:
        field.do(WriteKeys(delete=tuple(put)), ApplyRouting())
        field.on("worker101", "systemctl stop redis")


def test_a_dead_worker_holds_nobody_up(field: Field) -> None:
    field.rented.cut_power("worker102")
    with AskingClient(field.ingress_ip, 80, HOST) as client:
        field.serve(field.app("v2"), ("worker101", "3-22222222"))
        field.retire("worker102", "2-22222222")
        client.wait_for(50)
    # Nobody can answer the requests that were under way on it; those were one a connection at most.
    assert len(client.failures) <= client.connections
    assert field.ask()[0] == 200
    assert any("worker102" in line for line in field.reports)
    assert "2-22222222" in {record.instance for record in field.registry.read().ports.values()}
