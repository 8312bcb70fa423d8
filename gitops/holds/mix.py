"""Whether what is locked goes together with what a revision says of all else. Pure."""

from gitops.lint import check
from gitops.manifests import CLUSTER_FILE, FaultyManifests, Manifests, app_path, service_path
from gitops.standing import check_standing
from model.errors import Refused
from model.registered import Registered

_A_PLAYBOOK = "- hosts: service:leaving\n"


class DoesNotGoTogether(Refused):
    """A revision that is right by itself, and wrong beside what is locked."""


def check_mix(mix: Manifests, registered: Registered, known: Manifests | None) -> None:
    """Raise `DoesNotGoTogether` where the lint, or what stands, does not allow the mix."""
    # Nobody wrote it: as JSON, which is YAML, it reads as files do, and lines mean nothing.
    files = {CLUSTER_FILE: f"{mix.cluster.to_json()}\n"}
    files |= {app_path(app.app): f"{app.to_json()}\n" for app in mix.apps.values()}
    files |= {service_path(name): f"{service.to_json()}\n" for name, service in mix.services.items()}
    # Their own revision was checked for what is in them.
    files |= {one.playbook: _A_PLAYBOOK for one in mix.services.values() if one.ours is None}
    try:
        check(files)
        check_standing(files, mix, registered, None if known is None else known.cluster)
    except FaultyManifests as error:
        fault = error.faults[0]
        raise DoesNotGoTogether(f"beside what is locked, {fault.path} is wrong: {fault.sentence}") from None
