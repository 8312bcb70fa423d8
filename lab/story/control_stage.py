"""The stage of a cluster that carries itself: `flstr bootstrap` is run on this machine, and what becomes of it is seen
from outside, on the controllers, whatever state they are in."""

import base64
import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from lab.errors import LabError
from lab.machine_faults import MachineFaults
from lab.story.stage import Stage
from lab.units import run_inside
from model import keys

# Three controllers in the place of the example's one.
THREE_CONTROLLERS = {"role: controller\n    count: 1\n": "role: controller\n    count: 3\n"}

FLSTR_UNIT, ETCD_UNIT = "flstr.service", "flstr-etcd.service"

BOOTSTRAP_SECONDS = 300.0
ELECTION_SECONDS = 15.0

_ETCDCTL = (
    "etcdctl --endpoints=https://127.0.0.1:2379 --cacert=/etc/flstr/ca.pem --cert=/etc/flstr/client.pem "
    "--key=/etc/flstr/client-key.pem --dial-timeout=1s --command-timeout=2s --write-out=json"
)
# A watch goes on for ever: it has told all once it has told the newest revision, of whatever key that is; 7 says so.
_WATCHED_TO = (
    f"exec 3< <(exec timeout 25 {_ETCDCTL} watch --prefix '' --rev={{since}} 2>/dev/null); watching=$!; "
    "sed -u '/\"mod_revision\":{last}[,}}]/q7' <&3; told=$?; kill $watching 2>/dev/null; [ $told -eq 7 ]"
)


class ControlStage(Stage):
    """Its `flstr` is never started: what runs, runs on the controllers."""

    @property
    def faults(self) -> MachineFaults:
        """What can be done to a machine, by its name."""
        return self.around.lab.faults

    @property
    def bootstrap_log(self) -> Path:
        """What `flstr bootstrap` said, run after run."""
        return self.around.lab.folder / "bootstrap.log"

    def bootstrapping(self, **changes: str) -> "subprocess.Popen[bytes]":
        """`flstr bootstrap` of the lab's cluster repo, with these variables changed; it ends with this process."""
        command = ["setpriv", "--pdeathsig", "TERM", "--", sys.executable, "-m", "cli", "bootstrap"]
        with self.bootstrap_log.open("ab") as log:
            return subprocess.Popen(
                [*command, self.around.cluster_repo],
                env={**os.environ, **self.around.environment(), **changes},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def bootstrap(self, seconds: float = BOOTSTRAP_SECONDS, **changes: str) -> str:
        """Run it to its end; what it has said. Raises LabError where it does not end well."""
        running = self.bootstrapping(**changes)
        try:
            status = running.wait(seconds)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()
            raise LabError(f"flstr bootstrap did not end within {seconds:.0f} s: {self._last_words()}") from None
        if status != 0:
            raise LabError(f"flstr bootstrap ended with status {status}: {self._last_words()}")
        return self.bootstrap_log.read_text()

    def controllers(self) -> list[str]:
        """The names of the controllers that are rented."""
        return sorted(name for name in self.servers() if name.startswith("controller"))

    def inside(self, node: str, command: str) -> str:
        """What a command prints on a machine. Raises LabError."""
        return run_inside(self.around.lab.machines.host(node), command)

    def unit_state(self, node: str, unit: str = FLSTR_UNIT) -> str:
        """As systemd there says it: `active`, `activating`, `failed`, …"""
        return self.inside(node, f"systemctl show --value --property=ActiveState {unit}").strip()

    def journal(self, node: str, unit: str = FLSTR_UNIT, since: float = 0.0) -> list[str]:
        """The lines that a unit has logged since a time."""
        # What was said a moment ago may be on its way to the journal.
        look = f"journalctl --sync; journalctl --quiet --output=cat --unit={unit} --since=@{since:.0f}"
        return self.inside(node, look).splitlines()

    def etcd(self, prefix: str) -> dict[str, str]:
        """What the cluster's etcd has under a prefix, from the first controller that can say it. Raises LabError."""
        answer = json.loads(self._ask_etcd(f"{_ETCDCTL} get --prefix '{prefix}'"))
        return {_text(pair["key"]): _text(pair["value"]) for pair in answer.get("kvs", ())}

    def etcd_revision(self) -> int:
        """Grows with every write. Raises LabError."""
        return int(json.loads(self._ask_etcd(f"{_ETCDCTL} get nothing"))["header"]["revision"])

    def etcd_history(self, key: str, since: int) -> list[str]:
        """Every value that a key was given from a revision on, in order. Raises LabError."""
        return [value for value in self.etcd_changes(key, since) if value]

    def etcd_changes(self, key: str, since: int) -> list[str]:
        """The same, with nothing for each time that the key went. Raises LabError."""
        last = self.etcd_revision()
        changed = self._changed(since, last) if since <= last else []
        return [_text(pair.get("value", "")) for pair in changed if _text(pair["key"]) == key]

    def etcd_lease_seconds(self, key: str) -> int:
        """For how long the lease that a key goes with was granted. Raises LabError."""
        (pair,) = json.loads(self._ask_etcd(f"{_ETCDCTL} get '{key}'"))["kvs"]
        lease = json.loads(self._ask_etcd(f"{_ETCDCTL} lease timetolive {pair['lease']:x}"))
        return int(lease["granted-ttl"])

    def leader(self) -> str:
        """The controller whose flstr leads; empty where nobody does. Raises LabError."""
        return self.etcd(keys.LEADER).get(keys.LEADER, "").partition(":")[0]

    def etcd_leader(self) -> str:
        """The controller whose etcd leads. Raises LabError where it cannot be said."""
        members = json.loads(self._ask_etcd(f"{_ETCDCTL} member list"))["members"]
        status = json.loads(self._ask_etcd(f"{_ETCDCTL} endpoint status"))
        leads = status[0]["Status"].get("leader", 0)
        for member in members:
            if member["ID"] == leads:
                return str(member["name"])
        raise LabError("no member of etcd leads")

    def are_back(self) -> bool:
        """Whether each controller has a flstr that says so and an etcd that answers, and one of them leads."""
        nodes = self.controllers()
        try:
            there = self.etcd(keys.CONTROLLERS)
            for node in nodes:
                self.inside(node, f"{_ETCDCTL} endpoint health")
            return all(keys.controller(node) in there for node in nodes) and self.leader() in nodes
        except LabError:
            return False

    def _changed(self, since: int, last: int) -> list[dict[str, Any]]:
        """All that was written, or taken away, from a revision to the last one. Raises LabError."""
        watch = f"bash -c {shlex.quote(_WATCHED_TO.format(since=since, last=last))}"
        answers = map(json.loads, self._ask_etcd(watch).splitlines())
        return [event["kv"] for answer in answers for event in answer.get("Events", ())]

    def _ask_etcd(self, command: str) -> str:
        failure, deadline = "there is none", time.monotonic() + ELECTION_SECONDS
        while True:
            for node in self.controllers():
                try:
                    return self.inside(node, command)
                except LabError as error:
                    failure = str(error)
            # While they choose who leads them, none of them answers.
            if time.monotonic() > deadline:
                raise LabError(f"etcd answers on no controller: {failure}")
            time.sleep(0.2)

    def _last_words(self) -> str:
        lines = self.bootstrap_log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"


def _text(encoded: str) -> str:
    return base64.b64decode(encoded).decode()
