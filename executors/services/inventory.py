"""What Ansible is told of a run: the machines, and the variables. Pure."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from executors.services.told import PlaybookRun
from executors.unit_files import network_units
from model.errors import StepFailed
from model.names import NodeName
from model.registered import Registered
from model.service import Service, user_secret

PYTHON = "/usr/bin/python3"


@dataclass(frozen=True)
class Reached:
    """A machine as it is reached: where, by which host key, and its address in the apps' network."""

    node: NodeName
    ip: str
    host_key: str
    address: str


def reached(nodes: Sequence[NodeName], registered: Registered, network: str) -> tuple[Reached, ...]:
    """All machines of a run. Raises `StepFailed` naming one that cannot take part."""
    found = []
    for node in nodes:
        host, record = registered.hosts.get(node), registered.nodes.get(node)
        if host is None or host.ip is None:
            raise StepFailed(f"{node}: no address is registered for it")
        address = "" if record is None else record.addresses.get(network, "")
        if not address:
            raise StepFailed(f"{node}: it has no address in {network or 'a network of the apps'}")
        found.append(Reached(node, host.ip, host.host_key, address))
    return tuple(found)


def inventory(run: PlaybookRun, machines: Sequence[Reached], port: int, shell: str) -> str:
    """The inventory, in JSON; `shell` is what starts each task on a machine. This machine is not in it."""
    by_name = {machine.node: machine for machine in machines}
    groups = {
        name: {"hosts": {node: _host(by_name[node], port, shell) for node in nodes}}
        for name, nodes in (("service", run.nodes), ("leaving", run.leaving))
    }
    return json.dumps({"all": {"children": groups}}, indent=1)


def known_hosts(machines: Sequence[Reached]) -> str:
    """The host keys of the machines, by their names, as ssh is told to look for them."""
    return "".join(f"{machine.node} {machine.host_key}\n" for machine in machines)


def addresses(nodes: Sequence[NodeName], registered: Registered, network: str) -> tuple[str, ...]:
    """Where machines are in the apps' network, of those that are registered there."""
    there = (registered.nodes[node] for node in nodes if node in registered.nodes)
    return tuple(node.addresses[network] for node in there if network in node.addresses)


def variables(
    run: PlaybookRun, network: str, secrets: Mapping[str, bytes], silent: Sequence[str] = ()
) -> dict[str, object]:
    """The variables: the manifest's own, and those of flstr, which win; `silent` are addresses."""
    service = run.service
    told = {name: value.decode() for name, value in sorted(secrets.items())}
    return {
        **service.variables,
        "flstr_action": run.action,
        "flstr_service": service.service,
        "flstr_port": service.listens_at,
        "flstr_leader": run.leader or "",
        "flstr_silent": list(silent),
        "flstr_secrets": told,
        "flstr_users": _users(service, told),
        "flstr_network_units": list(network_units(network)),
        "flstr_backup_node": run.backup_node or "",
        "flstr_backup_file": run.backup_file,
    }


def variables_file(told: Mapping[str, object]) -> str:
    """A file of variables in YAML in which no text is a template, whatever a manifest has in it.

    The tag is on the whole: on a text by itself, it would have Ansible take "1" for a number.
    """
    return f"--- !unsafe\n{_value(told)}\n"


def _host(machine: Reached, port: int, shell: str) -> dict[str, object]:
    return {
        "ansible_host": machine.ip,
        "ansible_port": port,
        "ansible_user": "root",
        "ansible_ssh_common_args": f"-o HostKeyAlias={machine.node}",
        "ansible_python_interpreter": PYTHON,
        "ansible_shell_executable": shell,
        "flstr_address": machine.address,
    }


def _users(service: Service, secrets: Mapping[str, str]) -> dict[str, object]:
    """Each user with a password and roles; a role by itself is good for the database of the user's name."""
    return {
        name: {
            "password": secrets.get(user_secret(name), ""),
            "roles": [
                {"role": role, "db": name} if isinstance(role, str) else role.model_dump(mode="json")
                for role in user.roles
            ],
        }
        for name, user in sorted(service.users.items())
    }


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        # A key without a question mark ends at 1024 characters.
        return "{" + ", ".join(f"? {_text(str(name))} : {_value(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, float):
        return _number(value)
    return _text(value) if isinstance(value, str) else json.dumps(value)


def _number(value: float) -> str:
    """A number with a point, without which YAML 1.1 takes one with an exponent for a text."""
    if not math.isfinite(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    digits, exponent, power = repr(float(value)).partition("e")
    return f"{digits if '.' in digits else f'{digits}.0'}{exponent}{power}"


def _text(text: str) -> str:
    """A double-quoted text, of plain ASCII."""
    plain = (letter if " " <= letter <= "~" and letter not in '"\\' else f"\\U{ord(letter):08x}" for letter in text)
    return f'"{"".join(plain)}"'
