"""Secrets in a cluster repo on disk: encrypted into an app's manifest with the public keys of `cluster.yaml` alone."""

import getpass
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from cli import cluster_repo
from cli.etcd import connect
from cli.settings import Settings
from gitops import edit_block
from gitops.lint import check
from gitops.manifests import app_path, app_paths, parse, read_cluster
from gitops.secrets import LARGEST, encrypt, parse_recipients
from model import keys
from model.errors import Refused
from model.names import SecretName
from model.schema import either, in_words

_NAMES: TypeAdapter[str] = TypeAdapter(SecretName)


def recipient(settings: Settings) -> str:
    """The cluster's public key, as the controller that leads wrote it. Raises `Refused`."""
    store = connect(settings)
    try:
        found = store.get(keys.RECIPIENT)
    finally:
        store.close()
    if found is None:
        raise Refused("no flstr serve has led this cluster yet; start it, and it makes the key")
    return found


def read_value(name: SecretName) -> bytes:
    """A secret from a person, who does not see it, or all of standard input. Raises `Refused`."""
    if not sys.stdin.isatty():
        return sys.stdin.buffer.read(LARGEST + 1)
    try:
        return getpass.getpass(f"{name}: ").encode()
    except EOFError as error:
        raise Refused("no secret was given, so that nothing has changed") from error


def set_secret(folder: Path, app: str, name: SecretName, read: Callable[[], bytes]) -> str:
    """Write what is read into an app's manifest, once that is right with it; what to do next. Raises `Refused`."""
    try:
        _NAMES.validate_python(name)
    except ValidationError:
        # What is written in its place may be the secret.
        raise Refused(f"the name of a secret is {in_words(_NAMES.json_schema())}") from None
    files = cluster_repo.read(folder)
    path = _path(files, app)
    recipients = parse_recipients(read_cluster(files).secrets.recipients)
    value = read()
    if not 0 < len(value) <= LARGEST:
        raise Refused(f"a secret has 1 to {LARGEST} bytes; what is longer belongs elsewhere, and its key here")
    encrypted = encrypt(value, recipients)
    _write(folder, files, path, edit_block.set_block(files[path], ["secrets", name], encrypted))
    newline = ", the last of them a newline" if value.endswith(b"\n") else ""
    size = f"{len(value)} byte{'' if len(value) == 1 else 's'}{newline}"
    return f"{path} has the secret {name} ({size}); commit it, and {app} is restarted with it"


def remove(folder: Path, app: str, name: SecretName) -> str:
    """Take a secret out of an app's manifest; what to do next. Raises `Refused`."""
    files = cluster_repo.read(folder)
    path = _path(files, app)
    _write(folder, files, path, edit_block.remove(files[path], ["secrets", name]))
    return f"{path} has no secret {name} any more; commit it, and {app} is restarted without it"


def _path(files: Mapping[str, str], app: str) -> str:
    """The manifest of an app, once it is YAML."""
    path = app_path(app)
    if path in files:
        parse(path, files[path])
    else:
        known = [Path(path).stem for path in app_paths(files)]
        raise Refused(f"there is no {path}" + (f"; the apps are {either(known)}" if known else ""))
    return path


def _write(folder: Path, files: Mapping[str, str], path: str, text: str) -> None:
    check({**files, path: text})
    (folder / path).write_text(text)
