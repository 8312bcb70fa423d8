"""A line becomes a command, or one sentence."""

import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.parser import Command, Refusal, parse
from model.verbs import VERBS


def sentence(line: str) -> str:
    answer = parse(line)
    assert isinstance(answer, Refusal), answer
    return answer.sentence


def command(line: str) -> tuple[str, tuple[str, ...]]:
    answer = parse(line)
    assert isinstance(answer, Command), answer
    return answer.verb.name, answer.arguments


@pytest.mark.parametrize(
    ("line", "name", "arguments"),
    [
        ("deploy influencer@a1b2c3", "deploy", ("influencer@a1b2c3",)),
        ("deploy influencer@feature/new-look", "deploy", ("influencer@feature/new-look",)),
        ("  Deploy\t influencer@v1.2  ", "deploy", ("influencer@v1.2",)),
        ("scale worker 3", "scale", ("worker", "3")),
        ("scale influencer 0", "scale", ("influencer", "0")),
        ("scale influencer 200", "scale", ("influencer", "200")),
        ("status", "status", ()),
        ("status worker101", "status", ("worker101",)),
        ("plan", "plan", ()),
        ("sync", "sync", ()),
        ("sync a1b2c3", "sync", ("a1b2c3",)),
        ("approve 7f3a", "approve", ("7f3a",)),
        ("deny 7f3a", "deny", ("7f3a",)),
        ("padlock", "padlock", ()),
        ("padlock influencer.flstr.lab", "padlock", ("influencer.flstr.lab",)),
        ("crtsh", "crtsh", ()),
        ("crtsh flstr.lab", "crtsh", ("flstr.lab",)),
        ("doctor", "doctor", ()),
        ("doctor worker101", "doctor", ("worker101",)),
        ("doctor --fix", "doctor", ("--fix",)),
        ("doctor worker101 --fix", "doctor", ("worker101", "--fix")),
        ("doctor --fix worker101", "doctor", ("worker101", "--fix")),
        ("doctor —fix --fix", "doctor", ("--fix",)),
        ("help", "help", ()),
        ("help deploy", "help", ("deploy",)),
        ("", "help", ()),
        ("   ", "help", ()),
    ],
)
def test_commands(line: str, name: str, arguments: tuple[str, ...]) -> None:
    assert command(line) == (name, arguments)


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("depoly x@y", "depoly is not a verb; did you mean deploy?"),
        ("stauts", "stauts is not a verb; did you mean status?"),
        ("frobnicate", "frobnicate is not a verb; help lists the verbs"),
        ("help depoly", "depoly is not a verb; did you mean deploy?"),
        (
            "deploy",
            "deploy needs an app and a commit, branch or tag, such as influencer@a1b2c3; write deploy <app>@<commit> [--anyway]",
        ),
        (
            "deploy influencer",
            "deploy needs an app and a commit, branch or tag, such as influencer@a1b2c3, not influencer",
        ),
        ("scale influencer", "scale needs a number from 0 to 200; write scale <app or pool> <count> [--yes]"),
        ("scale influencer 201", "scale needs a number from 0 to 200, not 201"),
        ("scale influencer -1", "scale needs a number from 0 to 200, not -1"),
        ("scale influencer many", "scale needs a number from 0 to 200, not many"),
        (
            "doctor --force",
            "doctor does not take --force; write doctor [node] [--fix], for example: doctor worker101",
        ),
        ("doctor worker_101 --fix", "doctor needs the name of a node, such as worker101, not worker_101"),
        ("nodes b", "nodes does not take b; write nodes, for example: nodes"),
        ("plan status", "status changes nothing in the cluster repo; plan shows what a change does"),
        ("plan scale influencer many", "scale needs a number from 0 to 200, not many"),
        ("plan -x", "plan needs a command or a branch, such as scale influencer 3, not -x"),
        ("padlock localhost", "padlock needs a public host name, such as influencer.flstr.lab, not localhost"),
        ("x" * 4000, "that line has 4000 characters; a command has at most 1000"),
    ],
)
def test_refusals(line: str, wanted: str) -> None:
    assert sentence(line) == wanted


@pytest.mark.parametrize(
    "commit", ["-x", "--upload-pack=/bin/sh", "a;b", "a$(id)", "a'b", 'a"b', "a|b", "é", "", "a" * 201]
)
def test_a_commit_cannot_be_syntax_of_anything(commit: str) -> None:
    assert sentence(f"deploy influencer@{commit}").startswith("deploy needs an app and a commit")


def test_what_slack_takes_for_an_address_is_read_as_typed() -> None:
    assert command("padlock <http://influencer.flstr.lab|influencer.flstr.lab>") == (
        "padlock",
        ("influencer.flstr.lab",),
    )
    assert command("padlock <https://influencer.flstr.lab>") == ("padlock", ("influencer.flstr.lab",))
    assert command("deploy <mailto:influencer@v1.io|influencer@v1.io>") == ("deploy", ("influencer@v1.io",))
    assert command("`deploy influencer@a1`") == ("deploy", ("influencer@a1",))


def test_a_strangers_word_is_shown_short_and_without_markup() -> None:
    assert sentence("*<!channel>*").startswith("??channel? is not a verb")
    assert len(sentence("y" * 900)) < 200


def test_every_example_of_the_table_is_a_command() -> None:
    for verb in VERBS:
        assert command(verb.example)[0] == verb.name


def test_ten_thousand_random_lines_get_an_answer_each() -> None:
    chance = random.Random(2)
    words = [verb.name for verb in VERBS] + [
        "influencer@a1b2c3",
        "worker",
        "3",
        "@",
        "-1",
        "<x|y>",
        "<",
        "`",
        "\x00",
        "é",
    ]
    for _ in range(10_000):
        typed = [chance.choice(words) if chance.random() < 0.7 else _noise(chance) for _ in range(chance.randint(0, 5))]
        answer = parse(chance.choice([" ", "\t", "\n", ""]).join(typed))
        assert isinstance(answer, Command) or ("\n" not in answer.sentence and 10 < len(answer.sentence) < 300)


def _noise(chance: random.Random) -> str:
    return "".join(chance.choice(string.printable) for _ in range(chance.randint(1, 60)))


@given(st.text(max_size=2000))
def test_any_text_gets_an_answer(line: str) -> None:
    assert isinstance(parse(line), Command | Refusal)
