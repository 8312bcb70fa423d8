"""What was deployed of an app, by whom, and what became of it."""

from tests.gitops.flstr import Flstr
from tests.gitops.test_bad_commit import failing


def test_each_change_is_told_with_its_author_and_its_end(flstr: Flstr) -> None:
    _, first, second = flstr.app
    flstr.settle()
    flstr.ask("scale influencer 3")
    flstr.settle()
    flstr.pretend.before = failing(second)
    flstr.ask(f"deploy influencer@{second[:7]}")
    flstr.settle()
    title, back, failed, scaled, made = flstr.ask("history influencer").splitlines()
    assert title == "*influencer*, newest first"
    assert f"`{first[:8]}` by flstr: Revert influencer to {first[:12]}" in back
    assert back.endswith("serves now)")
    assert f"`{second[:8]}` by operator: Deploy influencer@{second[:12]}" in failed
    assert "influencer did not answer 200" in failed
    assert "in quarantine" in failed
    assert "by operator: Scale influencer from 2 to 3 (:white_check_mark: done in" in scaled
    assert f"`{first[:8]}` by developer: change" in made


def test_an_app_that_was_removed_has_a_history(flstr: Flstr) -> None:
    flstr.settle()
    flstr.cluster.push({"apps/influencer.yaml": None}, "take it away")
    assert "no release by developer: take it away" in flstr.ask("history influencer")


def test_an_unknown_app_is_named_with_the_nearest(flstr: Flstr) -> None:
    flstr.settle()
    assert flstr.ask("history inflencer") == "There is no app called inflencer; did you mean influencer?"
