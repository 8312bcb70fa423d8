"""What an instance is told of the apps and services that its app needs, and the passwords that come with it."""

from collections.abc import Mapping

from gitops.secrets import Decrypt, opened
from gitops.service_secrets import read_secret
from gitops.store import Store
from model.app import App
from model.errors import StepFailed
from model.names import AppName
from model.registered import MetaData, Registered, RegisteredService

# Every node's own HAProxy offers every app and service here.
LOCAL_HAPROXY = "127.0.0.1"


def where(meta: MetaData) -> dict[str, str]:
    """The variables that say where an app or a service is."""
    return {
        f"{meta.env_prefix}_PROTOCOL": meta.env.protocol,
        f"{meta.env_prefix}_HOST": LOCAL_HAPROXY,
        f"{meta.env_prefix}_PORT": str(meta.publish.port),
        f"{meta.env_prefix}_PATH": meta.env.path,
    }


def where_needed(app: App, registered: Registered) -> dict[str, str]:
    """The variables of everything that an app needs. Raises `StepFailed` naming what is not there."""
    variables: dict[str, str] = {}
    for needed in app.needs:
        meta = _meta_data(app.app, needed, registered)
        variables |= where(meta)
        service = registered.services.get(needed)
        record = None if service is None else service.record
        if record is not None and (user := record.service.user_of(app.app)) is not None:
            variables[f"{meta.env_prefix}_USER"] = user
    return variables


def service_credentials(app: App, registered: Registered) -> Mapping[str, tuple[AppName, str]]:
    """By the name of the file in which an app finds it: the service, and the name of its secret.

    A service that was registered by hand has none that flstr knows.
    """
    found: dict[str, tuple[AppName, str]] = {}
    for needed in app.needs:
        service = registered.services.get(needed)
        if service is not None and service.record is not None and service.meta_data is not None:
            told = service.record.service.model_copy(update={"env_prefix": service.meta_data.env_prefix})
            files = told.credentials_for(app.app)
            found |= {file: (needed, secret) for file, secret in files.items()}
    return found


def credentials(app: App, registered: Registered, store: Store, decrypt: Decrypt) -> dict[str, bytes]:
    """The files that an app's instances read: its own secrets, and those of the services that it needs.

    Raises `Refused` naming one that cannot be opened, and `StepFailed` naming one that is not there.
    """
    found = opened(app, decrypt)
    for file, (service, name) in service_credentials(app, registered).items():
        value = read_secret(store, service, name, decrypt)
        if value is None:
            sentence = (
                f"{app.app} needs {service}, whose secret {name} is not there; it is made as {service} is installed"
            )
            raise StepFailed(sentence)
        found[file] = value
    return found


def _meta_data(app: AppName, needed: AppName, registered: Registered) -> MetaData:
    for (_, name), found in registered.apps.items():
        if name == needed and found.meta_data is not None:
            return found.meta_data
    service = registered.services.get(needed)
    if service is None:
        sentence = f"{app} needs {needed}, which is not registered; add apps/{needed}.yaml or services/{needed}.yaml"
        raise StepFailed(sentence)
    return _of_service(app, needed, service)


def _of_service(app: AppName, needed: AppName, service: RegisteredService) -> MetaData:
    if service.meta_data is None:
        raise StepFailed(f"{app} needs {needed}, which is not installed yet; it is registered once it serves")
    return service.meta_data
