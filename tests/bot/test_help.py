"""The help comes out of the table of verbs."""

from bot.help import answer, commands_page
from model.verbs import BY_NAME, VERBS


def test_the_help_has_a_line_for_every_verb() -> None:
    text = answer(())
    for verb in VERBS:
        assert f"`/flstr {verb.line}` {verb.summary}" in text


def test_the_help_of_a_verb_has_an_example_and_the_right_it_needs() -> None:
    assert answer(("deploy",)) == (
        "`/flstr deploy <app>@<commit> [--anyway]`\n"
        "Run another commit of an app; branches, tags and short hashes resolve.\n"
        "For example: `/flstr deploy influencer@a1b2c3`\n"
        "Who may: people with `deploy` in `cluster.yaml`."
    )


def test_the_help_of_a_shell_has_its_own_prefix() -> None:
    assert answer(("plan",), "flstr").startswith("`flstr plan [command or branch …]`\n")


def test_usage_comes_from_the_arguments() -> None:
    assert BY_NAME["scale"].usage == "<app or pool> <count> [--yes]"
    assert BY_NAME["status"].usage == "[app or node]"
    assert BY_NAME["nodes"].line == "nodes"


def test_the_page_of_commands_has_a_row_for_every_verb() -> None:
    rows = [line for line in commands_page().splitlines() if line.startswith("| `/flstr ")]
    assert [row.split("`")[1] for row in rows] == [f"/flstr {verb.line}" for verb in VERBS]
