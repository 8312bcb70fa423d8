"""What a machine needs to register itself at the cluster's etcd: files, and the scripts that write them. Pure."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from executors.host_paths import UNITS_FOLDER
from executors.templates import render
from gitops.liveness import NODE_UNIT
from model import keys
from model.names import MeshName
from model.registered import NodeRecord

FOLDER = "/etc/flstr/node"
PROGRAM = "/usr/local/lib/flstr/register"
LEASE_FILE = "/run/flstr-node/lease"
# A machine that dies is gone from etcd after so long; it keeps its lease alive three times in it.
LEASE_SECONDS = 9
REGISTER_SECONDS = 30

_REQUEST = re.compile(
    r"^-----BEGIN CERTIFICATE REQUEST-----\n[A-Za-z0-9+/=\n]+-----END CERTIFICATE REQUEST-----\n", re.MULTILINE
)


@dataclass(frozen=True)
class Enrolled:
    """What a machine is told: who it is, where etcd is, through which mesh, and by which authority."""

    record: NodeRecord
    endpoints: Sequence[str]
    mesh: MeshName
    authority: str


def request_script(enrolled: Enrolled) -> str:
    """Makes the machine's key, and prints a request, unless it has a certificate of the authority already."""
    return render("node/request.sh.j2", folder=FOLDER, authority=enrolled.authority)


def request_in(output: str) -> str | None:
    """The request that the script printed; None where the machine has its certificate."""
    found = _REQUEST.search(output)
    return None if found is None else found[0]


def enrol_script(enrolled: Enrolled, certificate: str | None) -> str:
    """Writes the files, starts the unit, and waits until the machine has registered itself."""
    return render(
        "node/enrol.sh.j2",
        folder=FOLDER,
        certificate=certificate,
        program=PROGRAM,
        register=register_program(enrolled),
        unit=NODE_UNIT,
        unit_file=f"{UNITS_FOLDER}/{NODE_UNIT}",
        unit_text=render("node/flstr-node.service.j2", folder=FOLDER, program=PROGRAM, mesh=enrolled.mesh),
        lease_file=LEASE_FILE,
        seconds=REGISTER_SECONDS,
    )


def register_program(enrolled: Enrolled) -> str:
    """What the unit runs."""
    record = enrolled.record
    value = {"name": record.name, "ip": record.ip, "services": list(record.services)}
    return render(
        "node/register.sh.j2",
        key=keys.alive(record.name),
        value=json.dumps(value),
        endpoints=enrolled.endpoints,
        lease_seconds=LEASE_SECONDS,
    )


def retire_script() -> str:
    """Stops the unit for good, which unregisters the machine; its key is taken away."""
    return render("node/retire.sh.j2", unit=NODE_UNIT, unit_file=f"{UNITS_FOLDER}/{NODE_UNIT}", folder=FOLDER)
