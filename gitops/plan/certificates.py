"""The plan that gets certificates which are due. Pure."""

from collections.abc import Sequence

from gitops.certificates_due import record_of, secured_hosts
from gitops.plan.rollout import StepList
from model.locks import CERTIFICATES
from model.names import CertificateHost
from model.registered import Registered
from model.steps import ApplyRouting, ObtainCertificate, Plan

NAMED_IN_TITLE = 5


def certificate_plans(registered: Registered, busy: frozenset[str]) -> tuple[Plan, ...]:
    """One plan for all that are noted as due: each is got by itself, and those that came are put in place together."""
    due = sorted(registered.due.keys() & secured_hosts(registered).keys())
    if not due or CERTIFICATES in busy:
        return ()
    first = [name for name in due if record_of(name, registered).issued is None]
    old = [name for name in due if name not in first]
    steps = StepList()
    obtained = [
        steps.add(f"obtain-{name}", _of_one(name, is_first=name in first), ObtainCertificate(name=name)) for name in due
    ]
    what = "the certificate" if len(due) == 1 else "the certificates"
    # One that fails keeps none of the others from being put in place.
    steps.add("install", f"put {what} on the ingresses", ApplyRouting(), obtained, tolerant=True)
    titles = [_title("get", "for", first), _title("renew", "of", old)]
    return (Plan(title="; ".join(filter(None, titles)), steps=steps.all(), locks=(CERTIFICATES,)),)


def _of_one(name: CertificateHost, *, is_first: bool) -> str:
    return f"get a certificate for {name}" if is_first else f"renew the certificate of {name}"


def _title(verb: str, word: str, names: Sequence[CertificateHost]) -> str:
    if not names:
        return ""
    more = len(names) - NAMED_IN_TITLE
    listed = ", ".join(names[:NAMED_IN_TITLE]) + (f" and {more} more" if more > 0 else "")
    return f"{verb} certificates {word} {listed}" if len(names) > 1 else _of_one(names[0], is_first=verb == "get")
