"""Where tests get certificates."""

from collections.abc import Callable

from executors.certificates.authority import Authority
from executors.certificates.failures import IssueFailed
from executors.certificates.office import Office
from executors.certificates.roots import trusted_roots
from gitops.certificates import KeySafe
from gitops.store import Store
from tests.executors.certificates.scripted_acme import ScriptedAcme, problem
from tests.running_acme import RunningAcme

NAME = "app.example.com"
# The short end of an order that matters for what it says only.
NONE_LEFT = problem("rateLimited", "too many certificates already issued", 429, "3600")

Start = Callable[..., ScriptedAcme]
Obtain = Callable[[ScriptedAcme], IssueFailed]


def office_at(acme: RunningAcme, store: Store, safe: KeySafe) -> Office:
    """Certificates from an authority that nobody else trusts."""
    authority = Authority(acme.server.directory, acme.server.directory_authority, ("operator@example.com",))
    return Office(store, safe, authority, trusted_roots(acme.server.root), pause=lambda _: None)


def scripted_office(acme: ScriptedAcme, store: Store, safe: KeySafe) -> Office:
    """An authority that gives none."""
    return Office(store, safe, Authority(acme.directory), [], pause=lambda _: None)
