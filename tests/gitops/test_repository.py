"""The cluster repo on real Git."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gitops.app_repos import AppRepos
from gitops.repository import Author, ClusterRepo
from model.errors import Refused
from tests.gitops.remote import Remote, git

DEVELOPER = Author("developer", "developer@flstr.lab")


@pytest.fixture
def repo(cluster_remote: Remote, tmp_path: Path) -> ClusterRepo:
    return ClusterRepo(cluster_remote.url, tmp_path / "clone")


def test_a_revision_is_read(repo: ClusterRepo, cluster_remote: Remote) -> None:
    repo.fetch()
    assert sorted(repo.files(repo.head())) == ["apps/influencer.yaml", "cluster.yaml"]
    assert repo.head() == git(cluster_remote.work, "rev-parse", "HEAD")


def test_a_commit_carries_the_person_and_where_they_asked(repo: ClusterRepo, cluster_remote: Remote) -> None:
    made = repo.commit(lambda _: {"apps/new.yaml": "x: 1\n"}, "Do it\n\nAsked-in: slack flstr\n", DEVELOPER)
    assert made == repo.head()
    revision = repo.revision(made)
    assert (revision.author, revision.subject) == (DEVELOPER, "Do it")
    assert revision.trailers == {"Asked-in": "slack flstr"}
    cluster_remote.pull()
    assert (cluster_remote.work / "apps/new.yaml").read_text() == "x: 1\n"
    assert (cluster_remote.work / "cluster.yaml").exists()


@pytest.mark.parametrize("name", ["Eve <operator@flstr.lab>", "Eve\nauthor Operator <operator@flstr.lab> 1 +0000"])
def test_a_name_cannot_make_a_commit_somebody_elses(repo: ClusterRepo, cluster_remote: Remote, name: str) -> None:
    made = repo.commit(lambda _: {"apps/x.yaml": "x"}, "Say so\n", Author(name, "eve@flstr.lab"))
    cluster_remote.pull()
    assert git(cluster_remote.work, "log", "-1", "--format=%ae %ce", str(made)) == "eve@flstr.lab flstr@localhost"


def test_a_commit_that_changes_nothing_is_not_made(repo: ClusterRepo) -> None:
    head = repo.head()
    assert repo.commit(lambda files: {"cluster.yaml": files["cluster.yaml"]}, "Nothing", DEVELOPER) is None
    assert repo.head() == head


def test_a_commit_is_made_again_on_what_somebody_else_pushed(repo: ClusterRepo, cluster_remote: Remote) -> None:
    pushed: list[str] = []

    def edit(files: object) -> dict[str, str]:
        if not pushed:
            pushed.append(cluster_remote.push({"other.yaml": "y: 1\n"}))
        return {"mine.yaml": "x: 1\n"}

    made = repo.commit(edit, "Mine", DEVELOPER)
    assert made is not None
    assert repo.follows(made, pushed[0])
    assert {"mine.yaml", "other.yaml"} <= repo.files(made).keys()


def test_a_rewritten_history_does_not_follow(repo: ClusterRepo, cluster_remote: Remote) -> None:
    before = cluster_remote.push({"a.yaml": "1"})
    repo.fetch()
    git(cluster_remote.work, "reset", "--hard", "-q", "HEAD~1")
    after = cluster_remote.push({"b.yaml": "1"}, force=True)
    repo.fetch()
    assert not repo.follows(after, before)


def test_a_remote_that_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(
        Refused, match=r"cannot be read: '/nowhere/cluster.git' does not appear to be a git repository$"
    ):
        ClusterRepo("file:///nowhere/cluster.git", tmp_path / "clone").head()


def test_a_remote_without_the_branch_is_one_sentence(make_remote: Callable[[str], Remote], tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"has no branch main; push one with a cluster\.yaml"):
        ClusterRepo(make_remote("empty").url, tmp_path / "clone").head()


def test_hashes_branches_and_tags_resolve(app_remote: tuple[Remote, str, str], tmp_path: Path) -> None:
    remote, first, second = app_remote
    git(remote.work, "tag", "v1", first)
    git(remote.work, "push", "-q", "origin", "v1")
    repos = AppRepos(tmp_path / "apps")
    assert repos.resolve(remote.url, first) == first
    assert repos.resolve(remote.url, first[:7]) == first
    assert repos.resolve(remote.url, "main") == second
    assert repos.resolve(remote.url, "v1") == first
    assert repos.subject(remote.url, second) == "second"


def test_a_branch_that_moved_is_seen(app_remote: tuple[Remote, str, str], tmp_path: Path) -> None:
    remote, _, second = app_remote
    repos = AppRepos(tmp_path / "apps")
    assert repos.resolve(remote.url, "main") == second
    third = remote.push({"run.sh": "three"})
    assert repos.resolve(remote.url, "main") == third


def test_an_unknown_commit_is_refused_with_the_near_ones(app_remote: tuple[Remote, str, str], tmp_path: Path) -> None:
    remote, _, second = app_remote
    wrong = second[:6] + ("0" if second[6] != "0" else "1")
    with pytest.raises(Refused, match=f"no commit, branch or tag '{wrong}'; near it are .*{second[:7]}"):
        AppRepos(tmp_path / "apps").resolve(remote.url, wrong)
    with pytest.raises(Refused, match=r"near it are .*main"):
        AppRepos(tmp_path / "apps").resolve(remote.url, "mian")


@pytest.mark.parametrize("name", ["--upload-pack=x", "-h", "HEAD", "main^{tree}", "..", "refs/heads/main", "a b", ""])
def test_a_name_cannot_become_an_option_or_an_expression(
    app_remote: tuple[Remote, str, str], tmp_path: Path, name: str
) -> None:
    with pytest.raises(Refused):
        AppRepos(tmp_path / "apps").resolve(app_remote[0].url, name)
