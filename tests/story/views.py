"""What flstr left behind, seen from outside: in etcd, on the hosts, in the cloud's log."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import etcd3

from gitops.operations import Operations
from gitops.registry import Registry
from gitops.store import Store
from lab.story.stage import Stage
from lab.units import run_inside
from model import keys
from model.operation import Operation
from model.registered import Registered

UNITS = "flstr-backend-influencer-*.service"


def etcd_endpoint(stage: Stage) -> str:
    """The address of flstr's own etcd, as it is noted for the `flstr` command."""
    return Path(stage.around.state, "etcd-endpoint").read_text().strip()


def etcd_revision(stage: Stage) -> int:
    """Grows with every write."""
    at = urlsplit(etcd_endpoint(stage))
    client = etcd3.client(host=at.hostname, port=at.port)
    try:
        return int(client.get_response("none").header.revision)
    finally:
        client.close()


def etcd_writes(stage: Stage) -> int:
    """How often etcd was written to, but for up to when Slack was heard, which is noted all the while."""
    at = urlsplit(etcd_endpoint(stage))
    client = etcd3.client(host=at.hostname, port=at.port)
    try:
        heard = client.get_prefix_response(keys.HEARD)
        return int(heard.header.revision) - sum(int(pair.version) for pair in heard.kvs)
    finally:
        client.close()


def registered(stage: Stage) -> Registered:
    """The whole registered tree."""
    store = Store([etcd_endpoint(stage)])
    try:
        return Registry(store).read()
    finally:
        store.close()


def operation(stage: Stage, operation_id: str) -> Operation:
    """An operation as etcd remembers it: its plan, and when each of its steps began and ended."""
    store = Store([etcd_endpoint(stage)])
    try:
        found = Operations(store).get(operation_id)
    finally:
        store.close()
    assert found is not None
    return found


def held_locks(stage: Stage) -> list[str]:
    """The locks that are held, by name."""
    store = Store([etcd_endpoint(stage)])
    try:
        return sorted(key.removeprefix(keys.LOCKS) for key in store.prefix(keys.LOCKS))
    finally:
        store.close()


def units_started(stage: Stage) -> Counter[tuple[str, str]]:
    """How often systemd has started each instance, and builds of whatever release (`flstr-build`), by worker."""
    started = "MESSAGE_ID=39f53479d3a045ac8e11786248231fbf"  # SD_MESSAGE_UNIT_STARTED
    found: Counter[tuple[str, str]] = Counter()
    look = f"journalctl --sync; journalctl --quiet --output=cat --output-fields=UNIT {started}"
    for node, units in _on_workers(stage, look).items():
        for unit in units:
            if unit.startswith("flstr-build-"):
                found[node, "flstr-build"] += 1
            elif unit.startswith("flstr-backend-"):
                found[node, unit] += 1
    return found


def running_units(stage: Stage) -> dict[str, list[str]]:
    """The instances that systemd runs, by worker."""
    return _on_workers(stage, f"systemctl list-units --plain --no-legend --state=active '{UNITS}' | cut -d' ' -f1")


def enabled_units(stage: Stage) -> dict[str, list[str]]:
    """The instances that would come back after a reboot, by worker."""
    return _on_workers(stage, f"cd /etc/systemd/system/multi-user.target.wants && ls {UNITS} 2>/dev/null")


def registered_units(stage: Stage) -> dict[str, list[str]]:
    """The instances that etcd says there are, by worker."""
    units: dict[str, list[str]] = {name: [] for name in _workers(stage)}
    for (kind, app), record in registered(stage).apps.items():
        for instance, where in sorted(record.instances.items()):
            units[where.node].append(f"flstr-{kind}-{app}-{instance}.service")
    return units


def overlay_leases(stage: Stage) -> dict[str, str]:
    """The subnets of the overlay that etcd says are held, by machine; a machine that is gone is its address."""
    names = {ip: name for name, ip in stage.servers().items()}
    return {names.get(lease.public_ip, lease.public_ip): subnet for subnet, lease in registered(stage).leases.items()}


def overlay_peers(stage: Stage, node: str) -> set[str]:
    """The subnets that a machine's WireGuard sends to others."""
    said = stage.in_host(stage.servers()[node], "wg show flannel-wg allowed-ips | cut -f2")
    return set(said.split())


def listening(stage: Stage, node: str) -> list[str]:
    """The addresses and ports at which a machine's instances listen."""
    said = stage.in_host(stage.servers()[node], "ss --no-header --listening --tcp --numeric '( sport >= 20000 )'")
    return sorted(line.split()[3] for line in said.splitlines())


def packets(stage: Stage, node: str, device: str) -> int:
    """How many packets a machine has sent through a network."""
    return int(stage.in_host(stage.servers()[node], f"cat /sys/class/net/{device}/statistics/tx_packets"))


def answered(stage: Stage, method: str, path: str, status: int) -> int:
    """How often the cloud gave this answer."""
    return sum((it.method, it.path, it.status) == (method, path, status) for it in stage.around.cloud.requests.requests)


def ssh_logins(stage: Stage, node: str) -> int:
    """How many connections a host's sshd has let in; whoever asks needs none."""
    # What sshd says reaches the journal a little later.
    look = "journalctl --sync; journalctl --unit=ssh --output=cat | grep --count ^Accepted"
    return int(run_inside(stage.around.lab.machines.host(node), look))


def polls(stage: Stage) -> int:
    """How often the cluster repo was looked at."""
    return (stage.around.lab.folder / "git-daemon.log").read_text().count("Request upload-pack for '/cluster.git'")


def _on_workers(stage: Stage, command: str) -> dict[str, list[str]]:
    workers = _workers(stage)
    with ThreadPoolExecutor(max(1, len(workers))) as pool:
        printed = pool.map(lambda address: stage.in_host(address, command), workers.values())
        return {name: sorted(said.split()) for name, said in zip(workers, printed, strict=True)}


def _workers(stage: Stage) -> dict[str, str]:
    return {name: address for name, address in sorted(stage.servers().items()) if name.startswith("worker")}
