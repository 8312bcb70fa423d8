"""What roles would write on a machine, rendered by Ansible here: the templates as they are, with the roles' own variables."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gitops.playbook_files import FOLDER

ANSIBLE = Path(sys.executable).parent


@dataclass(frozen=True)
class Case:
    """What a role writes on a node when it is told this, under a name of its own."""

    name: str
    role: str
    templates: tuple[str, ...]
    node: str
    told: Mapping[str, object]

    def play(self, to: Path) -> dict[str, object]:
        role = FOLDER / "roles" / self.role
        copies = [
            {
                "name": template,
                "ansible.builtin.template": {
                    "src": str(role / "templates" / template),
                    "dest": str(to / self.name / template),
                    "mode": "0600",
                },
            }
            for template in self.templates
        ]
        return {
            "hosts": self.node,
            "connection": "local",
            "gather_facts": False,
            # What a manifest says comes before what a role says by itself.
            "vars_files": [str(role / part / "main.yml") for part in ("defaults", "vars")],
            "tasks": [{"name": self.name, "vars": dict(self.told), "block": copies}],
        }


def rendered(cases: Sequence[Case], addresses: Mapping[str, str], to: Path) -> dict[str, dict[str, str]]:
    """The text of each template, by the names of the cases; all of them by one run, which takes its time to begin."""
    for case in cases:
        (to / case.name).mkdir()
    (to / "plays.yml").write_text(json.dumps([case.play(to) for case in cases]))
    hosts = {name: {"flstr_address": address} for name, address in addresses.items()}
    groups = {"service": {"hosts": hosts}, "leaving": {"hosts": {}}}
    interpreter = {"ansible_python_interpreter": sys.executable}
    (to / "inventory.json").write_text(json.dumps({"all": {"vars": interpreter, "children": groups}}))
    done = subprocess.run(
        [str(ANSIBLE / "ansible-playbook"), "-i", str(to / "inventory.json"), str(to / "plays.yml")],
        env={"PATH": os.environ["PATH"], "HOME": str(to), "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return {
        case.name: {template: (to / case.name / template).read_text() for template in case.templates} for case in cases
    }
