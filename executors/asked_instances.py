"""Which instances somebody asks about, and where they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from executors.host_paths import unit_name
from gitops.verbs.desk import did_you_mean
from model.errors import Refused
from model.names import AppKind, AppName, CommitHash, InstanceId, NodeName
from model.registered import Registered


@dataclass(frozen=True)
class Asked:
    """An instance on its machine; `commit` is None of one that does not serve yet, or does not any more."""

    kind: AppKind
    app: AppName
    instance: InstanceId
    node: NodeName
    commit: CommitHash | None = None

    @property
    def unit(self) -> str:
        """Its systemd unit."""
        return unit_name(self.kind, self.app, self.instance)

    def __str__(self) -> str:
        return f"`{self.instance}` on {self.node}"


def asked_kinds(app: AppName, registered: Registered) -> tuple[AppKind, ...]:
    """What an app is to the others. Raises `Refused` for one that is not known."""
    kinds = tuple(kind for kind, name in registered.apps if name == app)
    if not kinds:
        known = sorted({name for _, name in registered.apps})
        raise Refused(f"There is no app called {app}.{did_you_mean(app, known)}")
    return kinds


def asked_instances(words: Sequence[str], registered: Registered) -> tuple[Asked, ...]:
    """The instances of `<app> [instance]`, also those that only hold a port: they are starting, or were left behind.

    An instance is called by its name, `1-0a1b2c3d`, or by its number alone.

    Raises `Refused` for an app or an instance that is not known.
    """
    app, *names = words
    kinds = asked_kinds(app, registered)
    found = {
        (held.kind, held.instance): Asked(held.kind, app, held.instance, node)
        for (node, _), held in registered.ports.items()
        if held.app == app
    }
    for kind in kinds:
        for name, record in registered.apps[kind, app].instances.items():
            found[kind, name] = Asked(kind, app, name, record.node, record.commit)
    wanted = [one for one in found.values() if not names or names[0] in (one.instance, one.instance.partition("-")[0])]
    if names and not wanted:
        known = sorted({one.instance for one in found.values()})
        raise Refused(f"{app} has no instance called {names[0]}.{did_you_mean(names[0], known)}")
    return tuple(sorted(wanted, key=_by_number))


def units_by_node(instances: Sequence[Asked]) -> Mapping[NodeName, tuple[str, ...]]:
    """The units to look at, a machine each."""
    nodes = sorted({one.node for one in instances})
    return {node: tuple(one.unit for one in instances if one.node == node) for node in nodes}


def _by_number(one: Asked) -> tuple[int, str]:
    number, _, spec = one.instance.partition("-")
    return int(number), spec
