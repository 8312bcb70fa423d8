"""Another version of flstr on every controller, one after the other, and back where one does not come up with it."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

from executors.control.install import LOOK_SECONDS, UP_SECONDS, Controllers
from executors.control.program import KEPT
from executors.control.standing import Standing, standing
from executors.templates import render
from gitops.installed import installed_as
from gitops.registry import Registry
from gitops.store import Store
from model import keys
from model.errors import StepFailed, Unreadable
from model.names import NodeName

Report = Callable[[str], None]
UPGRADE_SECONDS = 180.0


def in_order(nodes: Collection[NodeName], now: Standing) -> list[NodeName]:
    """Those that are down first, as nobody misses them; whoever leads last."""
    return sorted(nodes, key=lambda node: (node in now.running, now.leads == node, node))


def others_down(node: NodeName, nodes: Collection[NodeName], now: Standing) -> list[NodeName]:
    """The other controllers that do not run: while there are any, this one has to."""
    return now.missing([other for other in nodes if other != node])


@dataclass(frozen=True)
class Rolling:
    """Upgrades controllers through their own etcd."""

    controllers: Controllers
    store: Store
    report: Report
    up_seconds: float = UP_SECONDS

    def roll(self, nodes: Collection[NodeName]) -> str:
        """Every controller that has another version; what became of it. Raises `StepFailed`, and leaves the others."""
        done = [node for node in in_order(nodes, standing(self.store)) if self._upgrade(node, nodes)]
        return f"upgraded {', '.join(done)}" if done else "every controller has this version already"

    def _upgrade(self, node: NodeName, nodes: Collection[NodeName]) -> bool:
        now = standing(self.store)
        before = self.controllers.facts(node, now.fence)
        version = self.controllers.send(node, before.machine, now.fence, lambda line: self.report(f"{node}: {line}"))
        running = now.running.get(node)
        if before.version == version and running is not None and running.version == version:
            return False
        if running is not None and (down := others_down(node, nodes, now)):
            raise StepFailed(f"{', '.join(down)} does not run, so {node} is not restarted; see to that one first")
        self.report(f"{node}: from {before.version or 'nothing'} to {version}")
        self._switch(node, version)
        if not self._comes_up(node, version, running.since if running is not None else 0.0):
            words = self.controllers.last_words(node, standing(self.store).fence)
            if before.version:
                self._switch(node, before.version)
            raise StepFailed(
                f"{node}: flstr {version} did not come up within {self.up_seconds:.0f} s, so it has its old version "
                f"again; {words}"
            )
        self.store.put(keys.installed(node), installed_as(version, Registry(self.store).read()))
        return True

    def _switch(self, node: NodeName, version: str) -> None:
        script = render("controller/upgrade.sh.j2", version=version, keep=KEPT)
        self.controllers.ssh.run(node, script, standing(self.store).fence, UPGRADE_SECONDS)

    def _comes_up(self, node: NodeName, version: str, since: float) -> bool:
        deadline = time.monotonic() + self.up_seconds
        while time.monotonic() < deadline:
            try:
                now = standing(self.store)
            except Unreadable:
                pass
            else:
                record = now.running.get(node)
                if record is not None and record.version == version and record.since > since and now.leader:
                    return True
            time.sleep(LOOK_SECONDS)
        return False
