"""Which revisions of the cluster repo are followed, and which are refused."""

import textwrap

import pytest
from structlog.testing import capture_logs

from gitops.secrets import Identities
from model.errors import Refused, Unreadable
from tests.gitops.flstr import THREE_WORKERS, Flstr
from tests.gitops.remote import git
from tests.gitops.scene import CLUSTER_YAML, app_yaml
from tests.identity import IDENTITIES, OTHERS, encrypted


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"cluster.yaml": "pools: ["}, "cluster.yaml:1: this is not YAML"),
        ({"cluster.yaml": CLUSTER_YAML + "colour: blue\n"}, "'colour' is not a known field"),
        ({"cluster.yaml": None}, "cluster.yaml:1: the file is missing"),
        ({"cluster.yaml": None, "apps/influencer.yaml": None}, "cluster.yaml:1: the file is missing"),
    ],
)
def test_a_bad_revision_is_refused_once_and_nothing_changes(
    flstr: Flstr, files: dict[str, str | None], expected: str
) -> None:
    flstr.settle()
    before = flstr.registry.read()
    bad = flstr.cluster.push(files)
    assert len(flstr.settle()) == 1
    flstr.settle()
    (notice,) = flstr.notices()
    assert expected in notice
    assert bad[:8] in notice
    assert flstr.registry.read() == before
    assert expected in flstr.ask("status")


def test_a_mesh_that_machines_are_in_cannot_move(flstr: Flstr) -> None:
    flstr.settle()
    flstr.cluster.push({"cluster.yaml": CLUSTER_YAML.replace("10.111.0.0/24", "10.112.0.0/24")})
    assert len(flstr.settle()) == 1
    assert "mesh vpn_ingr keeps its subnet while ingress016, worker101, worker102 are in it" in flstr.notices()[0]


def test_a_merged_commit_that_does_not_exist_is_refused(flstr: Flstr) -> None:
    flstr.settle()
    flstr.cluster.push({"apps/influencer.yaml": app_yaml(flstr.app[0].url, "f" * 40)})
    assert len(flstr.settle()) == 1
    assert "apps/influencer.yaml: " in flstr.notices()[0]
    assert "has no commit, branch or tag" in flstr.notices()[0]


def test_a_secret_that_this_cluster_cannot_read_is_refused_by_name(flstr: Flstr) -> None:
    flstr.settle()
    manifest = app_yaml(flstr.app[0].url, flstr.app[1]) + "secrets:\n  token: |\n"
    line = len(manifest.splitlines())

    def push(encrypted_to: Identities) -> None:
        text = textwrap.indent(encrypted(b"hunter2", encrypted_to), "    ")
        flstr.cluster.push({"apps/influencer.yaml": manifest + text})

    push(OTHERS)
    assert len(flstr.settle()) == 1
    (notice,) = flstr.notices()
    said = (
        f"apps/influencer.yaml:{line}: the secret token of influencer: this cluster, which is {IDENTITIES.recipient}, "
    )
    assert said + "cannot decrypt it (no matching keys found)" in notice
    push(IDENTITIES)
    assert [operation.status for operation in flstr.settle()] == ["done", "done"]
    everything = "".join(flstr.store.prefix("").values())
    assert "BEGIN AGE ENCRYPTED FILE" in everything
    assert "hunter2" not in everything


def test_a_plain_secret_is_refused_and_told_nobody(flstr: Flstr) -> None:
    flstr.settle()
    manifest = app_yaml(flstr.app[0].url, flstr.app[1]) + "secrets:\n  token: hunter2\n"
    flstr.cluster.push({"apps/influencer.yaml": manifest})
    with capture_logs() as logged:
        assert len(flstr.settle()) == 1
    assert "secrets.token: this cannot be used, and is not shown; write what `flstr secret set`" in flstr.notices()[0]
    everything = "".join(flstr.store.prefix("").values()) + flstr.ask("status") + flstr.ask("plan") + repr(logged)
    assert "hunter2" not in everything


def test_a_force_push_stops_the_sync_until_somebody_looked(flstr: Flstr) -> None:
    flstr.cluster.push({"note.txt": "x"})
    flstr.settle()
    git(flstr.cluster.work, "reset", "-q", "--hard", "HEAD~1")
    rewritten = flstr.cluster.push({"cluster.yaml": THREE_WORKERS}, force=True)
    assert len(flstr.settle()) == 1
    assert "was rewritten" in flstr.notices()[0]
    assert "worker103" not in flstr.registry.read().nodes
    flstr.ask(f"sync {rewritten[:8]}")
    flstr.settle()
    assert "worker103" in flstr.registry.read().nodes


def test_a_revision_that_cannot_be_read_now_is_followed_once_it_can(flstr: Flstr) -> None:
    flstr.settle()
    away = flstr.app[0].bare.with_suffix(".away")
    flstr.app[0].bare.rename(away)
    # The mirror does not hold it yet, so the app's repository is asked.
    git(flstr.app[0].work, "commit", "-q", "--allow-empty", "-m", "third")
    third = git(flstr.app[0].work, "rev-parse", "HEAD")
    flstr.cluster.push({"apps/influencer.yaml": app_yaml(flstr.app[0].url, third)})
    for _ in range(2):
        with pytest.raises(Unreadable, match=r"^apps/influencer.yaml: file://.* cannot be read"):
            flstr.worker.look()
    assert flstr.notices() == []
    away.rename(flstr.app[0].bare)
    git(flstr.app[0].work, "push", "-q", "origin", "HEAD:main")
    assert flstr.settle()[-1].status == "done"
    commits = {item.commit for item in flstr.registry.read().apps["backend", "influencer"].instances.values()}
    assert commits == {third}


def test_a_mend_is_followed_where_what_was_accepted_cannot_be_read_any_more(flstr: Flstr) -> None:
    flstr.settle()
    # As a newer flstr finds it, for which the accepted revision is wrong.
    wrong = flstr.cluster.push({"cluster.yaml": CLUSTER_YAML + "colour: blue\n"})
    flstr.worker.following.save(flstr.worker.state().model_copy(update={"revision": wrong, "settled": False}))
    with pytest.raises(Refused, match="colour"):
        flstr.settle()
    flstr.cluster.push({"cluster.yaml": THREE_WORKERS})
    assert flstr.settle()[-1].status == "done"
    assert "worker103" in flstr.registry.read().nodes


def test_a_git_remote_that_is_gone_destroys_nothing(flstr: Flstr) -> None:
    flstr.settle()
    before = flstr.registry.read()
    flstr.cluster.bare.rename(flstr.cluster.bare.with_suffix(".away"))
    with pytest.raises(Refused, match="cannot be read"):
        flstr.worker.look()
    assert flstr.registry.read() == before
