"""A line becomes a command, or one sentence."""

import pytest
from hypothesis import HealthCheck, given, settings
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


@pytest.mark.parametrize(
    ("line", "instead"),
    [
        ("deplyo influencer@a1b2", "deploy influencer@a1b2"),
        ("deplyo", ""),
        ("deploy influencer a1b2", "deploy influencer@a1b2"),
        ("deploy influencer @a1b2", "deploy influencer@a1b2"),
        ("Deploy Influencer@a1b2", "deploy influencer@a1b2"),
        ("stop influencer --yse", "stop influencer --yes"),
        ("stpo influencer --yes", "stop influencer --yes"),
        ("scale Influencer 3", "scale influencer 3"),
        ("help depoly", "help deploy"),
        ("plan scael influencer 3", "plan scale influencer 3"),
        ("plan deploy influencer a1b2", "plan deploy influencer@a1b2"),
        ("service bakcup cache", "service backup cache"),
        ("Servcie restore cache", "service restore cache"),
        ("plan service restoer cache", "plan service restore cache"),
        ("service backup Cache", "service backup cache"),
        ("service frobnicate cache", ""),
        ("frobnicate", ""),
        ("scale influencer many", ""),
    ],
)
def test_a_near_line_is_offered_whole_and_is_a_command(line: str, instead: str) -> None:
    answer = parse(line)
    assert isinstance(answer, Refusal)
    assert answer.instead == instead
    if instead:
        assert command(instead)


@pytest.mark.parametrize(
    ("line", "arguments"),
    [
        ("lock influencer 2h the database moves", ("influencer", "2h", "the database moves")),
        ('lock influencer 2h "the database moves"', ("influencer", "2h", "the database moves")),
        ("lock influencer 2h \u201cthe database moves\u201d", ("influencer", "2h", "the database moves")),
        ("lock influencer 2h it's - as ever - R&amp;D", ("influencer", "2h", "it's - as ever - R&D")),
        ("lock influencer 2h see <http://wiki.flstr.lab|wiki.flstr.lab>", ("influencer", "2h", "see wiki.flstr.lab")),
        ("suspend disk \u2014 full --yes", ("disk \u2014 full", "--yes")),
        ("approve 7f3a worker102  worker103", ("7f3a", "worker102 worker103")),
        ("deploy @a1b2c3", ("@a1b2c3",)),
        ("plan scale influencer 3", ("scale", "influencer", "3")),
        ("plan `stop influencer`", ("stop", "influencer")),
        ("plan service restore cache", ("service restore", "cache")),
        ("Service Restore cache a.b", ("cache", "a.b")),
        ("help service restore", ("service restore",)),
        ("plan feature/more-workers", ("feature/more-workers",)),
        ("lock influencer 2h bell\x07 and \x1b[31mred", ("influencer", "2h", "bell and [31mred")),
    ],
)
def test_the_rest_of_a_line_is_one_argument(line: str, arguments: tuple[str, ...]) -> None:
    assert command(line)[1] == arguments


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("service", "service is not a verb; after service comes one of backup, backups, restore"),
        ("service cache", "service cache is not a verb; after service comes one of backup, backups, restore"),
        ("service backup", "service backup needs the name of a service, such as cache; write service backup <service>"),
        (
            "plan service backup cache",
            "service backup changes nothing in the cluster repo; plan shows what a change does",
        ),
        ("help service", "service is not a verb; did you mean services?"),
    ],
)
def test_a_verb_of_two_words_is_asked_for_as_a_whole(line: str, said: str) -> None:
    assert sentence(line) == said


KNOWN = ("influencer@a1b2c3", "@a1b2c3", "worker", "worker101", "3", "-1", "2h", "--yes", "--yse", "\u2014yes", "<x|y>")
BROKEN = ("<", "|", "`", '"', "\u201c", "@", "&lt;", "&amp", "\x00", "\x1b[2J", "\u202e", "\ud800", "é", "y" * 900)
words = st.one_of(
    st.sampled_from([verb.name for verb in VERBS]),
    st.sampled_from([verb.name[1:] + verb.name[:1] for verb in VERBS]),
    st.sampled_from([*KNOWN, *BROKEN]),
    st.text(max_size=30),
    st.from_regex(r"<(https?://)?[a-z.]{1,9}(\|[^<>]{0,9})?>", fullmatch=True),
)
lines = st.one_of(
    st.lists(words, max_size=7).flatmap(
        lambda typed: st.sampled_from([" ", "\t", "\n", ""]).map(lambda by: by.join(typed))
    ),
    st.text(max_size=1200),
)


@settings(max_examples=10_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(lines)
def test_ten_thousand_random_lines_get_an_answer_each(line: str) -> None:
    answer = parse(line)
    if isinstance(answer, Command):
        assert all(answer.arguments)
        shown = answer.words
    else:
        shown = f"{answer.sentence}{answer.instead}"
        assert 10 < len(answer.sentence) < 300
        assert not answer.instead or isinstance(parse(answer.instead), Command)
    assert all(letter.isprintable() for letter in shown)
    shown.encode()
