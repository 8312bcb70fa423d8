"""What a laptop does for controllers that carry the cluster: start what is down, and bring a new version."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from rich.console import Console

from cli.control import build_controllers
from cli.own_keys import IDENTITY_FILE
from cli.settings import Settings
from cli.tunnel import access_of, controllers_ssh
from executors.control.access import reach
from executors.control.rolling import Rolling
from executors.control.standing import standing
from executors.control.waiting import UP_SECONDS, comes_true
from executors.remote import Unreachable
from executors.ssh import Ssh
from gitops.registry import Registry
from gitops.secrets import read_identities
from gitops.store import Store
from model.errors import Refused, StepFailed, Unreadable
from model.names import NodeName

START_SECONDS = 120.0
# Starting what should run anyway is no order of any leader's, so that no token goes with it.
_START = (
    "SYSTEMCTL_SKIP_SYSV=1 systemctl --quiet --no-reload enable flstr-etcd.service flstr.service && "
    "systemctl start flstr-etcd.service && systemctl start flstr.service && echo started || echo failed"
)


@dataclass(frozen=True)
class _Around:
    """How this laptop reaches the controllers that it knows."""

    ssh: Ssh
    store: Store

    def nodes(self) -> tuple[NodeName, ...]:
        """The controllers as the cluster has them by now."""
        return tuple(sorted(Registry(self.store).read().etcd_members))


@contextmanager
def _around(settings: Settings) -> Iterator[_Around]:
    access = access_of(settings)
    known = access.controllers()
    if not known:
        raise Refused(f"{settings.state} knows no controllers; `flstr bootstrap` brings some up")
    with closing(controllers_ssh(settings)) as ssh, closing(reach(ssh, known, access.tls)) as store:
        access.learn(store)
        with closing(controllers_ssh(settings)) as fresh:
            yield _Around(fresh, store)


def repair(settings: Settings, console: Console) -> None:
    """Say that the cluster carries itself already, and start what of it is down. Raises `Refused`."""
    try:
        with _around(settings) as around:
            _repair(around, console)
    except Unreadable:
        console.print("no controller answers at etcd; starting it", markup=False)
        _start_everything(settings)
        with _around(settings) as around:
            _repair(around, console)


def _repair(around: _Around, console: Console) -> None:
    nodes = around.nodes()
    now = standing(around.store)
    down = now.missing(nodes)
    for node in down:
        console.print(f"flstr does not run on {node}; starting it", markup=False)
        _start(around.ssh, node)
    comes_true(lambda: not standing(around.store).missing(nodes), UP_SECONDS)
    if missing := standing(around.store).missing(nodes):
        raise Refused(f"flstr does not come up on {', '.join(missing)}; `journalctl -u flstr` says why there")
    leader = standing(around.store).leads or "nobody yet"
    console.print(f"the cluster carries itself: flstr runs on {', '.join(nodes)}, and {leader} leads", markup=False)


def _start_everything(settings: Settings) -> None:
    known, failures = access_of(settings).controllers(), list[Refused]()
    with closing(controllers_ssh(settings)) as ssh:
        for controller in known:
            try:
                _start(ssh, controller.node)
            except Refused as error:
                failures.append(error)
    said = "; ".join(error.sentence for error in failures)
    if sum(isinstance(error.__cause__, Unreachable) for error in failures) == len(known):
        # So it looks after `flstr destroy` as well, and waiting would not help.
        state = settings.state
        raise Refused(
            f"{said}; if the cluster was destroyed, remove {state}/control and {state}/etcd, and say it again"
        )

    def answers() -> bool:
        with _around(settings):
            return True

    if not comes_true(answers, UP_SECONDS):
        raise Refused(said or "etcd comes up on no controller; `journalctl -u flstr-etcd` says why there")


def _start(ssh: Ssh, node: NodeName) -> None:
    try:
        with closing(ssh.talk(node, _START)) as starting:
            if starting.ask("", START_SECONDS).strip() != "started":
                raise Refused(f"{node}: etcd or flstr does not start; `journalctl -u flstr-etcd -u flstr` says why")
    except StepFailed as error:
        raise Refused(error.sentence) from error


def upgrade(settings: Settings, console: Console, *, with_settings: bool) -> None:
    """Bring every controller to the flstr that does this, and to these settings where it is said. Raises `Refused`."""
    if with_settings:
        settings.require("cluster_repo", "hcloud_token")
    with _around(settings) as around:

        def report(line: str) -> None:
            console.print(line, markup=False)

        controllers = build_controllers(settings, around.ssh, read_identities(settings.state / IDENTITY_FILE))
        if with_settings:
            taken = sorted([*controllers.given.variables, *controllers.given.files])
            report(f"settings of this shell: {', '.join(taken)}")
        try:
            said = Rolling(controllers, around.store, report, with_settings).roll(around.nodes())
        except StepFailed as error:
            raise Refused(error.sentence) from error
        console.print(said, markup=False)
