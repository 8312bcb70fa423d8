"""What a role would write on a machine, rendered by Ansible here: the templates as they are, with the role's own variables."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from gitops.playbook_files import FOLDER

ANSIBLE = Path(sys.executable).parent


def rendered(
    role: str, templates: tuple[str, ...], told: Mapping[str, object], addresses: Mapping[str, str], node: str, to: Path
) -> dict[str, str]:
    """The text of each template, as it would be on a node."""
    play = {
        "hosts": node,
        "connection": "local",
        "gather_facts": False,
        "tasks": [
            {
                "name": "The variables of the role",
                "ansible.builtin.include_vars": {"file": str(FOLDER / "roles" / role / part / "main.yml")},
            }
            for part in ("defaults", "vars")
            if part == "vars"
        ]
        + [
            {
                "name": template,
                "ansible.builtin.template": {
                    "src": str(FOLDER / "roles" / role / "templates" / template),
                    "dest": str(to / template),
                    "mode": "0600",
                },
            }
            for template in templates
        ],
        "vars_files": [str(FOLDER / "roles" / role / "defaults/main.yml")],
    }
    (to / "play.yml").write_text(json.dumps([play]))
    (to / "told.json").write_text(json.dumps(told))
    hosts = {name: {"flstr_address": address} for name, address in addresses.items()}
    groups = {"service": {"hosts": hosts}, "leaving": {"hosts": {}}}
    interpreter = {"ansible_python_interpreter": sys.executable}
    (to / "inventory.json").write_text(json.dumps({"all": {"vars": interpreter, "children": groups}}))
    done = subprocess.run(
        [
            str(ANSIBLE / "ansible-playbook"),
            *("-i", str(to / "inventory.json"), "-e", f"@{to / 'told.json'}", str(to / "play.yml")),
        ],
        env={"PATH": os.environ["PATH"], "HOME": str(to), "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return {template: (to / template).read_text() for template in templates}
