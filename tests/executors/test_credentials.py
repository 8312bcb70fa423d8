"""Secrets on their way to a unit: the script that carries them, and the files that it writes."""

import base64
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from executors.instances import Instances, start_script, stop_script
from executors.releases import Releases
from executors.script import wrapped
from executors.templates import render
from executors.unit_files import Place, environment, unit_file
from gitops.executor import HostFence, StepContext
from gitops.registry import Registry
from gitops.store import Store
from model import keys
from model.errors import Refused, StepFailed
from model.steps import StartInstance
from tests.executors.clusters import cluster
from tests.executors.example import influencer, no_pack, registered, registered_keys
from tests.executors.expected import FIXTURES, check, shellcheck
from tests.executors.scripted import Answer, ScriptedRemote
from tests.identity import IDENTITIES, OTHERS, encrypted

INSTANCE = "3-ab12cd34"
UNIT = f"flstr-backend-influencer-{INSTANCE}.service"
PLACE = Place("worker101", "vpn_ingr", "10.111.0.1", 20001)
# The same each time, so that the fixture is.
SEALED = "-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n-----END AGE ENCRYPTED FILE-----\n"
PASSWORD = b"hunter2 and more"


def test_the_unit_and_the_script_of_an_app_with_secrets() -> None:
    app = influencer(
        secrets={"db-password": SEALED, "token": SEALED},
        variables={"LOG_LEVEL": 'at 100% "debug"'},
        hardening={"PrivateUsers": False, "RestrictNamespaces": ["user", "mnt"], "SystemCallFilter": ["@mount"]},
        tasks=64,
        restart="on-failure",
    )
    text = unit_file(app, INSTANCE, PLACE, environment(app, INSTANCE, PLACE, registered()))
    check(FIXTURES / "instances" / "loosened.service", text)
    script = start_script(app, INSTANCE, PLACE, registered(), {"db-password": PASSWORD, "token": b"\x00\n"})
    check(FIXTURES / "instances" / "start-with-secrets.sh", script)
    shellcheck(wrapped(script, HostFence(1)))
    assert "hunter2" not in script
    assert "AGE ENCRYPTED" not in script
    assert f"rm -rf /var/lib/flstr/credentials/{UNIT}\n" in stop_script("backend", "influencer", INSTANCE)


def put(folder: Path, secrets: dict[str, bytes]) -> bool:
    """Carry the part of the script out that writes secrets; whether it noted a change."""
    encoded = {name: base64.encodebytes(value).decode().rstrip() for name, value in secrets.items()}
    part = render("app/put-credentials.sh.j2", credentials=str(folder / "credentials/unit"), secrets=encoded)
    body = f"concerning unit\n{part}\nif changed; then echo changed; settled; fi"
    text = wrapped(body, HostFence(1), str(folder / "state"))
    done = subprocess.run(["bash", "-s"], input=text, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout == "changed\n"


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=4096))
@example(b"")
@example(b"\n\n")
@example(bytes(range(256)))
@example(b"END_OF_SECRET\n$(exit 1)`exit 1`\n")
def test_a_secret_arrives_byte_for_byte_and_once(tmp_path: Path, value: bytes) -> None:
    put(tmp_path, {"token": value})
    assert put(tmp_path, {"token": value}) is False
    folder = tmp_path / "credentials/unit"
    assert (folder / "token").read_bytes() == value
    assert [path.name for path in folder.iterdir()] == ["token"]
    assert put(tmp_path, {"token": value + b"x"}) is True


def test_secrets_are_for_their_owner_alone(tmp_path: Path) -> None:
    assert put(tmp_path, {"token": b"one", "other": b"two"}) is True
    folder = tmp_path / "credentials/unit"
    modes = [path.stat().st_mode & 0o777 for path in (folder.parent, folder, folder / "token", folder / "other")]
    assert modes == [0o700, 0o700, 0o600, 0o600]


class Field:
    """An instance to start with a secret, and machines that answer as a test says."""

    def __init__(self, store: Store, answer: Answer, secret: str) -> None:
        store.write(registered_keys())
        store.put(keys.CLUSTER, cluster("small").to_json())
        self.store = store
        self.remote = ScriptedRemote(answer)
        self.step = StartInstance(node="worker101", app=influencer(secrets={"token": secret}), instance=INSTANCE)
        self._context = StepContext("op", Registry(store), HostFence(1), lambda _: None)

    def start(self) -> None:
        Instances(self.remote, IDENTITIES.decrypt, Releases(self.remote, no_pack)).start(self.step, self._context)


def test_what_an_app_shows_of_its_secrets_as_it_ends_is_hidden(store: Store) -> None:
    field = Field(store, lambda node, script: f"exited 3\nI have {PASSWORD.decode()}\n", encrypted(PASSWORD))
    with pytest.raises(StepFailed, match="ended with status 3 before it answered") as failed:
        field.start()
    assert failed.value.output == "I have ****"


def test_what_a_script_says_of_secrets_as_it_fails_is_hidden(store: Store) -> None:
    def answer(node: str, script: str) -> str:
        raise StepFailed(f"{node}: {PASSWORD.decode()} is not a command", PASSWORD.decode())

    with pytest.raises(StepFailed) as failed:
        Field(store, answer, encrypted(PASSWORD)).start()
    assert "hunter2" not in failed.value.sentence + failed.value.output + str(failed.value)


def test_a_secret_that_cannot_be_decrypted_stops_the_start_before_anything_is_touched(store: Store) -> None:
    field = Field(store, lambda node, script: "healthy\n", encrypted(PASSWORD, OTHERS))
    before = store.prefix("")
    with pytest.raises(Refused, match=r"^the secret token of influencer: this cluster, which is age1"):
        field.start()
    assert store.prefix("") == before
    assert field.remote.ran == []
