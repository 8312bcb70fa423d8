"""The form of the modal, the line that it stands for, and what its selects offer."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.modal import options as modal_options
from bot.modal.form import VERBS, Form, form_of_line, form_of_view, modal
from bot.parser import Command, parse
from lab.slack.views import checked
from model.commits import RecentCommit, RecentCommits

NOW = 1_700_000_000.0
COMMITS = RecentCommits(
    app="influencer",
    commits=(
        RecentCommit(hash="a1b2c3d4" * 5, subject="Faster start", author="developer", at=NOW - 300),
        RecentCommit(hash="0f0f0f0f" * 5, subject="Fix the fix" + "!" * 100, author="operator", at=NOW - 7200),
    ),
    at=NOW,
)


@pytest.mark.parametrize(
    ("line", "form"),
    [
        ("", Form()),
        ("  ", Form()),
        ("deploy", Form()),
        ("deploy influencer", Form(app="influencer")),
        ("deploy influencer@", Form(app="influencer")),
        ("deploy influencer@a1b2", None),
        ("deploy influencer now", None),
        ("scale influencer", None),
        ("status", None),
    ],
)
def test_a_line_that_leaves_something_open_opens_the_modal(line: str, form: Form | None) -> None:
    assert form_of_line(line) == form


@pytest.mark.parametrize(
    ("form", "line"),
    [
        (Form("deploy", "influencer", "a1b2c3"), "deploy influencer@a1b2c3"),
        (Form("scale", "worker", count="3"), "scale worker 3"),
        (Form("rollback", "influencer"), "rollback influencer"),
        (Form("rollback", "influencer", "a1b2c3"), "rollback influencer a1b2c3"),
        (Form("restart", "influencer", commit="a1b2c3", count="3"), "restart influencer"),
        (Form("stop", "influencer"), "stop influencer"),
    ],
)
def test_a_form_stands_for_the_line_that_a_person_would_type(form: Form, line: str) -> None:
    assert form.line() == line
    assert isinstance(parse(line), Command)
    assert form.missing() == ""


def test_what_is_missing_is_said_at_its_field() -> None:
    assert Form().missing() == "modal.app"
    assert Form(app="influencer").missing() == "modal.commit.influencer"
    assert Form("scale", "influencer").missing() == "modal.count"


@pytest.mark.parametrize("verb", VERBS)
def test_slack_takes_every_form(verb: str) -> None:
    assert checked(modal(Form(verb, "influencer", "a1b2c3", "3"), "*It would …*\n" * 1000), "modal")
    assert checked(modal(Form(verb)), "modal")


@settings(max_examples=30)
@given(st.builds(Form, st.sampled_from(sorted(VERBS)), st.text(max_size=90), st.text(max_size=90), st.text(max_size=3)))
def test_a_form_comes_back_out_of_its_view(form: Form) -> None:
    assert form_of_view({"view": modal(form)}).verb == form.verb
    assert form_of_view({"view": modal(form)}).app == form.app


def test_a_preview_without_room_for_all_says_so() -> None:
    view = checked(modal(Form(), "\n".join("a line of the plan" for _ in range(5000))), "modal")
    assert "no room for the rest" in str(view["blocks"][-2])
    assert "no room" not in str(modal(Form(), "a line of the plan"))


def test_another_app_has_other_commits() -> None:
    view = modal(Form("deploy", "influencer", "a1b2c3"))
    action = {"action_id": "modal.app", "selected_option": {"value": "shop"}}
    assert form_of_view({"view": view, "actions": [action]}) == Form("deploy", "shop", "")


def test_a_commit_that_was_taken_out_again_is_not_meant() -> None:
    view = modal(Form("rollback", "influencer", "a1b2c3"))
    values = {"modal.commit.influencer": {"modal.commit": {"type": "external_select", "selected_option": None}}}
    assert form_of_view({"view": view | {"state": {"values": values}}}).line() == "rollback influencer"


def test_a_commit_is_offered_with_its_subject_its_author_and_its_age() -> None:
    first, second = modal_options.commits(COMMITS, "", NOW)
    assert first["text"]["text"] == "a1b2c3d Faster start · developer, 5 min"
    assert first["value"] == "a1b2c3d4a1b2"
    assert second["text"]["text"].endswith("… · operator, 2 h")
    assert len(second["text"]["text"]) <= 75


@pytest.mark.parametrize(
    ("typed", "values"),
    [
        ("fast", ["a1b2c3d4a1b2"]),
        ("OPERATOR", ["0f0f0f0f0f0f"]),
        ("0f0", ["0f0f0f0f0f0f"]),
        ("main", ["main"]),
        ("no such; thing", []),
    ],
)
def test_typed_text_filters_and_a_branch_goes_as_it_was_typed(typed: str, values: list[str]) -> None:
    assert [option["value"] for option in modal_options.commits(COMMITS, typed, NOW)] == values


def test_names_that_begin_so_come_first() -> None:
    assert [option["value"] for option in modal_options.names(["ashop", "shop", "worker"], "sh")] == ["shop", "ashop"]
