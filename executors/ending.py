"""The end of a cluster: the last machines go, with whatever else bears its label; nothing of it is paid for any more.

Where the controllers carry the cluster's etcd, it ends with them. So all that needs etcd comes first. From the first
controller on only the cloud is needed, and a file on the machine that does this says what is to be done, should it be
killed in the middle. That machine goes last, by its own request.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog
from hcloud import APIException

from executors.cloud import CloudSettings
from executors.cloud_errors import in_words
from executors.cloud_settling import settle
from executors.labelled import Labelled
from gitops.executor import StepContext
from gitops.heard import wait_until_heard
from gitops.notices import say
from gitops.orphans import OrphanKind
from gitops.registry import Registry
from model import keys
from model.errors import StepFailed
from model.names import ClusterName, NodeName
from model.steps import EndCluster

log = structlog.get_logger()

AGAIN_SECONDS = 2.0
HEARD_SECONDS = 30.0
AFTER_SERVERS: tuple[OrphanKind, ...] = ("floating_ip", "primary_ip", "volume")


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
        if self._own is None:
            registry.store.check_fence()
            give_back_all(Labelled.of(self._settings, cluster), context.report)
            _forget(registry)
            context.report("nothing of the cluster is left in the cloud")
            return
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
    cluster = ending_cluster(note)
    while cluster is not None and not _is_finished(settings, cluster, own):
        time.sleep(AGAIN_SECONDS)


def _is_finished(settings: CloudSettings, cluster: ClusterName, own: NodeName) -> bool:
    try:
        give_back_all(Labelled.of(settings, cluster), log.info, own)
    except StepFailed as error:
        log.warning("the end of the cluster is tried again", sentence=error.sentence)
        return False
    return True


def give_back_all(labelled: Labelled, report: Callable[[str], object], own: NodeName = "") -> None:
    """Give back everything that bears the label: servers, what they had, keys and groups; the server `own` last."""
    mine = None
    for server in labelled.bound("server"):
        if own and server.name == own:
            mine = server
            continue
        report(f"giving server {server.name} back")
        labelled.give_back("server", server.id)
    for kind in AFTER_SERVERS:
        for one in labelled.bound(kind):
            # That of the last machine goes with it.
            if mine is None or getattr(one, "assignee_id", None) != mine.id:
                report(f"giving {kind.replace('_', ' ')} {one.name} back")
                labelled.give_back(kind, one.id)
    with in_words("deleting SSH keys"):
        for key in labelled.client.ssh_keys.get_all(label_selector=f"cluster={labelled.cluster}"):
            key.delete()
    _drop_groups(labelled, mine is not None)
    if mine is not None:
        report(f"giving server {own} back, which is this machine")
        labelled.give_back("server", mine.id)


def _drop_groups(labelled: Labelled, last_one_stands: bool) -> None:
    """A group is deleted once it is empty; a server is taken out of one while it runs.

    Should the cloud not have that of the last one, its group is left: it costs nothing, and the machine does.
    """
    with in_words("deleting placement groups"):
        for group in labelled.bound("placement_group"):
            try:
                settle(partial(_drop_group, labelled, group.id))
            except APIException:
                if not last_one_stands:
                    raise


def _drop_group(labelled: Labelled, number: int) -> None:
    for group in labelled.bound("placement_group"):
        if group.id == number:
            for server_id in group.servers or ():
                labelled.client.servers.get_by_id(server_id).remove_from_placement_group().wait_until_finished()
            group.delete()


def _forget(registry: Registry) -> None:
    """What was registered of what is gone, for whoever begins a cluster with the same etcd."""
    registered = registry.read()
    for node in registered.nodes.keys() | registered.hosts.keys():
        registry.forget_node(node)
        registry.forget_host(node)
    store = registry.store
    store.delete(*map(keys.orphan, registered.orphans), *store.prefix(keys.OVERLAY_SUBNETS))
