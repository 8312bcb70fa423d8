"""flstr on the controllers: installed, told of the cluster's etcd, started, and taken away again."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from executors.control import paths
from executors.control.dependencies import Machine
from executors.control.given import Given
from executors.control.program import Program
from executors.control.users import CONTROLLER_USER
from executors.control.waiting import UP_SECONDS, comes_true
from executors.remote import FileRemote
from executors.templates import render
from gitops.control import etcd_endpoints
from gitops.executor import HostFence, StepContext
from gitops.installed import installed_as
from gitops.registry import Registry
from model import keys
from model.errors import StepFailed
from model.names import NodeName
from model.registered import ControllerRecord, Registered
from model.steps import InstallController, RetireController

# A small machine that is busy compiles for long, and what is cut off begins anew.
SCRIPT_SECONDS = 600.0
# Its own ones, without those that systemd says of it.
LAST_WORDS = "journalctl _SYSTEMD_UNIT=flstr.service _TRANSPORT=stdout --lines 1 --output cat --quiet"
_REQUEST = "-----BEGIN CERTIFICATE REQUEST-----"


class ClientSigner(Protocol):
    """The cluster's authority, as far as it certifies those who come to etcd."""

    @property
    def certificate(self) -> str:
        """Of the authority itself, PEM."""
        ...

    def sign_client(self, csr_pem: str, user: str) -> str:
        """The certificate, PEM, of whoever made the request."""
        ...


SignerOf = Callable[[Registry], ClientSigner]


@dataclass(frozen=True)
class Controllers:
    """Carries out `InstallController` and `RetireController`.

    Whoever `runs` on a controller itself starts what it installs at once, and leaves the version of one that has flstr
    already to `flstr upgrade`. A laptop starts nothing before it has handed over.
    """

    ssh: FileRemote
    program: Program
    given: Given
    signer_of: SignerOf
    runs: bool

    def install(self, step: InstallController, context: StepContext) -> None:
        """Bring flstr to a controller, and start it where the cluster carries itself already."""
        version = self.bring(step.node, context.fence, context.report, keep=self.runs)
        registered = context.registry.read()
        certificate = self.settle(step.node, version, registered, context)
        before = context.registry.store.get(keys.controller(step.node))
        said = self.run(step.node, certificate, context.fence, starts=self.runs)
        if said and self.runs:
            context.report("waiting until it is up")
            self._await_presence(step.node, before, context)
        context.registry.store.put(keys.installed(step.node), installed_as(version, registered))
        context.report(f"has flstr {version}")

    def bring(self, node: NodeName, fence: HostFence, report: Callable[[str], None], *, keep: bool) -> str:
        """Have the archive on a controller, and say which version it is; `keep` leaves one that has any with that."""
        facts = self.facts(node, fence)
        return facts.version if keep and facts.version else self.send(node, facts.machine, fence, report)

    def facts(self, node: NodeName, fence: HostFence) -> "Facts":
        """What a controller is, and which flstr it has."""
        return parse_facts(node, self.ssh.run(node, render("controller/machine.sh.j2", current=paths.CURRENT), fence))

    def send(self, node: NodeName, machine: Machine, fence: HostFence, report: Callable[[str], None]) -> str:
        """Have the archive of the flstr that does this on a controller; its version."""
        report("making the archive")
        archive = self.program(machine)
        report(f"sending flstr {archive.version}")
        self.ssh.upload(node, archive.path, paths.archive_path(archive.version), fence, on_line=report)
        return archive.version

    def settle(self, node: NodeName, version: str, registered: Registered, context: StepContext) -> str:
        """Everything that flstr has on a controller, up to date; its new certificate, where it needs one."""
        signer = self.signer_of(context.registry)
        endpoints = etcd_endpoints(registered, node)
        script = render(
            "controller/install.sh.j2",
            version=version,
            told=bool(endpoints),
            env=self.given.environment(node, endpoints),
            files=self.given.public(),
            secrets=self.given.secrets(),
            ca=signer.certificate,
            unit=unit_file(),
            **_PATHS,
            subject=f"/CN={CONTROLLER_USER}",
        )
        context.report("unpacking and setting up")
        request = self.ssh.run(node, script, context.fence, SCRIPT_SECONDS)
        return signer.sign_client(request, CONTROLLER_USER) if _REQUEST in request else ""

    def run(self, node: NodeName, certificate: str, fence: HostFence, *, starts: bool) -> str:
        """Put the certificate there, and have flstr run as it is now; whether it was `started` or `restarted`."""
        script = render("controller/run.sh.j2", certificate=certificate, starts=starts, **_PATHS)
        return self.ssh.run(node, script, fence).strip()

    def retire(self, step: RetireController, context: StepContext) -> None:
        """Stop flstr on a controller and take its secrets away; a machine that is gone has none."""
        gone = (paths.ENV, paths.KEY, paths.CERTIFICATE)
        script = render("controller/retire.sh.j2", gone=gone, state=paths.STATE, unit_path=paths.UNIT)
        context.report("stopping flstr, and removing its secrets")
        if step.node in context.registry.dead():
            context.tell(f"{step.node} does not answer, so that its secrets are destroyed with it")
        else:
            self.ssh.run(step.node, script, context.fence)
        context.registry.store.delete(keys.installed(step.node))

    def _await_presence(self, node: NodeName, before: str | None, context: StepContext) -> None:
        known, store = _since(before), context.registry.store
        if not comes_true(lambda: _since(store.get(keys.controller(node))) > known, UP_SECONDS):
            words = self.last_words(node, context.fence)
            raise StepFailed(f"{node}: flstr did not come up within {UP_SECONDS:.0f} s; {words}")

    def last_words(self, node: NodeName, fence: HostFence) -> str:
        """What its journal says."""
        try:
            said = self.ssh.run(node, LAST_WORDS, fence).strip()
        except StepFailed as error:
            return error.sentence
        return f"its journal says: {said[-200:] or 'nothing'}"


_PATHS = {
    "user": paths.USER,
    "state": paths.STATE,
    "folder": paths.FOLDER,
    "env_path": paths.ENV,
    "ca_path": paths.CA,
    "certificate_path": paths.CERTIFICATE,
    "key_path": paths.KEY,
    "unit_path": paths.UNIT,
}


def unit_file() -> str:
    """flstr's unit on a controller."""
    return render(
        "controller/flstr.service.j2",
        user=paths.USER,
        env=paths.ENV,
        state=paths.STATE,
        state_name=paths.STATE_NAME,
        mounts=" ".join(f"-{folder}" for folder in paths.MOUNTS),
        current=paths.CURRENT,
    )


@dataclass(frozen=True)
class Facts:
    """What a controller is, and which flstr it has."""

    machine: Machine
    version: str


def parse_facts(node: NodeName, printed: str) -> Facts:
    """What `machine.sh` printed."""
    machine, version = None, ""
    for line in printed.splitlines():
        match line.split():
            case ["machine", hardware, python, glibc]:
                machine = Machine(hardware, python, glibc)
            case ["version", known]:
                version = known
    if machine is None:
        raise StepFailed(f"{node}: it does not say what machine it is", printed)
    return Facts(machine, version)


def _since(record: str | None) -> float:
    return 0.0 if record is None else ControllerRecord.model_validate_json(record).since
