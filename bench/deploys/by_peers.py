"""pyinfra and Ansible, each by its own command from `.venv-bench`."""

import json
import os
import subprocess
from pathlib import Path

from bench.deploys.hosts import HERE, Hosts
from bench.plain_ssh import end_masters

PROGRAMS = HERE.parents[1] / ".venv-bench" / "bin"
PEERS = HERE / "peers"
FORKS = 32
PYINFRA_PORT, ANSIBLE_PORT = 8200, 8300


def installed() -> bool:
    """Whether `make bench` has installed them."""
    return (PROGRAMS / "pyinfra").exists() and (PROGRAMS / "ansible-playbook").exists()


class ByPyinfra:
    """One run of pyinfra a deploy."""

    def __init__(self, hosts: Hosts, folder: Path) -> None:
        folder.mkdir()
        self._hosts = hosts
        self._known = _known_hosts(hosts, folder)
        self._inventory = folder / "inventory.py"

    def deploy(self, commit: str) -> None:
        """Deploy a commit to every host."""
        shared = {
            "ssh_user": "root",
            "ssh_port": self._hosts.sshd.port,
            "ssh_key": str(self._hosts.sshd.client_key),
            "ssh_known_hosts_file": str(self._known),
            "ssh_strict_host_key_checking": "yes",
            **_about(self._hosts, "pyinfra", commit, PYINFRA_PORT),
        }
        hosts = [(address, {**shared, "address": address}) for address in self._hosts.addresses.values()]
        self._inventory.write_text(f"hosts = {hosts!r}\n")
        options = ("--yes", "--parallel", str(FORKS))
        _run([str(PROGRAMS / "pyinfra"), *options, str(self._inventory), str(PEERS / "deploy.py")], {})


class ByAnsible:
    """One run of ansible-playbook a deploy, with what its manual says makes it fast."""

    def __init__(self, hosts: Hosts, folder: Path) -> None:
        folder.mkdir()
        self._hosts = hosts
        self._folder = folder
        self._inventory = folder / "inventory.json"
        known = _known_hosts(hosts, folder)
        ssh = f"-F none -o ControlMaster=auto -o ControlPersist=60s -o UserKnownHostsFile={known}"
        self._settings = {
            "ANSIBLE_FORKS": str(FORKS),
            "ANSIBLE_PIPELINING": "True",
            "ANSIBLE_SSH_ARGS": ssh,
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(folder),
            "ANSIBLE_HOME": str(folder),
            "ANSIBLE_REMOTE_TMP": "/tmp/.ansible",  # noqa: S108 - each host has a /tmp of its own
        }

    def deploy(self, commit: str) -> None:
        """Deploy a commit to every host."""
        shared = {
            "ansible_user": "root",
            "ansible_port": self._hosts.sshd.port,
            "ansible_ssh_private_key_file": str(self._hosts.sshd.client_key),
            "ansible_python_interpreter": "/usr/bin/python3",
            **_about(self._hosts, "ansible", commit, ANSIBLE_PORT),
        }
        hosts = {address: {"address": address} for address in self._hosts.addresses.values()}
        self._inventory.write_text(json.dumps({"all": {"hosts": hosts, "vars": shared}}))
        program = str(PROGRAMS / "ansible-playbook")
        _run([program, "--inventory", str(self._inventory), str(PEERS / "playbook.yaml")], self._settings)

    def close(self) -> None:
        """End the master connections that Ansible leaves for its next run."""
        end_masters(self._folder)


def _about(hosts: Hosts, app: str, commit: str, port: int) -> dict[str, object]:
    return {"app": f"by-{app}", "repo": hosts.repo.url, "commit": commit, "app_port": port}


def _known_hosts(hosts: Hosts, folder: Path) -> Path:
    known = folder / "known_hosts"
    lines = (f"[{address}]:{hosts.sshd.port} {hosts.sshd.host_key}\n" for address in hosts.addresses.values())
    known.write_text("".join(lines))
    return known


def _run(command: list[str], settings: dict[str, str]) -> None:
    environment = {**os.environ, "LC_ALL": "C.UTF-8", **settings}
    done = subprocess.run(
        command, env=environment, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(f"{Path(command[0]).name} failed: {(done.stdout + done.stderr)[-3000:]}")
