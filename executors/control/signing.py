"""The authority that a cluster has, kept in etcd with its key sealed: made once, by whoever needs it first."""

from executors.control.authority import Signer, new_authority
from gitops.certificates import KeySafe
from gitops.store import Store
from model import keys
from model.errors import Refused, StepFailed
from model.registered import Authority

_NAME = "flstr "


def cluster_of(authority: str) -> str:
    """The cluster whose authority is called so."""
    return authority.removeprefix(_NAME)


def signer_of(store: Store, safe: KeySafe, cluster: str) -> Signer:
    """The cluster's authority. Raises `StepFailed` where its key cannot be opened."""
    text = store.get(keys.AUTHORITY)
    if text is None:
        certificate, key = new_authority(f"{_NAME}{cluster}")
        made = Authority(certificate=certificate, sealed_key=safe.seal(key.encode())).to_json()
        # Of two who make one at once, one is kept.
        text = made if store.put_new(keys.AUTHORITY, made) else store.get(keys.AUTHORITY) or made
    known = Authority.model_validate_json(text)
    try:
        return Signer(known.certificate, safe.open(known.sealed_key).decode())
    except Refused as error:
        raise StepFailed(f"the key of the cluster's authority cannot be opened: {error.sentence}") from error
