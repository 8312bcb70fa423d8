"""What people get wrong, on the real thing: each is told in a sentence, and nothing is changed."""

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab.errors import LabError
from lab.story.asking import Asking, ask_once
from lab.story.chapters import Story
from lab.story.chat import DEVELOPER, GUEST, OPERATOR, REVIEWER, Card
from lab.story.narrator import Silent
from lab.story.stage import APP_HOST, Stage
from lab.surroundings import Wishes
from model.registered import Registered
from tests.story.views import enabled_units, registered, registered_units, running_units

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(600)]

# One worker with one instance is enough.
WISHES = Wishes(edits={"count: 2": "count: 1", "instances: 2": "instances: 1"})
NOTICE_SECONDS = 90.0
OPERATION_SECONDS = 120.0

Edit = Callable[[Path], None]


@dataclass(frozen=True)
class Untouched:
    """The cluster as it was when everything was right."""

    stage: Stage
    story: Story
    good: str
    manifests: Path
    registered: Registered
    servers: dict[str, str]
    answer: str

    def push(self, name: str, edit: Edit, force: bool = False) -> str:
        """Push the good manifests with one thing wrong; the new revision."""

        def spoil(folder: Path) -> None:
            for item in folder.iterdir():
                if item.name != ".git":
                    shutil.rmtree(item) if item.is_dir() else item.unlink()
            shutil.copytree(self.manifests, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".git"))
            edit(folder)

        return self.stage.push(name, spoil, force=force)

    def refused(self, revision: str) -> str:
        """What the channel hears of a revision that is not followed."""
        begins = f":no_entry: Revision `{revision[:8]}` is not followed: "
        said = self.stage.chat.await_said(begins, NOTICE_SECONDS)
        return said.removeprefix(begins)

    def check(self) -> None:
        """Nothing has changed, but for what is known of releases that failed."""
        assert self.stage.servers() == self.servers
        assert without_quarantine(registered(self.stage)) == without_quarantine(self.registered)
        assert ask_once(self.story.ingress(), APP_HOST) == self.answer


def without_quarantine(tree: Registered) -> Registered:
    apps = {name: app.model_copy(update={"quarantine": {}}) for name, app in tree.apps.items()}
    return tree.model_copy(update={"apps": apps})


@pytest.fixture(scope="module")
def untouched(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Untouched:
    story = Story(stage, Silent())
    story.build_up()
    manifests = tmp_path_factory.mktemp("good") / "cluster"
    subprocess.run(["git", "clone", "--quiet", stage.around.cluster_repo, str(manifests)], check=True)
    good = stage.git("-C", str(manifests), "rev-parse", "HEAD")
    answer = ask_once(story.ingress(), APP_HOST)
    assert answer.startswith("influencer first")
    return Untouched(stage, story, good, manifests, registered(stage), stage.servers(), answer)


def in_file(path: str, old: str, new: str) -> Edit:
    def edit(folder: Path) -> None:
        text = (folder / path).read_text()
        assert old in text
        (folder / path).write_text(text.replace(old, new))

    return edit


def second_app(folder: Path) -> None:
    text = (folder / "apps/influencer.yaml").read_text()
    text = text.replace("app: influencer", "app: advertiser").replace("host: influencer.", "host: advertiser.")
    (folder / "apps/advertiser.yaml").write_text(text)


def emptied(folder: Path) -> None:
    for item in folder.iterdir():
        if item.name != ".git":
            shutil.rmtree(item) if item.is_dir() else item.unlink()


APP, CLUSTER = "apps/influencer.yaml", "cluster.yaml"
REFUSED: dict[str, tuple[Edit, str, str]] = {
    "broken-yaml": (in_file(APP, "app: influencer", "app: [influencer"), f"{APP}:", "YAML"),
    "unknown-field": (in_file(APP, "instances: 1", "instnces: 1"), f"{APP}:6: ", "did you mean instances?"),
    "two-apps-on-one-port": (second_app, f"{APP}:", "advertiser and influencer both publish port 5001"),
    "no-ingress": (
        in_file(CLUSTER, "role: ingress\n    count: 1", "role: ingress\n    count: 0"),
        f"{APP}:",
        "influencer has no ingress to serve it; add a pool of role ingress",
    ),
    "emptied": (emptied, f"{CLUSTER}:1: ", "the file is missing"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_revision_with_a_fault_is_not_followed(untouched: Untouched, what: str) -> None:
    edit, where, wrong = REFUSED[what]
    sentence = untouched.refused(untouched.push(what, edit))
    assert sentence.startswith(where)
    assert wrong in sentence
    assert "\n" not in sentence
    untouched.check()


def test_a_revision_with_a_commit_that_does_not_exist_is_not_followed(untouched: Untouched) -> None:
    missing = "f" * 40
    commit = untouched.stage.app_commit("main~1")
    sentence = untouched.refused(untouched.push("missing-commit", in_file(APP, commit, missing)))
    assert sentence.startswith(f"{APP}: ")
    assert f"has no commit, branch or tag '{missing}'; near it are" in sentence
    untouched.check()


def test_the_status_says_what_is_not_followed(untouched: Untouched) -> None:
    revision = untouched.push("emptied-again", emptied)
    untouched.refused(revision)
    status = untouched.stage.chat.command(OPERATOR, "/flstr status")
    assert f"follows `{untouched.good[:8]}`" in status
    assert f"`{revision[:8]}` is not followed: cluster.yaml:1: the file is missing" in status


def test_a_deleted_branch_stops_the_sync_and_is_told(untouched: Untouched) -> None:
    stage = untouched.stage
    folder = str(stage.around.lab.git.path("cluster"))
    head = stage.git("--git-dir", folder, "rev-parse", "main")
    stage.git("--git-dir", folder, "update-ref", "-d", "refs/heads/main")
    said = stage.chat.await_said(":warning: Nothing is changed for now: ", NOTICE_SECONDS)
    assert "has no branch main" in said
    untouched.check()
    stage.git("--git-dir", folder, "update-ref", "refs/heads/main", head)
    stage.chat.await_said(":white_check_mark: What could not be read can be read again", NOTICE_SECONDS)


def test_a_rewritten_history_is_followed_only_when_somebody_says_so(untouched: Untouched) -> None:
    chat = untouched.stage.chat
    revision = untouched.push("rewritten", lambda _: None, force=True)
    sentence = untouched.refused(revision)
    assert "the history of main was rewritten" in sentence
    assert f"/flstr sync {revision[:8]}" in sentence
    untouched.check()
    assert "You may not sync; operator may." in chat.command(DEVELOPER, f"/flstr sync {revision[:8]}")
    chat.command(OPERATOR, f"/flstr sync {revision[:8]}")
    chat.await_answer(OPERATOR, "/flstr status", f"follows `{revision[:8]}`")
    untouched.check()


def deploy(untouched: Untouched, commit: str) -> Card:
    """Deploy a commit; its card once it has ended. A client asks all the while."""
    chat = untouched.stage.chat
    before = {card.record for card in chat.cards()}
    with Asking(untouched.story.ingress(), APP_HOST) as asking:
        answer = chat.command(DEVELOPER, f"/flstr deploy influencer@{commit}")
        assert "committed as" in answer
        card = chat.await_card(
            lambda it: it.record not in before and it.ending is not None, f"the end of {commit}", OPERATION_SECONDS
        )
    assert asking.tally.failures == []
    assert set(asking.tally.answers) == {untouched.answer}
    return card


def back(untouched: Untouched, card: Card) -> None:
    """flstr says in Git what serves, and why; nothing is left to do then."""
    chat, commit = untouched.stage.chat, untouched.stage.app_commit("main~1")
    failed = card.text.partition("@")[2][:8]
    said = f":leftwards_arrow_with_hook: *influencer* is back at `{commit[:8]}`: `{failed}` failed"
    chat.await_said(said, NOTICE_SECONDS)
    assert untouched.stage.cluster_log().splitlines()[1].startswith(f"Revert influencer to {commit[:12]} (")
    chat.await_answer(OPERATOR, "/flstr plan", "changes nothing")
    untouched.check()
    assert running_units(untouched.stage) == enabled_units(untouched.stage) == registered_units(untouched.stage)


def test_a_build_that_fails_shows_its_last_lines_and_the_old_commit_serves_on(untouched: Untouched) -> None:
    untouched.push("good", lambda _: None)
    card = deploy(untouched, "broken-build")
    assert card.ending == "failed"
    assert "build.sh of influencer ended with status 3" in card.text
    assert (
        dict(card.tasks)[f"build influencer@{untouched.stage.app_commit('broken-build')[:8]} on worker101"] == "error"
    )
    thread = "\n".join(untouched.stage.chat.await_thread(card, "hashtags"))
    assert "server.py: module 'hashtags' is not in the dependencies" in thread
    untouched.check()
    back(untouched, card)


def test_an_instance_that_never_gets_healthy_goes_and_the_old_one_serves_on(untouched: Untouched) -> None:
    card = deploy(untouched, "never-healthy")
    assert card.ending == "failed"
    assert "did not answer 200 at /health within 30s; last answer was 503" in card.text
    thread = "\n".join(untouched.stage.chat.await_thread(card, "/health"))
    assert "GET /health" in thread
    untouched.check()
    back(untouched, card)


def test_people_without_the_right_are_told_who_has_it(untouched: Untouched) -> None:
    chat = untouched.stage.chat
    assert "No person of cluster.yaml has the id U04GUEST" in chat.command(GUEST, "/flstr status")
    assert chat.command(REVIEWER, "/flstr deploy influencer@main") == "You may not deploy; developer or operator may."
    assert chat.command(DEVELOPER, "/flstr approve 7f3a") == "You may not approve; operator or reviewer may."
    untouched.check()


def test_a_click_without_the_right_does_not_count(untouched: Untouched) -> None:
    chat = untouched.stage.chat
    before = {card.record for card in chat.cards()}
    untouched.push("no-influencer", lambda folder: (folder / APP).unlink())
    card = chat.await_card(lambda it: it.record not in before and it.waits, "a card that asks")
    assert "*Apps removed:* influencer" in card.sections[0]
    assert chat.click(DEVELOPER, card, "approval.approve") == "You may not approve; operator or reviewer may."
    assert "has the id U04GUEST" in chat.click(GUEST, card, "approval.approve")
    untouched.check()
    untouched.push("influencer-again", lambda _: None)
    chat.await_card(lambda it: it.ts == card.ts and it.ending == "void", "the card to be void", NOTICE_SECONDS)
    untouched.check()


def test_a_line_of_4000_characters_is_refused(untouched: Untouched) -> None:
    line = f"/flstr deploy {'x' * 4000}"
    answer = untouched.stage.chat.command(DEVELOPER, line)
    assert "that line has 4007 characters; a command has at most 1000" in answer
    untouched.check()


def test_slack_itself_takes_no_line_that_is_too_long(untouched: Untouched) -> None:
    with pytest.raises(LabError, match="msg_too_long"):
        untouched.stage.chat.command(DEVELOPER, f"/flstr deploy {'x' * 12_000}")
