"""`flstr restore` where it is refused: one sentence, and nothing was changed."""

from pathlib import Path

import pytest

from cli import cluster_repo
from cli.restore import who_may_come_back, why_nothing_is_lost
from executors.adopting.facts import Facts
from executors.adopting.survey import Inventory, Survey
from gitops.etcd_server import EmbeddedEtcd
from gitops.secrets import read_identities
from tests.cli.shell import Flstr, refused
from tests.gitops.scene import manifests

NO_CLOUD = {"HCLOUD_TOKEN": "token", "HCLOUD_ENDPOINT": "http://127.0.0.1:1/v1"}


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    cluster_repo.init(tmp_path / "cluster")
    return tmp_path / "cluster"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    state = tmp_path / "state"
    read_identities(state / "age" / "identity")
    (state / "ssh").mkdir()
    return state


def told(state: Path) -> dict[str, str]:
    return {"FLSTR_STATE": str(state), **NO_CLOUD}


def test_without_a_backup_it_has_to_be_said_that_what_runs_is_taken_over(flstr: Flstr, repo: Path, state: Path) -> None:
    sentence = refused(flstr("restore", str(repo), **told(state)), 1)
    assert sentence == "say `flstr restore latest <cluster repo>`, or `flstr restore --adopt <cluster repo>`"


def test_a_key_that_is_not_there_is_asked_for_and_none_is_made(flstr: Flstr, repo: Path, state: Path) -> None:
    sentence = refused(flstr("restore", "--adopt", str(repo), **told(state)), 1)
    assert sentence.endswith("ssh/id_ed25519 is not there; put it back, or name a copy of it by --ssh-key")
    assert not (state / "ssh" / "id_ed25519").exists()


def test_another_key_never_takes_the_place_of_one_that_is_there(
    flstr: Flstr, repo: Path, state: Path, tmp_path: Path
) -> None:
    before = (state / "age" / "identity").read_text()
    (state / "ssh" / "id_ed25519").write_text("a key")
    read_identities(tmp_path / "other")
    done = flstr("restore", "--adopt", str(repo), "--identity", str(tmp_path / "other"), **told(state))
    assert "holds another key than" in refused(done, 1)
    assert (state / "age" / "identity").read_text() == before


def test_an_etcd_that_is_elsewhere_is_not_restored(flstr: Flstr, repo: Path, state: Path) -> None:
    done = flstr("restore", "--adopt", str(repo), **told(state), FLSTR_ETCD_ENDPOINTS="http://127.0.0.1:2379")
    assert "unset FLSTR_ETCD_ENDPOINTS" in refused(done, 1)


def test_a_state_that_is_in_use_is_left_alone(flstr: Flstr, repo: Path, state: Path) -> None:
    etcd = EmbeddedEtcd(state / "etcd")
    (state / "etcd-endpoint").write_text(f"{etcd.start()}\n")
    try:
        done = flstr("restore", "--adopt", str(repo), **told(state))
    finally:
        etcd.stop()
    assert refused(done, 1) == f"a flstr serve runs with its state in {state}; stop it first"


def test_while_the_controllers_carry_their_etcd_nothing_is_lost() -> None:
    """Two that lead by different etcds would both rent and give back."""
    living = Survey(Inventory(), facts={"controller001": Facts(etcd_answers=True), "worker101": Facts()})
    why = why_nothing_is_lost(living)
    assert why is not None
    assert why.startswith("the cluster's etcd answers on controller001, and whoever leads by it goes on")
    assert why_nothing_is_lost(Survey(Inventory(), facts={"controller001": Facts()})) is None


def test_a_controller_that_says_nothing_may_come_back_and_that_is_said() -> None:
    cluster = manifests().cluster
    controller, others = next(node for node in cluster.nodes() if node.startswith("controller")), {"worker101": "gone"}
    said = who_may_come_back(Survey(Inventory(), silent={controller: "no SSH", **others}), cluster)
    assert [sentence.partition(" ")[0] for sentence in said] == [controller]
