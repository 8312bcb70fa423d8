"""Runs of services' playbooks: prepared from what is registered, watched, and judged."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from executors.control.paths import FOLDER as SETTINGS
from executors.remote import Remote
from executors.script import STATE_FOLDER
from executors.services.agent import KNOWN_HOSTS, agent
from executors.services.ansible import INVENTORY, PROJECT, VARIABLES, Ansible, Ending, private_folder, write_private
from executors.services.fenced_shell import prepare_script, shell_path
from executors.services.hearing import Heard
from executors.services.inventory import Reached, addresses, inventory, known_hosts, reached, variables, variables_file
from executors.services.judging import judge
from executors.services.sandbox import FOLDER as INSIDE
from executors.services.secrets import wanted
from executors.services.told import PlaybookRun
from executors.services.words import told
from gitops.certificates import KeySafe
from gitops.executor import Cancellation, StepContext
from gitops.manifests import PLAYBOOKS
from gitops.playbook_files import FOLDER
from gitops.registry import Registry
from gitops.secrets import masked
from gitops.service_secrets import ServiceSecrets
from model.cluster import Cluster
from model.errors import StepFailed

PREPARE_SECONDS = 300.0
CHECK_SECONDS = 120.0  # somebody waits for the answer
PLAIN_SHELL = "/bin/sh"

# Writes a folder of the cluster repo, by Git's id of it, into a folder; as `ClusterRepo.export`.
Export = Callable[[str, Path], None]
Listener = Callable[[Heard], None]


@dataclass(frozen=True)
class Controller:
    """What flstr has on this machine, and Ansible does not see: its state, the SSH key in it, and what is `hidden`
    beside it."""

    state: Path
    key: Path
    port: int = 22
    remote_state: str = STATE_FOLDER
    hidden: tuple[Path, ...] = (Path(SETTINGS),)


class Playbooks:
    """Runs playbooks on the machines of a service, fenced as scripts are."""

    def __init__(self, remote: Remote, safe: KeySafe, export: Export, controller: Controller) -> None:
        self._remote = remote
        self._safe = safe
        self._export = export
        self._controller = controller

    def run(self, run: PlaybookRun, context: StepContext) -> None:
        """Run one to its end; its tasks are shown as they come.

        Raises `StepFailed` with the sentence of the first task that failed, `Cancelled` where it was given up, and
        `Fenced` where a machine obeys a newer controller.
        """
        if not run.everywhere:
            return
        secrets = ServiceSecrets(context.registry.store, self._safe).made(run.service.service, wanted(run.service))
        machines, surroundings = self._machines(run, context.registry)
        self._prepare(run, context)
        heard = Heard(partial(masked, values=tuple(secrets.values())))
        context.report(f"Ansible is at work on {', '.join(run.everywhere)}")
        shell = shell_path(context.fence, self._controller.remote_state)
        ending = self._carry_out(
            _Prepared(run, machines, surroundings, secrets, shell), heard, context.cancellation,
            lambda heard: context.tasks(heard.tasks()),
        )  # fmt: skip
        heard.end()
        context.tasks(heard.tasks())
        for node in sorted(heard.overtaken):
            # The machine itself says whether it does obey somebody else.
            self._remote.run(node, ":", context.fence)
        if heard.recap:
            context.tell(told(run.service.service, heard))
        judge(run.service.service, heard, ending, context.cancellation)

    def check(self, run: PlaybookRun, registry: Registry) -> Heard:
        """What a run would change: nothing is, on no machine, and no secret is made.

        Raises `StepFailed` or `Refused` with one sentence where that cannot be said.
        """
        secrets = ServiceSecrets(registry.store, self._safe).read(run.service.service)
        for name, make in wanted(run.service).items():
            # What would be made is not there yet; something in its place lets the playbook go on.
            secrets.setdefault(name, make())
        machines, surroundings = self._machines(run, registry)
        heard = Heard(partial(masked, values=tuple(secrets.values())))
        prepared = _Prepared(run, machines, surroundings, secrets, PLAIN_SHELL, check=True)
        ending = self._carry_out(prepared, heard, Cancellation(), lambda _: None)
        judge(run.service.service, heard, ending, Cancellation())
        return heard

    def _machines(self, run: PlaybookRun, registry: Registry) -> "tuple[tuple[Reached, ...], _Surroundings]":
        cluster, registered = registry.cluster(), registry.read()
        network = cluster.app_network() or ""
        surroundings = _Surroundings(network, addresses(run.silent, registered, network), _backups(cluster))
        return reached(run.everywhere, registered, network), surroundings

    def _prepare(self, run: PlaybookRun, context: StepContext) -> None:
        """Every machine refuses the tasks of an older controller from here on."""
        context.report("preparing the machines for Ansible")
        script = prepare_script(context.fence, self._controller.remote_state)
        scripts = dict.fromkeys(run.everywhere, script)
        done = self._remote.run_all(scripts, context.fence, PREPARE_SECONDS, context.cancellation)
        for answer in done.values():
            if isinstance(answer, StepFailed):
                raise answer

    def _carry_out(self, prepared: "_Prepared", heard: Heard, cancellation: Cancellation, show: Listener) -> Ending:
        controller = self._controller
        with private_folder(controller.state) as folder:
            prepared.write(folder, controller.port)
            playbook = self._playbook(prepared.run, folder)

            def hear(event: Mapping[str, Any]) -> None:
                if heard.hear(event):
                    show(heard)

            nodes = prepared.run.everywhere
            with agent(controller.key, folder, nodes) as socket:
                ansible = Ansible(
                    folder, (controller.state, *controller.hidden, *prepared.surroundings.backups), socket
                )
                within = CHECK_SECONDS if prepared.check else prepared.run.service.within
                return ansible.run(playbook, hear, within, cancellation, check=prepared.check)

    def _playbook(self, run: PlaybookRun, folder: Path) -> Path:
        """Where it stands for Ansible: ours as they are installed, the cluster repo's in a copy made for the run."""
        if run.service.ours is not None:
            return FOLDER / run.service.ours.file
        project = folder / PROJECT
        project.mkdir(mode=0o700)
        self._export(run.source, project)
        name = run.service.playbook.removeprefix(f"{PLAYBOOKS}/")
        if not (project / name).is_file():
            raise StepFailed(f"the cluster repo has no {run.service.playbook} at the revision that was planned")
        return Path(INSIDE) / PROJECT / name


def _backups(cluster: Cluster) -> tuple[Path, ...]:
    """The folder where backups are kept, if it is one: what a playbook can write there nobody could restore from."""
    kept = cluster.backups
    return (Path(kept.to),) if kept is not None and kept.to.startswith("/") else ()


@dataclass(frozen=True)
class _Surroundings:
    """The apps' network, the addresses there of machines that do not answer, and folders that Ansible does not see."""

    network: str
    silent: Sequence[str]
    backups: tuple[Path, ...]


@dataclass(frozen=True)
class _Prepared:
    """A run with all that it takes."""

    run: PlaybookRun
    machines: Sequence[Reached]
    surroundings: _Surroundings
    secrets: Mapping[str, bytes]
    shell: str
    check: bool = False

    def write(self, folder: Path, port: int) -> None:
        write_private(folder / INVENTORY, inventory(self.run, self.machines, port, self.shell))
        all_told = variables(self.run, self.surroundings.network, self.secrets, self.surroundings.silent)
        write_private(folder / VARIABLES, variables_file(all_told))
        write_private(folder / KNOWN_HOSTS, known_hosts(self.machines))
