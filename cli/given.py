"""What the controllers are given of the settings of whoever installs them."""

from pathlib import Path

from pydantic import SecretStr

from cli.git_host import known_hosts
from cli.own_keys import IDENTITY_FILE, KEY_FILE, ssh_key
from cli.settings import Settings, variable_of
from executors.control.given import Given
from model.errors import Refused

# Of a machine, or of a person at it; a controller has its own.
OWN = frozenset({"state", "cache", "email", "node", "etcd_endpoints", "etcd_ca", "etcd_certificate", "etcd_key"})


def given(settings: Settings) -> Given:
    """Every setting that is not as it is by default, with the files that some name. Raises `Refused`."""
    variables, files = {}, {}
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        if name in OWN or value == field.default:
            continue
        if isinstance(value, Path):
            files[variable_of(name)] = _text(variable_of(name), value)
        else:
            variables[variable_of(name)] = _plain(value)
    key, identity = ssh_key(settings.state / KEY_FILE), settings.state / IDENTITY_FILE
    return Given(variables, files, key, identity, known_hosts(settings.cluster_repo))


def _plain(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _text(variable: str, path: Path) -> str:
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{variable}: {path} cannot be read") from error
    return text if text.endswith("\n") else f"{text}\n"
