"""`flstr secret`: a person gives an app a secret, with the public key alone and without seeing the value."""

import io
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from cli import cluster_repo
from gitops.store import Store
from model import keys
from model.hardening import COSTS
from tests.cli.shell import Done, Flstr, refused
from tests.identity import IDENTITIES, OTHERS

ROOT = Path(__file__).parents[2]
MANIFEST = "apps/influencer.yaml"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A cluster repo that says to whom secrets are encrypted: the cluster, and somebody who keeps a key."""
    folder = tmp_path / "cluster"
    cluster_repo.init(folder)
    with (folder / "cluster.yaml").open("a") as cluster:
        cluster.write(f"\nsecrets:\n  recipients: [{IDENTITIES.recipient}, {OTHERS.recipient}]\n")
    return folder


def read(repo: Path) -> dict[str, str]:
    return cluster_repo.lint(repo).manifests.apps["backend", "influencer"].secrets


class Given:
    """`flstr` with something on its standard input."""

    def __init__(self, flstr: Flstr, monkeypatch: pytest.MonkeyPatch) -> None:
        self._flstr, self._monkeypatch = flstr, monkeypatch

    def __call__(self, value: bytes, *words: str) -> Done:
        self._monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(value)))
        return self._flstr(*words)


@pytest.fixture
def given(flstr: Flstr, monkeypatch: pytest.MonkeyPatch) -> Given:
    return Given(flstr, monkeypatch)


def test_a_secret_is_set_for_every_recipient_byte_for_byte(given: Given, repo: Path) -> None:
    before = (repo / MANIFEST).read_text()
    value = b"\x00\xffhunter2\n"
    done = given(value, "secret", "set", "influencer", "db-password", str(repo))
    assert (done.status, done.err) == (0, "")
    assert done.out == (
        f"{MANIFEST} has the secret db-password (10 bytes, the last of them a newline); "
        "commit it, and influencer is restarted with it\n"
    )
    assert [one.decrypt(read(repo)["db-password"]) for one in (IDENTITIES, OTHERS)] == [value, value]
    text = (repo / MANIFEST).read_text()
    assert text.startswith(before)
    assert "hunter2" not in text


def test_it_is_replaced_and_taken_out_again(given: Given, repo: Path) -> None:
    before = (repo / MANIFEST).read_text()
    for value in (b"one", b"two"):
        assert given(value, "secret", "set", "influencer", "token", str(repo)).status == 0
    assert {name: IDENTITIES.decrypt(one) for name, one in read(repo).items()} == {"token": b"two"}
    done = given(b"", "secret", "rm", "influencer", "token", str(repo))
    assert done.out == f"{MANIFEST} has no secret token any more; commit it, and influencer is restarted without it\n"
    assert (repo / MANIFEST).read_text().strip() == before.strip()


def test_a_plain_secret_in_the_manifest_is_mended_by_setting_it(given: Given, repo: Path) -> None:
    with (repo / MANIFEST).open("a") as manifest:
        manifest.write("secrets:\n  token: hunter2\n")
    assert "hunter2" not in refused(given(b"", "lint", str(repo)), 1)
    assert given(b"hunter3", "secret", "set", "influencer", "token", str(repo)).status == 0
    assert "hunter2" not in (repo / MANIFEST).read_text()
    assert IDENTITIES.decrypt(read(repo)["token"]) == b"hunter3"


@pytest.mark.parametrize(
    ("words", "value", "sentence"),
    [
        (
            ("influencer", "token"),
            b"",
            "a secret has 1 to 4096 bytes; what is longer belongs elsewhere, and its key here",
        ),
        (("influencer", "token"), b"x" * 4097, "a secret has 1 to 4096 bytes; what is longer belongs elsewhere"),
        (("influenzer", "token"), b"x", "there is no apps/influenzer.yaml; the apps are influencer"),
        (
            ("influencer", "hunter 2"),
            b"x",
            "the name of a secret is 1 to 63 of letters, digits, _ and -, beginning with",
        ),
    ],
)
def test_what_cannot_be_set_is_said_and_nothing_is_written(
    given: Given, repo: Path, words: tuple[str, ...], value: bytes, sentence: str
) -> None:
    before = (repo / MANIFEST).read_text()
    said = refused(given(value, "secret", "set", *words, str(repo)), 1)
    assert said.startswith(sentence)
    assert "hunter" not in said
    assert (repo / MANIFEST).read_text() == before


def test_without_a_recipient_nothing_is_asked(flstr: Flstr, tmp_path: Path) -> None:
    cluster_repo.init(tmp_path / "cluster")
    said = refused(flstr("secret", "set", "influencer", "token", str(tmp_path / "cluster")), 1)
    assert said == (
        "cluster.yaml does not say to whom secrets are encrypted; "
        "add what `flstr secret recipient` shows to secrets.recipients"
    )


def test_at_a_terminal_a_secret_is_asked_for_and_not_shown(repo: Path) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "cli", "secret", "set", "influencer", "token", str(repo)]
    with subprocess.Popen(
        ["setsid", "--ctty", "--wait", *command], cwd=ROOT, stdin=theirs, stdout=theirs, stderr=theirs
    ) as typing:
        os.close(theirs)
        shown = b""
        while b"token: " not in shown:
            shown += os.read(ours, 1000)
        os.write(ours, b"hunter2\n")
        while b"restarted with it" not in shown:
            shown += os.read(ours, 1000)
        assert typing.wait(timeout=60) == 0
    os.close(ours)
    assert b"hunter2" not in shown
    assert IDENTITIES.decrypt(read(repo)["token"]) == b"hunter2"


def test_the_clusters_public_key_is_asked_of_its_etcd(flstr: Flstr, store: Store, etcd_endpoint: str) -> None:
    said = refused(flstr("secret", "recipient", FLSTR_ETCD_ENDPOINTS=etcd_endpoint), 1)
    assert said == "no flstr serve has led this cluster yet; start it, and it makes the key"
    store.put(keys.RECIPIENT, IDENTITIES.recipient)
    assert flstr("secret", "recipient", FLSTR_ETCD_ENDPOINTS=etcd_endpoint).out == f"{IDENTITIES.recipient}\n"


def test_lint_says_what_a_loosened_sandbox_costs_and_finds_no_fault(flstr: Flstr, repo: Path) -> None:
    manifest = repo / MANIFEST
    manifest.write_text(manifest.read_text() + "hardening:\n  PrivateUsers: no\n")
    line = len(manifest.read_text().splitlines())
    done = flstr("lint", str(repo))
    assert (done.status, done.err) == (0, "")
    assert done.out.splitlines() == [
        f"{MANIFEST}:{line}: PrivateUsers is off: {COSTS['PrivateUsers', 'no']}",
        f"{repo} is right: 4 machines, 1 app",
    ]
