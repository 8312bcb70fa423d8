"""A laptop that has handed over, and whose folder `control` is lost: its own etcd still knows whom it handed over to.

Machines obey nobody any more who leads by that etcd, so there is no going on with it.
"""

from cli.own_keys import IDENTITY_FILE
from cli.settings import Settings
from cli.tunnel import access_of
from executors.control.access import known_controllers
from executors.control.signing import signer_of
from gitops.certificates import key_safe
from gitops.registry import Registry
from gitops.secrets import read_identities
from gitops.store import Store
from model import keys
from model.errors import Refused, StepFailed


def remembered(settings: Settings, store: Store) -> bool:
    """Whether the cluster was handed over from this etcd; the controllers are known again then, and have a certificate
    for theirs. Raises `Refused` where that cannot be made."""
    if store.get(keys.HANDED_OVER) is None:
        return False
    registry, access = Registry(store), access_of(settings)
    safe = key_safe(read_identities(settings.state / IDENTITY_FILE))
    try:
        access.certify(signer_of(store, safe, registry.cluster().cluster))
    except StepFailed as error:
        raise Refused(error.sentence) from error
    access.remember(known_controllers(registry.read()))
    return True
