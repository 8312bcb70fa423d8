"""The end of a cluster: the last machines go, with whatever else bears its label; nothing of it is paid for any more.

Where the controllers carry the cluster's etcd, it ends with them. So all that needs etcd comes first. From the first
controller on only the cloud is needed, and a file on the machine that does this says what is to be done, should it be
killed in the middle. That machine goes last, by its own request.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from executors.clearing import give_back_all
from executors.cloud import CloudSettings
from executors.labelled import Labelled
from gitops.executor import StepContext
from gitops.heard import wait_until_heard
from gitops.notices import say
from gitops.registry import Registry
from model import keys
from model.errors import StepFailed
from model.names import ClusterName, NodeName
from model.steps import EndCluster

log = structlog.get_logger()

# The first pause before what failed is tried again. Each is twice as long as the one before, up to the other: the
# project's requests are limited, and others share them.
AGAIN_SECONDS, AT_MOST_SECONDS = 2.0, 60.0
HEARD_SECONDS = 30.0


@dataclass(frozen=True)
class Own:
    """The machine that flstr itself runs on, where that is one of the cluster's.

    `note` is where it is noted that the cluster is ending; `unbind` has leadership no longer end the program.
    """

    node: NodeName
    note: Path
    unbind: Callable[[], None] = lambda: None


class Ending:
    """Carries out `EndCluster`; `own` is None where flstr runs outside of the cluster."""

    def __init__(self, settings: CloudSettings, own: Own | None = None) -> None:
        self._settings = settings
        self._own = own

    def end(self, _: EndCluster, context: StepContext) -> None:
        """Give everything back; of a flstr that runs on one of the machines, this call does not return."""
        registry = context.registry
        cluster = registry.cluster().cluster
        labelled = Labelled.of(self._settings, cluster)
        if self._own is None:
            registry.store.check_fence()
            give_back_all(labelled, context.report)
            _forget(registry)
            context.report("nothing of the cluster is left in the cloud")
            return
        _refuse_protected(labelled)
        last_news = f"ended-{context.operation}"
        say(
            registry.store,
            last_news,
            f":checkered_flag: *{cluster}* ends now: its last machines are given back, this one by itself as the very "
            "last. This is the last that is heard of it.",
        )
        wait_until_heard(registry.store, last_news, context.operation, HEARD_SECONDS)
        registry.store.check_fence()
        self._own.note.write_text(f"{cluster}\n")
        self._own.unbind()
        finish(self._settings, self._own.note, self._own.node)


def ending_cluster(note: Path) -> ClusterName | None:
    """The cluster whose end was begun on this machine; None where none was."""
    try:
        return note.read_text().strip() or None
    except OSError:
        return None


def finish(settings: CloudSettings, note: Path, own: NodeName) -> None:
    """End the noted cluster with the cloud alone, again and again until it is done; the machine `own` goes last.

    Returns where there is nothing left to give back, which on the machine itself nobody sees.
    """
    cluster, pause = ending_cluster(note), AGAIN_SECONDS
    while cluster is not None and not _is_finished(settings, cluster, own):
        time.sleep(pause)
        pause = min(2 * pause, AT_MOST_SECONDS)


def _is_finished(settings: CloudSettings, cluster: ClusterName, own: NodeName) -> bool:
    try:
        give_back_all(Labelled.of(settings, cluster), log.info, own)
    except StepFailed as error:
        log.warning("the end of the cluster is tried again", sentence=error.sentence)
    except Exception:
        # Nobody else ends what is left, so nothing that is thrown may end this.
        log.exception("the end of the cluster is tried again")
    else:
        return True
    return False


def _refuse_protected(labelled: Labelled) -> None:
    """Fail where something would stay, as long as the channel can hear of it."""
    if protected := labelled.protected():
        raise StepFailed(
            f"the cloud would not delete {', '.join(protected)}, which somebody has protected there; take the "
            "protection off in the Hetzner console"
        )


def _forget(registry: Registry) -> None:
    """What was registered of what is gone, for whoever begins a cluster with the same etcd."""
    registered = registry.read()
    for node in registered.nodes.keys() | registered.hosts.keys():
        registry.forget_node(node)
        registry.forget_host(node)
    store = registry.store
    store.delete(*map(keys.orphan, registered.orphans), *store.prefix(keys.OVERLAY_SUBNETS))
