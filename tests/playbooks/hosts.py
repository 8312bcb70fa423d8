"""Lab hosts as playbooks see them: an inventory of real machines over SSH, from whose repository real packages come."""

import json
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from executors.cloud_init import user_data
from executors.host_key import new_host_key
from gitops.playbook_files import FOLDER
from lab.cloud.backend import Machine
from lab.lab import Lab
from tests.executors.sshd import make_key
from tests.loop_thread import LoopThread

ANSIBLE_PLAYBOOK = Path(__file__).parents[2] / ".venv/bin/ansible-playbook"
_RECAP = re.compile(r"^(?P<node>\S+) +: (?P<counts>ok=.*)$", re.MULTILINE)
_SSH = "-o BatchMode=yes -o UserKnownHostsFile={known_hosts} -o StrictHostKeyChecking=yes -o ConnectionAttempts=30"


@dataclass(frozen=True)
class Played:
    """What came of a run of a playbook."""

    status: int
    output: str

    @property
    def changed(self) -> dict[str, int]:
        """How many tasks changed something, by node."""
        return {found["node"]: int(_counts(found["counts"])["changed"]) for found in _RECAP.finditer(self.output)}

    @property
    def changed_tasks(self) -> list[str]:
        """The tasks that did, for people."""
        tasks: list[str] = []
        task = ""
        for line in self.output.splitlines():
            if found := re.match(r"TASK \[(.*)\]", line):
                task = found[1]
            elif line.startswith("changed:"):
                tasks.append(f"{task}: {line}")
        return tasks


def _counts(text: str) -> dict[str, str]:
    return dict(part.split("=") for part in text.split())


class PlaybookHosts:
    """Up when made, with the nodes named and these ports open; `stop()` leaves nothing behind."""

    def __init__(self, folder: Path, nodes: Sequence[str], ports: Sequence[int]) -> None:
        self._folder = folder
        self._ports = ports
        self._public = make_key(folder / "client")
        self._loop = LoopThread(within=300)
        self.lab = self._loop.call(Lab.up(f"plays-{os.getpid()}"))
        self.addresses: dict[str, str] = {}
        try:
            self.add(*nodes)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End every host."""
        self._loop.call(self.lab.down())
        self._loop.stop()

    def add(self, *nodes: str) -> None:
        """Boot more machines."""
        for node in nodes:
            address = str(self.lab.host_addresses[len(self.addresses)])
            key = new_host_key()
            self._loop.call(
                self.lab.machines.create(Machine(node, address, user_data(node, key, self._public), (self._public,)))
            )
            self.addresses[node] = address
            with (self._folder / "known_hosts").open("a") as known:
                known.write(f"{address} {key.public}\n")
        for node in nodes:
            # As flstr opens a service's ports on its machines.
            self.on(node, "\n".join(f"firewall-cmd --quiet --add-port={port}/tcp" for port in self._ports))

    def on(self, node: str, script: str) -> str:
        """What a script says on a machine; it has to end well."""
        options = _SSH.format(known_hosts=self._folder / "known_hosts").split()
        ssh = ["ssh", "-i", str(self._folder / "client"), *options, f"root@{self.addresses[node]}", "bash -s"]
        done = subprocess.run(ssh, input=f"set -eu\n{script}\n", capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout.strip()

    def play(
        self,
        playbook: str,
        told: Mapping[str, object],
        nodes: Sequence[str],
        leaving: Sequence[str] = (),
        check: bool = False,
        fails: bool = False,
    ) -> Played:
        """Run one of the project's playbooks; it has to end well, or to fail."""
        inventory, variables = self._folder / "inventory.json", self._folder / "told.json"
        inventory.write_text(json.dumps(self._inventory(nodes, leaving)))
        variables.write_text(json.dumps(told))
        command = [str(ANSIBLE_PLAYBOOK), "-i", str(inventory), "--extra-vars", f"@{variables}", "--diff"]
        done = subprocess.run(
            [*command, *(["--check"] if check else []), str(FOLDER / f"{playbook}.yml")],
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self._folder),
                "LC_ALL": "C.UTF-8",
                "ANSIBLE_NOCOLOR": "1",
                "ANSIBLE_PIPELINING": "1",
                "ANSIBLE_FORKS": "8",
            },
        )
        played = Played(done.returncode, done.stdout + done.stderr)
        assert (played.status != 0) == fails, played.output
        return played

    def _inventory(self, nodes: Sequence[str], leaving: Sequence[str]) -> dict[str, object]:
        def host(node: str) -> dict[str, str]:
            return {"ansible_host": self.addresses[node], "flstr_address": self.addresses[node]}

        known = _SSH.format(known_hosts=self._folder / "known_hosts")
        common = {
            "ansible_user": "root",
            "ansible_python_interpreter": "/usr/bin/python3",
            "ansible_ssh_private_key_file": str(self._folder / "client"),
            "ansible_ssh_common_args": known,
        }
        groups = {"service": nodes, "leaving": leaving}
        children = {group: {"hosts": {node: host(node) for node in of}} for group, of in groups.items()}
        return {"all": {"vars": common, "children": children}}
