"""A lab host installs Debian's packages by apt, though it reaches nothing outside."""

import asyncio
from collections.abc import Iterator

import paramiko
import pytest

from lab.cloud.backend import Machine
from lab.lab import Lab
from tests.lab.ssh import KeyPair, connect, run, user_data

pytestmark = pytest.mark.hosts

HOST_KEY, CLIENT_KEY = KeyPair.new(), KeyPair.new()


@pytest.fixture(scope="module")
def ssh(lab: Lab, runner: asyncio.Runner) -> Iterator[paramiko.SSHClient]:
    address = str(lab.host_addresses[0])
    runner.run(lab.machines.create(Machine("service101", address, user_data(HOST_KEY, CLIENT_KEY))))
    with connect(address, HOST_KEY, CLIENT_KEY) as client:
        yield client


def test_the_lists_are_read_without_a_complaint(ssh: paramiko.SSHClient) -> None:
    status, output = run(ssh, "apt-get update")
    assert status == 0, output
    assert "W:" not in output


def test_redis_is_installed_with_what_it_needs_and_runs(ssh: paramiko.SSHClient) -> None:
    status, output = run(ssh, "DEBIAN_FRONTEND=noninteractive apt-get install -y redis-server python3-apt")
    assert status == 0, output
    assert run(ssh, "redis-cli ping") == (0, "PONG\n")
    assert run(ssh, "redis-server --version")[1].startswith("Redis server v=7.0.15")
    assert run(ssh, "python3 -c 'import apt'") == (0, "")


def test_what_the_image_brings_can_be_installed_again(ssh: paramiko.SSHClient) -> None:
    assert run(ssh, "apt-get purge -y --autoremove nginx-light nginx nginx-common")[0] == 0
    status, output = run(ssh, "DEBIAN_FRONTEND=noninteractive apt-get install -y nginx-light")
    assert status == 0, output
    assert run(ssh, "nginx -t")[0] == 0


def test_a_repository_that_the_lab_has_not_is_not_found(ssh: paramiko.SSHClient, lab: Lab) -> None:
    address = lab.machines.router.address
    assert run(ssh, f"curl -s -o /dev/null -w '%{{http_code}}' http://{address}/nothing/") == (0, "404")
