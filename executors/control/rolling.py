"""Another version of flstr on every controller, one after the other, and back where one does not come up with it."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from executors.control import paths
from executors.control.install import SCRIPT_SECONDS, Controllers, unit_file
from executors.control.program import KEPT
from executors.control.standing import Standing, obeyed, standing
from executors.control.waiting import UP_SECONDS, comes_true
from executors.templates import render
from gitops.executor import HostFence, StepContext
from gitops.installed import installed_as, upgraded_to
from gitops.registry import Registry
from gitops.store import Store
from model import keys
from model.errors import StepFailed
from model.names import NodeName

Report = Callable[[str], None]


def in_order(nodes: Collection[NodeName], now: Standing) -> list[NodeName]:
    """Those that are down first, as nobody misses them; whoever leads last."""
    return sorted(nodes, key=lambda node: (node in now.running, now.leads == node, node))


def others_down(node: NodeName, nodes: Collection[NodeName], now: Standing) -> list[NodeName]:
    """The other controllers that do not run: while there are any, this one has to."""
    return now.missing([other for other in nodes if other != node])


_PATHS = {
    "unit_path": paths.UNIT,
    "env_path": paths.ENV,
    "files": paths.FILES,
    "current": paths.CURRENT,
    "stable": paths.STABLE,
}


@dataclass(frozen=True)
class Rolling:
    """Upgrades controllers through their own etcd: program and unit, and with `settings` those of this shell."""

    controllers: Controllers
    store: Store
    report: Report
    settings: bool = False
    up_seconds: float = UP_SECONDS

    def roll(self, nodes: Collection[NodeName]) -> str:
        """Every controller that is not as it should be; what became of it. Raises `StepFailed`, and leaves the
        others."""
        done = [node for node in in_order(nodes, standing(self.store)) if self._upgrade(node, nodes)]
        if done:
            return f"upgraded {', '.join(done)}"
        return f"every controller has this version {'and these settings ' if self.settings else ''}already"

    def _upgrade(self, node: NodeName, nodes: Collection[NodeName]) -> bool:
        before = obeyed(self.store, lambda fence: self.controllers.facts(node, fence))
        version = obeyed(
            self.store, lambda fence: self.controllers.send(node, before.machine, fence, self._report_of(node))
        )
        # An upload takes its time.
        now = standing(self.store)
        running = now.running.get(node)
        if running is not None and (down := others_down(node, nodes, now)):
            raise StepFailed(f"{', '.join(down)} does not run, so {node} is not restarted; see to that one first")
        if running is not None and running.version == before.version:
            # One that was left in the middle of an upgrade is no good to go back to.
            self._run(node, "controller/keep.sh.j2")
        registered, certificate = Registry(self.store).read(), ""
        if self.settings:
            certificate = obeyed(
                self.store, lambda fence: self.controllers.settle(node, version, registered, self._context(node, fence))
            )
        said = self._run(
            node,
            "controller/upgrade.sh.j2",
            version=version,
            keep=KEPT,
            unit=unit_file(),
            certificate=certificate,
            certificate_path=paths.CERTIFICATE,
        )
        changed = bool(said) or running is None or running.version != version
        if changed:
            self.report(f"{node}: from {before.version or 'nothing'} to {version}")
            if not self._comes_up(node, version, running.since if said and running is not None else 0.0):
                raise StepFailed(self._gone_back(node, version))
        note = installed_as(version, registered) if self.settings else upgraded_to(version, node, registered)
        if registered.installed.get(node) != note:
            self.store.put(keys.installed(node), note)
        return changed

    def _gone_back(self, node: NodeName, version: str) -> str:
        """Have what ran well before run again; what became of the upgrade."""
        words = obeyed(self.store, lambda fence: self.controllers.last_words(node, fence))
        old = self._run(node, "controller/back.sh.j2")
        again = f"it has {old} again, as it was" if old else "there is nothing that ran there before to go back to"
        return f"{node}: flstr {version} did not come up within {self.up_seconds:.0f} s, so {again}; {words}"

    def _run(self, node: NodeName, template: str, **values: object) -> str:
        script = render(template, **_PATHS, **values)
        return obeyed(self.store, lambda fence: self.controllers.ssh.run(node, script, fence, SCRIPT_SECONDS)).strip()

    def _context(self, node: NodeName, fence: HostFence) -> StepContext:
        return StepContext("upgrade", Registry(self.store), fence, self._report_of(node))

    def _report_of(self, node: NodeName) -> Report:
        return lambda line: self.report(f"{node}: {line}")

    def _comes_up(self, node: NodeName, version: str, since: float) -> bool:
        def runs() -> bool:
            now = standing(self.store)
            record = now.running.get(node)
            return record is not None and record.version == version and record.since > since and bool(now.leader)

        return comes_true(runs, self.up_seconds)
