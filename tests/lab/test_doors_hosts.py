"""What flstr talks to is at one address, from this machine and from a host; and a host can run flstr."""

import io
import json
import os
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest
import requests

from lab.naming import LabFolders
from tests.lab.ssh import KeyPair, connect, run
from tests.lab.standing import Standing

pytestmark = pytest.mark.hosts

HOST_KEY, CLIENT_KEY = KeyPair.new(), KeyPair.new()
PROJECT = Path(__file__).parents[2]
PROGRAM = ("bot", "cli", "executors", "gitops", "model", "templates", "lab")
TOOLS = ("mypy", "ruff", "playwright", "pip", "setuptools", "pytest", "_pytest", "hypothesis")


@pytest.fixture(scope="module")
def standing(folders: LabFolders) -> Iterator[Standing]:
    standing = Standing(f"doors-{os.getpid()}", folders)
    yield standing
    standing.stop()


@pytest.fixture(scope="module")
def ssh(standing: Standing) -> Iterator[paramiko.SSHClient]:
    """A connection to a host."""
    [server] = standing.servers(CLIENT_KEY, controller101=HOST_KEY)
    with connect(server.public_net.ipv4.ip, HOST_KEY, CLIENT_KEY) as client:
        yield client


def curl(ssh: paramiko.SSHClient, *arguments: str) -> str:
    """What a host gets, and the status at the end."""
    options = r"--silent --show-error --max-time 30 --write-out '\n%{http_code}'"
    return run(ssh, f"curl {options} {' '.join(arguments)}")[1]


def test_the_cloud_answers_a_host(standing: Standing, ssh: paramiko.SSHClient) -> None:
    environment = standing.around.environment()
    url, token = environment["HCLOUD_ENDPOINT"], environment["HCLOUD_TOKEN"]
    answer, status = curl(ssh, f"{url}/servers", f"-H 'Authorization: Bearer {token}'").rsplit("\n", 1)
    assert (status, [server["name"] for server in json.loads(answer)["servers"]]) == ("200", ["controller101"])


def test_slack_answers_a_host_and_takes_its_websocket(standing: Standing, ssh: paramiko.SSHClient) -> None:
    environment = standing.around.environment()
    url, token = environment["SLACK_API_URL"], environment["SLACK_APP_TOKEN"]
    opened = curl(ssh, f"-X POST {url}apps.connections.open", f"-H 'Authorization: Bearer {token}'")
    link = str(json.loads(opened.rsplit("\n", 1)[0])["url"]).replace("ws://", "http://")
    upgrade = "-H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13'"
    key, readable = "-H 'Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg=='", "--output - | tr -cd '[:print:]'"
    greeted = curl(ssh, f"'{link}'", upgrade, key, "--max-time 2", readable)
    assert '"type": "hello"' in greeted
    assert "}101" in greeted


def test_the_page_of_slack_is_for_this_machine_alone(standing: Standing, ssh: paramiko.SSHClient) -> None:
    page = standing.around.slack.url
    assert requests.get(page, timeout=5).ok
    assert "Failed to connect" in curl(ssh, page)


def test_crt_sh_and_cert_spotter_answer_a_host(standing: Standing, ssh: paramiko.SSHClient) -> None:
    environment = standing.around.environment()
    search = "/?Identity=%25flstr.lab&match=LIKE&output=json"
    assert curl(ssh, f"'{environment['FLSTR_CRTSH_URL']}{search}'").endswith("\n200")
    issuances = "/v1/issuances?domain=flstr.lab"
    assert curl(ssh, f"'{environment['FLSTR_CERTSPOTTER_URL']}{issuances}'").endswith("\n200")


def test_the_certificate_authority_answers_a_host_that_knows_its_own(
    standing: Standing, ssh: paramiko.SSHClient
) -> None:
    environment = standing.around.environment()
    directory = environment["FLSTR_ACME_DIRECTORY"]
    assert "certificate problem" in curl(ssh, directory)
    authority = Path(environment["FLSTR_ACME_DIRECTORY_CA"]).read_text()
    run(ssh, f"cat >/root/directory-ca.pem <<'end'\n{authority}end")
    answer, status = curl(ssh, "--cacert /root/directory-ca.pem", directory).rsplit("\n", 1)
    assert status == "200"
    assert curl(ssh, "--cacert /root/directory-ca.pem --head", json.loads(answer)["newNonce"]).endswith("\n200")


def test_git_answers_a_host(standing: Standing, ssh: paramiko.SSHClient) -> None:
    status, output = run(ssh, f"git ls-remote --heads {standing.around.environment()['FLSTR_CLUSTER_REPO']}")
    assert (status, output.split()[-1]) == (0, "refs/heads/main")


def test_this_machine_is_answered_at_the_same_addresses(standing: Standing) -> None:
    environment = standing.around.environment()
    assert requests.get(environment["FLSTR_CRTSH_URL"], {"Identity": "%flstr.lab"}, timeout=5).ok
    assert requests.post(f"{environment['SLACK_API_URL']}api.test", timeout=5).json()["ok"]


def test_etcd_is_there_and_is_started_by_nobody_else(ssh: paramiko.SSHClient) -> None:
    assert run(ssh, "etcd --version && etcdctl version")[0] == 0
    assert run(ssh, "systemctl is-enabled etcd.service etcd2.service")[1] == "masked\nmasked\n"
    assert run(ssh, "id --user --name etcd")[1] == "etcd\n"


def test_the_program_with_what_it_needs_runs_on_a_host(ssh: paramiko.SSHClient) -> None:
    """The tree that pip made, with what is compiled in it, under Debian's own Python."""
    packed = io.BytesIO()
    site = Path(sys.prefix, "lib/python3.11/site-packages")
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path in (*site.iterdir(), *(PROJECT / name for name in PROGRAM)):
            if path.name.partition("-")[0].partition(".")[0] not in (*TOOLS, "__pycache__"):
                archive.add(path, path.name, filter=lambda it: None if "__pycache__" in it.name else it)
    stdin, stdout, _ = ssh.exec_command("mkdir /opt/flstr && tar --extract --directory /opt/flstr")
    stdin.write(packed.getvalue())
    stdin.channel.shutdown_write()
    assert stdout.channel.recv_exit_status() == 0
    wanted = "import cli.serve, grpc, cryptography.x509, lxml.etree, pyrage, paramiko, pydantic_core"
    status, output = run(
        ssh, f"cd /opt/flstr && python3 -I -c 'import sys; sys.path.insert(0, \"/opt/flstr\"); {wanted}'"
    )
    assert (status, output) == (0, "")
