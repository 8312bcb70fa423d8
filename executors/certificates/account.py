"""flstr's account with a certificate authority, which is made at the first conversation."""

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence

from acme import errors

from executors.certificates.authority import Authority, Session, enter
from executors.certificates.failures import in_words
from executors.certificates.keypairs import account_key, make_key
from executors.certificates.network import Network
from gitops.certificates import KeySafe, claim_account, put_account
from gitops.store import Store
from model.names import CertificateHost

ISSUE_SECONDS = 300.0

_making_one = threading.Lock()


def enter_account(
    store: Store,
    safe: KeySafe,
    authority: Authority,
    names: Sequence[CertificateHost],
    pause: Callable[[float], None],
) -> Session:
    """A conversation about these names under the one account. Raises `IssueFailed`."""
    account = claim_account(store, authority.directory, safe, make_key)
    key = account_key(safe.open(account.sealed_key))
    net = Network(key, ISSUE_SECONDS, authority.trust, pause)
    with in_words(authority.directory, names), contextlib.nullcontext() if account.url else _in_turn(net):
        session = enter(authority, key, net)
    if account.url != session.url:
        put_account(store, account.model_copy(update={"url": session.url}))
    return session


@contextlib.contextmanager
def _in_turn(net: Network) -> Iterator[None]:
    """Certificates are got side by side, and one after the other where there is no account yet: authorities limit how
    often they are asked for one. Who waits does so in its own time: one that hangs holds up all no longer than one."""
    if not _making_one.acquire(timeout=net.left()):
        raise errors.TimeoutError
    try:
        yield
    finally:
        _making_one.release()
