"""A word that is no name is asked about with the line that was meant; the beginning of one is enough to look."""

from pathlib import Path

import pytest

from tests.gitops.flstr import Flstr
from tests.gitops.remote import git


def offered(flstr: Flstr, words: str) -> tuple[str, str]:
    answered = flstr.answered(words)
    assert answered.refused
    return answered.answer, answered.instead


@pytest.mark.parametrize(
    ("words", "sentence", "instead"),
    [
        (
            "deploy inflencer@main",
            "There is no app called inflencer; did you mean influencer?",
            "deploy influencer@main",
        ),
        ("deploy influ@main", "There is no app called influ; did you mean influencer?", "deploy influencer@main"),
        ("stop influ --yes", "There is no app called influ; did you mean influencer?", "stop influencer --yes"),
        ("scale worke 3", "There is no app or pool called worke; did you mean worker?", "scale worker 3"),
        ("drain worker1O1", "There is no node called worker1O1; did you mean worker101?", "drain worker101"),
        ("destroy ingress16", "There is no node called ingress16; did you mean ingress016?", "destroy ingress016"),
        ("status infuencer", "There is no app or node called infuencer; did you mean influencer?", "status influencer"),
        (
            "plan scale inflencer 3",
            "There is no app or pool called inflencer; did you mean influencer?",
            "plan scale influencer 3",
        ),
        (
            "who oprator",
            "There is no person, team or right called oprator; did you mean operator?",
            "who operator",
        ),
        ("scale zzz 3", "There is no app or pool called zzz. There are controller, influencer, ingress, worker.", ""),
    ],
)
def test_a_slip_is_asked_about_with_the_whole_line(flstr: Flstr, words: str, sentence: str, instead: str) -> None:
    flstr.settle()
    assert offered(flstr, words) == (sentence, instead)


def test_the_only_beginning_of_a_name_is_enough_to_look(flstr: Flstr) -> None:
    flstr.settle()
    assert flstr.ask("status influ").startswith("*influencer*")
    assert flstr.ask("history infl").startswith("*influencer*, newest first")
    several = "There is no app or node called worker. There are worker101, worker102."
    assert flstr.ask("status worker") == several
    flstr.checks["logs"] = flstr.checks["padlock"] = lambda arguments, registry: " ".join(arguments)
    assert flstr.ask("logs influ 1 --build") == "influencer 1 --build"
    assert flstr.ask("padlock influencer.flstr") == "influencer.flstr.lab"


def test_a_commit_without_an_app_finds_the_only_one_that_has_it(flstr: Flstr) -> None:
    _, first, second = flstr.app
    flstr.settle()
    assert f"influencer {first[:8]} → {second[:8]}" in flstr.ask(f"deploy @{second[:7]}")
    assert offered(flstr, "deploy @ffffffff") == (
        "No app has a commit, branch or tag 'ffffffff'; say which app is meant, such as `deploy influencer@ffffffff`.",
        "",
    )
    flstr.cluster.pull()
    text = flstr.cluster.file("apps/influencer.yaml").partition("ingress:")[0]
    other = text.replace("app: influencer", "app: creator").replace("5001", "5002").replace("INFLUENCER", "CREATOR")
    flstr.cluster.push({"apps/creator.yaml": other})
    sentence, _ = offered(flstr, f"deploy @{first[:7]}")
    assert sentence == (
        f"creator, influencer have '{first[:7]}'; say which app is meant, such as `deploy creator@{first[:7]}`."
    )


def test_a_commit_word_that_is_nothing_names_the_near_branch(flstr: Flstr) -> None:
    flstr.settle()
    sentence, instead = offered(flstr, "deploy influencer@mian")
    assert "has no commit, branch or tag 'mian'; near it are main" in sentence
    assert instead == "deploy influencer@main"
    assert offered(flstr, "rollback influencer mian")[1] == "rollback influencer main"


def test_a_short_hash_that_could_be_two_names_both_with_their_subjects(flstr: Flstr) -> None:
    flstr.settle()
    app = flstr.app[0]
    first = found = candidate(app.work, 0)
    number = 0
    # One of some hundred commits begins as another one does.
    seen = {first[:4]: first}
    while True:
        number += 1
        found = candidate(app.work, number)
        if found[:4] in seen:
            break
        seen[found[:4]] = found
    for name, commit in (("one", seen[found[:4]]), ("two", found)):
        git(app.work, "push", "-q", str(app.bare), f"{commit}:refs/heads/{name}")
    sentence, _ = offered(flstr, f"deploy influencer@{found[:4]}")
    assert f"'{found[:4]}' could be " in sentence
    assert f"{found[:5]}" in sentence
    assert f"'candidate {number}'" in sentence


def candidate(folder: Path, number: int) -> str:
    return git(folder, "commit-tree", "HEAD^{tree}", "-m", f"candidate {number}")
