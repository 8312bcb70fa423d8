"""Who had a hand in a change of the cluster repo, as real Git tells it."""

import subprocess
from pathlib import Path

import pytest

from gitops.hands import Hands, hands
from gitops.repository import Author, ClusterRepo
from tests.gitops.remote import Remote
from tests.gitops.scene import CLUSTER_YAML, manifests

CLUSTER = manifests().cluster
PATHS = ["cluster.yaml"]
OPERATOR, DEVELOPER, REVIEWER, STRANGER = "operator", "developer", "reviewer", "somebody-else"


class Writers:
    """People who commit, each under their own name, and what is to be said of it since the start."""

    def __init__(self, remote: Remote, clone: Path) -> None:
        self.remote, self.repo = remote, ClusterRepo(remote.url, clone)
        self.repo.fetch()
        self.since = self.repo.head()

    def git(self, person: str, *arguments: str) -> None:
        identity = ["-c", f"user.name={person}", "-c", f"user.email={person}@flstr.lab"]
        subprocess.run(["git", "-C", str(self.remote.work), *identity, *arguments], check=True, capture_output=True)

    def commit(self, person: str, text: str, path: str = "cluster.yaml", message: str = "change") -> None:
        with (self.remote.work / path).open("a") as file:
            file.write(f"# {text}\n")
        self.git(person, "add", "-A")
        self.git(person, "commit", "-q", "-m", message)

    def branch(self, person: str, *, other: str | None = "notes.yaml") -> None:
        """A branch with a change of cluster.yaml, beside which something else goes on."""
        self.git(person, "checkout", "-q", "-b", "wish")
        self.commit(person, "a wish")
        self.git(person, "checkout", "-q", "main")
        if other:
            self.commit(OPERATOR, "something else", other)

    def hands(self) -> Hands:
        self.git(OPERATOR, "push", "-q", "origin", "HEAD:main")
        self.repo.fetch()
        return hands(self.repo.changes(self.repo.head(), self.since, PATHS), CLUSTER)


@pytest.fixture
def writers(cluster_remote: Remote, tmp_path: Path) -> Writers:
    return Writers(cluster_remote, tmp_path / "clone")


def test_a_commit_by_hand_has_an_author(writers: Writers) -> None:
    writers.commit(DEVELOPER, "less")
    assert writers.hands() == Hands(authors=("developer",))


def test_what_touches_other_files_is_nobodys_hand(writers: Writers) -> None:
    writers.commit(REVIEWER, "of an app", "apps/influencer.yaml")
    assert writers.hands() == Hands()


def test_a_merge_has_an_author_and_a_merger(writers: Writers) -> None:
    writers.branch(DEVELOPER)
    writers.git(REVIEWER, "merge", "-q", "--no-ff", "-m", "merge it", "wish")
    assert writers.hands() == Hands(authors=("developer",), mergers=("reviewer",))


def test_a_merge_of_something_else_counts_for_nothing(writers: Writers) -> None:
    writers.git(DEVELOPER, "checkout", "-q", "-b", "wish")
    writers.commit(DEVELOPER, "of an app", "apps/influencer.yaml")
    writers.git(DEVELOPER, "checkout", "-q", "main")
    writers.commit(OPERATOR, "less")
    writers.git(REVIEWER, "merge", "-q", "--no-ff", "-m", "merge it", "wish")
    assert writers.hands() == Hands(authors=("operator",))


def test_who_wrote_what_a_later_commit_of_the_branch_took_back_and_another_did_again_is_found(
    writers: Writers,
) -> None:
    writers.git(DEVELOPER, "checkout", "-q", "-b", "wish")
    writers.commit(DEVELOPER, "a wish")
    writers.commit(REVIEWER, "another")
    writers.git(DEVELOPER, "checkout", "-q", "main")
    writers.git(OPERATOR, "merge", "-q", "--no-ff", "-m", "merge it", "wish")
    assert writers.hands() == Hands(authors=("developer", "reviewer"), mergers=("operator",))


def test_a_squash_names_those_who_wrote_it_with_somebody(writers: Writers) -> None:
    writers.branch(DEVELOPER)
    writers.git(REVIEWER, "merge", "-q", "--squash", "wish")
    together = f"A wish\n\nCo-authored-by: developer <{DEVELOPER}@flstr.lab>"
    writers.git(REVIEWER, "commit", "-q", "-m", together)
    assert writers.hands() == Hands(authors=("developer", "reviewer"))


def test_a_squash_under_the_authors_name_shows_who_committed_it(writers: Writers) -> None:
    writers.branch(DEVELOPER)
    writers.git(REVIEWER, "merge", "-q", "--squash", "wish")
    writers.git(REVIEWER, "commit", "-q", "-m", "A wish", "--author", f"developer <{DEVELOPER}@flstr.lab>")
    assert writers.hands() == Hands(authors=("developer",), mergers=("reviewer",))


def test_a_rebase_shows_who_brought_it_in(writers: Writers) -> None:
    writers.branch(DEVELOPER)
    writers.git(REVIEWER, "rebase", "-q", "main", "wish")
    assert writers.hands() == Hands(authors=("developer",), mergers=("reviewer",))


def test_who_asked_by_a_verb_is_the_requester_and_not_the_author(writers: Writers) -> None:
    writers.repo.commit(
        lambda _: {"cluster.yaml": f"{CLUSTER_YAML}# less\n"},
        "Scale worker\n\nAsked-by: operator\nAsked-in: slack #flstr\n",
        Author("operator", "operator@flstr.lab"),
    )
    writers.remote.pull()
    assert writers.hands() == Hands(requesters=("operator",))


def test_a_guest_who_asked_goes_by_the_slack_id(writers: Writers) -> None:
    writers.repo.commit(
        lambda _: {"cluster.yaml": f"{CLUSTER_YAML}# less\n"},
        "Scale worker\n\nAsked-by: u04guest\n",
        Author("guest", "guest@flstr.lab"),
    )
    writers.remote.pull()
    assert writers.hands() == Hands(requesters=("u04guest",))


def test_a_trailer_by_hand_hides_nobody_and_takes_no_nonsense(writers: Writers) -> None:
    writers.commit(DEVELOPER, "less", message="x\n\nAsked-by: reviewer\nAsked-by: No Body!\nCo-authored-by: nobody")
    assert writers.hands() == Hands(requesters=("reviewer",), authors=("developer",))


def test_who_is_known_to_nobody_is_kept_by_address(writers: Writers) -> None:
    writers.commit(STRANGER, "less")
    assert writers.hands() == Hands(strangers=("somebody-else@flstr.lab",))
