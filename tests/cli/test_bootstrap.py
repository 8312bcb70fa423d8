"""`flstr bootstrap` and `flstr upgrade` where they are refused: one sentence, and nothing was rented."""

from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cli.cluster_repo import init
from cli.own_keys import IDENTITY_FILE
from executors.control.access import Access, KnownController
from executors.control.authority import new_authority
from executors.control.signing import signer_of
from gitops.certificates import key_safe
from gitops.etcd_server import EmbeddedEtcd
from gitops.secrets import read_identities
from gitops.store import Store
from model import keys
from model.cluster import Cluster
from model.operation import Operation, Origin, StepState
from model.registered import EtcdMember, HostRecord
from model.steps import HandOver, Plan, PlannedStep
from tests.cli.shell import Flstr, refused
from tests.cli.test_bootstrap_source import git

NOWHERE = "255.255.255.255"  # no machine's
REPO = "ssh://git.example.com/cluster.git"
OTHER = Cluster.model_validate({"cluster": "other", "pools": {"controller": {"role": "controller", "count": 1}}})


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What a laptop's environment says, where Git finds the example at `REPO` and no cloud answers."""
    remote, folder = tmp_path / "remote.git", tmp_path / "cluster"
    remote.mkdir()
    git(remote, "init", "--bare")
    init(folder)
    git(folder, "init")
    git(folder, "add", ".")
    git(folder, "commit", "-m", "The example")
    git(folder, "push", str(remote), "HEAD:main")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", f"url.{remote}.insteadOf")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", REPO)
    cloud = {"HCLOUD_TOKEN": "token", "HCLOUD_ENDPOINT": "http://127.0.0.1:1/v1"}
    return {"FLSTR_STATE": str(tmp_path / "state"), **cloud}


@pytest.mark.parametrize(
    "words", [("bootstrap",), ("bootstrap", "a", "b"), ("bootstrap", "--now", "a"), ("upgrade", "a")]
)
def test_what_is_said_wrongly_says_where_to_look(flstr: Flstr, words: tuple[str, ...]) -> None:
    assert refused(flstr(*words), 2).endswith(f"; `flstr {words[0]} --help` says how it is used")


def test_a_token_is_needed_before_anything_is_looked_at(flstr: Flstr) -> None:
    assert refused(flstr("bootstrap", REPO), 1).startswith("set HCLOUD_TOKEN first")


def test_both_slack_tokens_are_needed_or_none(flstr: Flstr, told: dict[str, str]) -> None:
    """The controllers would not start with one of them."""
    done = flstr("bootstrap", REPO, **told, SLACK_BOT_TOKEN="xoxb-1")
    assert refused(done, 1).startswith("set SLACK_APP_TOKEN first")


def test_an_etcd_of_ones_own_is_not_for_it(flstr: Flstr, told: dict[str, str]) -> None:
    done = flstr("bootstrap", REPO, **told, FLSTR_ETCD_ENDPOINTS="http://127.0.0.1:1")
    assert refused(done, 1) == "a bootstrap makes the cluster's etcd; unset FLSTR_ETCD_ENDPOINTS for it"


@pytest.mark.parametrize("place", ["", "--upload-pack=touch"])
def test_what_is_no_address_is_not_given_to_git(flstr: Flstr, told: dict[str, str], place: str) -> None:
    done = flstr("bootstrap", "--", place, **told)
    assert refused(done, 1) == f"'{place}' is neither a folder nor a Git address; name a cluster repo"


def test_a_folder_that_is_no_repository_is_not_taken_for_the_one_around_it(
    flstr: Flstr, told: dict[str, str], tmp_path: Path
) -> None:
    git(tmp_path, "init")
    git(tmp_path, "remote", "add", "origin", REPO)
    (tmp_path / "inside").mkdir()
    sentence = refused(flstr("bootstrap", str(tmp_path / "inside"), **told), 1)
    assert sentence.startswith(f"{tmp_path}/inside is not the top of a Git repository")


def test_a_repository_of_this_machine_is_of_no_use_to_controllers(
    flstr: Flstr, told: dict[str, str], tmp_path: Path
) -> None:
    git(tmp_path / "cluster", "remote", "add", "origin", str(tmp_path / "remote.git"))
    sentence = refused(flstr("bootstrap", str(tmp_path / "cluster"), **told), 1)
    assert sentence == (
        f"the controllers cannot fetch {tmp_path}/remote.git, which is on this machine; push it to where they can"
    )
    assert not (tmp_path / "state").exists()


def test_a_cloud_that_does_not_answer_ends_it_with_how_to_go_on(
    flstr: Flstr, told: dict[str, str], tmp_path: Path
) -> None:
    done = flstr("bootstrap", REPO, **told)
    assert done.status == 1
    assert "no SLACK_BOT_TOKEN: the controllers will work without Slack" in done.out
    assert done.err == (
        "flstr: rent controller001 (cx22, fsn1): controller001: looking for its server failed: the cloud's API cannot "
        f"be reached; `flstr bootstrap {REPO}` goes on from there, and {tmp_path}/state/bootstrap.log says more\n"
    )


def test_without_etcd_or_git_it_says_what_to_install(
    flstr: Flstr, told: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "git").symlink_to(Path("/usr/bin/git"))
    monkeypatch.setenv("PATH", str(programs))
    done = flstr("bootstrap", REPO, **told)
    assert (done.status, done.err) == (1, "flstr: etcd is not installed; install Debian's etcd-server\n")


def test_a_state_of_another_cluster_is_left_alone(flstr: Flstr, told: dict[str, str], tmp_path: Path) -> None:
    etcd = EmbeddedEtcd(tmp_path / "state" / "etcd")
    store = Store([etcd.start()])
    store.put(keys.CLUSTER, OTHER.to_json())
    store.close()
    etcd.stop()
    done = flstr("bootstrap", REPO, **told)
    assert (done.status, done.err) == (1, f"flstr: {belongs_to_another(tmp_path)}\n")


def test_a_state_that_another_flstr_uses_is_left_alone(flstr: Flstr, told: dict[str, str], tmp_path: Path) -> None:
    etcd = EmbeddedEtcd(tmp_path / "state" / "etcd")
    etcd.start()
    try:
        done = flstr("bootstrap", REPO, **told)
    finally:
        etcd.stop()
    assert (done.status, done.err) == (
        1,
        f"flstr: another flstr has its etcd in {tmp_path}/state/etcd; stop it first\n",
    )


def test_the_controllers_of_another_cluster_are_left_alone(flstr: Flstr, told: dict[str, str], tmp_path: Path) -> None:
    hand_over_to_nobody(tmp_path / "state" / "control", "other")
    assert refused(flstr("bootstrap", REPO, **told), 1) == belongs_to_another(tmp_path)


def test_controllers_that_are_gone_are_not_waited_for(flstr: Flstr, told: dict[str, str], tmp_path: Path) -> None:
    hand_over_to_nobody(tmp_path / "state" / "control", "flstr-lab")
    done = flstr("bootstrap", REPO, **told)
    assert (done.status, done.out) == (1, "no controller answers at etcd; starting it\n")
    assert done.err.startswith(f"flstr: controller001: no SSH connection to {NOWHERE} port 22")
    state = f"{tmp_path}/state"
    assert done.err.endswith(
        f"; if the cluster was destroyed, remove {state}/control and {state}/etcd, and say it again\n"
    )


@pytest.mark.parametrize("lost", ["all of it", "which controllers there are"])
def test_a_laptop_that_has_handed_over_knows_from_its_own_etcd_to_whom(
    flstr: Flstr, told: dict[str, str], tmp_path: Path, lost: str
) -> None:
    state = tmp_path / "state"
    bootstrapped(state, handed_over=True)
    if lost != "all of it":
        hand_over_to_nobody(state / "control", "flstr-lab")
        (state / "control" / "controllers.json").unlink()
    done = flstr("bootstrap", REPO, **told)
    assert done.err.startswith(f"flstr: controller001: no SSH connection to {NOWHERE} port 22")
    assert "this machine has handed the cluster over, and knows again to whom\n" in done.out
    access = Access(state / "control")
    assert [(one.node, one.ip, one.address) for one in access.controllers()] == [("controller001", NOWHERE, NOWHERE)]
    assert access.cluster() == "flstr-lab"
    user = x509.load_pem_x509_certificate(access.tls.certificate.read_bytes()).subject
    assert user.rfc4514_string() == "CN=flstr"


def test_one_whose_hand_over_failed_goes_on_with_it(flstr: Flstr, told: dict[str, str], tmp_path: Path) -> None:
    bootstrapped(tmp_path / "state", handed_over=False)
    done = flstr("bootstrap", REPO, **told)
    assert "knows again to whom" not in done.out
    assert done.status == 1
    assert f"`flstr bootstrap {REPO}` goes on from there" in done.err
    assert not (tmp_path / "state" / "control").exists()


def test_controllers_that_cannot_be_read_are_told_of(flstr: Flstr, told: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "state" / "control" / "controllers.json"
    file.parent.mkdir(parents=True)
    file.write_text("[")
    assert refused(flstr("bootstrap", REPO, **told), 1) == (
        f"{file} cannot be read; put a copy of it back, or remove it, and `flstr bootstrap` writes it again on the "
        "machine that brought the cluster up"
    )


def test_after_the_hand_over_nobody_serves_from_the_laptop(flstr: Flstr, told: dict[str, str], tmp_path: Path) -> None:
    hand_over_to_nobody(tmp_path / "state" / "control", "flstr-lab")
    sentence = refused(flstr("serve", **told, FLSTR_CLUSTER_REPO=REPO), 1)
    assert sentence == (
        f"{tmp_path}/state has handed the cluster over, and controller001 carry it; `flstr status` asks them, "
        "and `flstr restore` takes it back once their etcd is lost"
    )


def test_nor_from_one_that_has_forgotten_to_whom(flstr: Flstr, told: dict[str, str], tmp_path: Path) -> None:
    bootstrapped(tmp_path / "state", handed_over=True)
    done = flstr("serve", **told, FLSTR_CLUSTER_REPO=REPO)
    sentence = f"{tmp_path}/state has handed the cluster over; `flstr bootstrap` says to whom"
    assert (done.status, done.err.splitlines()[-1]) == (1, f"flstr: {sentence}")


def test_without_controllers_there_is_nothing_to_upgrade(flstr: Flstr, told: dict[str, str], tmp_path: Path) -> None:
    sentence = refused(flstr("upgrade", **told), 1)
    assert sentence == f"{tmp_path}/state knows no controllers; `flstr bootstrap` brings some up"


def belongs_to_another(folder: Path) -> str:
    state = folder / "state"
    return f"{state} is cluster other's, and this is cluster flstr-lab; set FLSTR_STATE to a folder of its own"


def bootstrapped(state: Path, *, handed_over: bool) -> None:
    """The etcd of a laptop that brought up a controller, and handed over or failed in that."""
    step = HandOver(nodes=("controller001",))
    plan = Plan(title="bootstrap flstr-lab", steps=(PlannedStep(id="a", title="a", step=step),))
    ended = Operation(
        id="1", revision="r", plan=plan, origin=Origin(), status="failed", steps={"a": StepState()}, created=1.0
    )
    cluster = Cluster.model_validate({**OTHER.model_dump(exclude_unset=True), "cluster": "flstr-lab"})
    host = HostRecord(node="controller001", host_key=host_key(), ip=NOWHERE, server_id=1)
    member = EtcdMember(node="controller001", address=NOWHERE, member_id="a")
    etcd = EmbeddedEtcd(state / "etcd")
    store = Store([etcd.start()])
    store.write({keys.CLUSTER: cluster.to_json(), keys.operation("1"): ended.to_json()})
    store.write({keys.host("controller001"): host.to_json(), keys.etcd_member("controller001"): member.to_json()})
    if handed_over:
        store.put(keys.HANDED_OVER, "1000")
    signer_of(store, key_safe(read_identities(state / IDENTITY_FILE)), "flstr-lab")
    store.close()
    etcd.stop()


def host_key() -> str:
    return Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def hand_over_to_nobody(folder: Path, cluster: str) -> None:
    """What a laptop keeps of controllers; these do not answer."""
    access = Access(folder)
    access.remember([KnownController(node="controller001", ip=NOWHERE, host_key=host_key(), address=NOWHERE)])
    certificate, _ = new_authority(f"flstr {cluster}")
    access.tls.ca.write_text(certificate)
