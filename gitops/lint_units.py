"""What an app says of its instances: its variables, its secrets, and what a loose sandbox costs. Pure."""

from collections.abc import Iterable, Iterator, Mapping

from gitops.manifests import Document, Fault, Manifests, app_path, parse
from gitops.secrets import Decrypt, parse_recipient
from model.app import OWN_PREFIX, OWN_VARIABLES, App
from model.cluster import Cluster
from model.errors import Refused
from model.hardening import loosened
from model.service import Service

# Each step that starts an instance carries all of them, and an operation with its steps is one value of etcd.
MOST_OF_SECRETS = 32_000
MOST_OF_ALL_INSTANCES = 500_000


def unit_faults(
    document: Document, app: App, needed: Iterable[App], services: Iterable[Service] = ()
) -> Iterator[Fault]:
    """Variables whose names are taken by the app, or by apps and services that it needs; too many secrets."""
    taken = {name: _told_of(service, name) for service in services for name in service.told_where(app.app)}
    taken |= {name: f"says where {other.app} is" for other in (*needed, app) for name in other.told_where()}
    for name in app.variables:
        why = taken.get(name, "is set by flstr")
        if name in taken or name in OWN_VARIABLES or name.startswith(OWN_PREFIX):
            yield _fault(document, ("variables", name), f"{name} {why}; give your variable another name")
    size = sum(map(len, app.secrets.values()))
    if size > MOST_OF_SECRETS:
        sentence = f"the secrets of {app.app} have {size} characters together, and {MOST_OF_SECRETS} are the most"
        yield _fault(document, ("secrets",), f"{sentence}; keep what is long elsewhere, and its key here")
    elif size * app.instances > MOST_OF_ALL_INSTANCES:
        most = MOST_OF_ALL_INSTANCES // app.instances
        sentence = f"the secrets of {app.app} have {size} characters together, and {most} are the most with"
        yield _fault(document, ("secrets",), f"{sentence} {app.instances} instances; keep what is long elsewhere")


def _told_of(service: Service, variable: str) -> str:
    as_whom = variable == f"{service.env_prefix}_USER"
    return f"says as whom to come to {service.service}" if as_whom else f"says where {service.service} is"


def credential_faults(files: Mapping[str, str], manifests: Manifests) -> Iterator[Fault]:
    """Secrets of an app that are called as a password of a service that it needs: both are files in one folder."""
    for app in manifests.apps.values():
        needed = [service for name in app.needs if (service := manifests.services.get(name))]
        taken = {file: service.service for service in needed for file in service.credentials_for(app.app)}
        for name in app.secrets.keys() & taken.keys():
            document = parse(app_path(app.app), files[app_path(app.app)])
            sentence = f"{name} is the password of service {taken[name]}; give your secret another name"
            yield _fault(document, ("secrets", name), sentence)


def recipient_faults(document: Document, cluster: Cluster) -> Iterator[Fault]:
    """Public keys with a slip in them."""
    for number, recipient in enumerate(cluster.secrets.recipients):
        try:
            parse_recipient(recipient)
        except Refused as error:
            yield _fault(document, ("secrets", "recipients", number), error.sentence)


def undecryptable(files: Mapping[str, str], manifests: Manifests, decrypt: Decrypt) -> Iterator[Fault]:
    """Secrets that this cluster could not hand to an instance."""
    for app in manifests.apps.values():
        for name, encrypted in app.secrets.items():
            try:
                decrypt(encrypted)
            except Refused as error:
                document = parse(app_path(app.app), files[app_path(app.app)])
                yield _fault(document, ("secrets", name), f"the secret {name} of {app.app}: {error.sentence}")


def warnings(files: Mapping[str, str], manifests: Manifests) -> list[Fault]:
    """Each setting of a sandbox that is looser than it has to be, with what it costs."""
    found = []
    for app in manifests.apps.values():
        document = parse(app_path(app.app), files[app_path(app.app)])
        found += [_fault(document, ("hardening", *one.where), str(one)) for one in loosened(app.hardening)]
    return sorted(found, key=lambda fault: (fault.path, fault.line))


def _fault(document: Document, location: tuple[str | int, ...], sentence: str) -> Fault:
    return Fault(document.path, document.line(location), sentence)
