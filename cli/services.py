"""The parts of services that have a leader or keep data, put together from the settings."""

from cli.backups import place_of
from cli.own_keys import KEY_FILE, ssh_key
from cli.settings import Settings
from executors.services.backing_up import BackingUp
from executors.services.kept import Keeping
from executors.services.leading import Leading
from executors.services.playbooks import Controller, Playbooks
from executors.ssh import Ssh
from gitops.certificates import key_safe
from gitops.executor import Executors
from gitops.repository import ClusterRepo
from gitops.secrets import Identities


def build_playbooks(settings: Settings, ssh: Ssh, identities: Identities) -> Playbooks:
    """What runs playbooks on machines."""
    repo = ClusterRepo(settings.cluster_repo, settings.state / "cluster.git", settings.branch)
    controller = Controller(settings.state.absolute(), ssh_key(settings.state / KEY_FILE))
    return Playbooks(ssh, key_safe(identities), repo.export, controller)


def data_executors(settings: Settings, ssh: Ssh, playbooks: Playbooks, identities: Identities) -> Executors:
    """The steps by which a service's leader changes, and its data go and come, by their kind."""
    backing_up = BackingUp(
        ssh, playbooks, Keeping(ssh), place_of(settings), identities, settings.state / "service-backups"
    )
    return {
        "service.lead": Leading(ssh).lead,
        "service.back_up": backing_up.back_up,
        "service.restore": backing_up.restore,
    }
