"""From a laptop to the cluster's etcd, where that runs on controllers that only SSH reaches."""

from cli.own_keys import KEY_FILE
from cli.settings import Settings
from executors.control.access import Access, TunnelledStore, reach
from executors.ssh import Ssh

ACCESS_FOLDER = "control"


def access_of(settings: Settings) -> Access:
    """What this machine knows of controllers that carry the cluster."""
    return Access(settings.state / ACCESS_FOLDER)


def controllers_ssh(settings: Settings) -> Ssh:
    """Connections to the controllers that this machine knows, by their pinned host keys."""
    hosts = {known.node: known.host() for known in access_of(settings).controllers()}
    return Ssh(hosts.get, settings.state / KEY_FILE)


def through_a_controller(settings: Settings) -> TunnelledStore | None:
    """The cluster's etcd through a tunnel; None where this machine knows no controllers. Raises `Unreadable`."""
    access = access_of(settings)
    known = access.controllers()
    if not known:
        return None
    store = reach(controllers_ssh(settings), known, access.tls)
    access.learn(store)
    return store
