"""Whatever a person types, `flstr` answers in one sentence with status 1 or 2, and never with a traceback."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.shell import Flstr, refused

ROOT = Path(__file__).parents[2]


def test_without_words_it_shows_its_commands(flstr: Flstr) -> None:
    done = flstr()
    assert done.status == 2
    assert "deploy" in done.out
    assert done.err == ""


def test_help_is_help_however_it_is_asked_for(flstr: Flstr) -> None:
    assert flstr("help").out == flstr("--help").out
    assert flstr("help", "deploy").out == flstr("deploy", "--help").out
    assert "influencer@a1b2c3" in flstr("help", "deploy").out


@pytest.mark.parametrize("words", [("up",), ("down",), ("demo",)])
def test_the_lab_where_it_is_not_installed_is_one_sentence(
    flstr: Flstr, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    """On a controller there is none."""
    monkeypatch.delattr("cli.lab", raising=False)
    monkeypatch.delitem(sys.modules, "cli.lab", raising=False)
    for name in [*sys.modules]:
        if name.partition(".")[0] == "lab":
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "lab", None)
    assert refused(flstr("lab", *words), 1).startswith("the lab is not installed with this flstr (no lab")


@pytest.mark.parametrize("words", [("depoly",), ("help", "depoly")])
def test_a_mistyped_command_is_answered_with_the_near_one(flstr: Flstr, words: tuple[str, ...]) -> None:
    assert "did you mean 'deploy'" in refused(flstr(*words), 2)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("init",), "missing argument 'folder'; `flstr init --help` says how it is used"),
        (("init", "a", "b"), "got unexpected extra argument(s) (b); `flstr init --help` says how it is used"),
        (("status", "--foo"), "no such option: --foo; `flstr status --help` says how it is used"),
        (("lab", "foo"), "no such command 'foo'; `flstr lab --help` says how it is used"),
    ],
)
def test_a_command_used_wrongly_says_where_to_look(flstr: Flstr, words: tuple[str, ...], sentence: str) -> None:
    assert refused(flstr(*words), 2) == sentence


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ("deploy",),
            "deploy needs an app and a commit, branch or tag, such as influencer@a1b2c3; write deploy <app>@<commit> [--anyway]",
        ),
        (
            ("deploy", "influencer"),
            "deploy needs an app and a commit, branch or tag, such as influencer@a1b2c3, not influencer",
        ),
        (
            ("stop", "influencer", "--yse"),
            "stop does not take --yse; write stop <app> [--yes], for example: stop influencer; "
            "write: flstr stop influencer --yes",
        ),
        (
            ("plan", "scael", "influencer", "3"),
            "scael is not a verb; did you mean scale? write: flstr plan scale influencer 3",
        ),
        (("plan", "status"), "status changes nothing in the cluster repo; plan shows what a change does"),
        (
            ("deploy", "influencer@\udcff"),
            "deploy needs an app and a commit, branch or tag, such as influencer@a1b2c3, not influencer@",
        ),
        (
            ("service", "backup"),
            "service backup needs the name of a service, such as cache; write service backup <service>",
        ),
        (
            ("service", "restore", "Cache"),
            "service restore needs the name of a service, such as cache, not Cache; write: flstr service restore cache",
        ),
        (("scale", "worker", "many"), "scale needs a number from 0 to 200, not many"),
        (("status",), "no flstr serve runs with its state in /nowhere; start it, or set FLSTR_ETCD_ENDPOINTS"),
        (("plan",), "no flstr serve runs with its state in /nowhere; start it, or set FLSTR_ETCD_ENDPOINTS"),
        (("plan", "/nowhere"), "/nowhere is not a folder; name a cluster repo"),
        (("lint", "/nowhere"), "/nowhere is not a folder; name a cluster repo"),
        (("serve",), "set FLSTR_CLUSTER_REPO and HCLOUD_TOKEN first; docs/settings.md says what each is for"),
        (("init", "/proc/cluster"), "/proc/cluster: no such file or directory"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(flstr: Flstr, words: tuple[str, ...], sentence: str) -> None:
    assert refused(flstr(*words), 1) == sentence


@pytest.mark.parametrize(
    ("variable", "value", "wanted"),
    [
        (
            "FLSTR_POLL_SECONDS",
            "often",
            "Seconds between two looks at the cluster repo and at the machines, 0.2 at least",
        ),
        ("FLSTR_LOG_FORMAT", "xml", "`text` for people, `json` for machines"),
        ("FLSTR_ETCD_ENDPOINTS", "etcd", "A real etcd, as https://host:port,…; without it flstr runs one of its own"),
    ],
)
def test_a_wrong_setting_is_named_with_what_it_may_be(flstr: Flstr, variable: str, value: str, wanted: str) -> None:
    assert refused(flstr("status", **{variable: value}), 1) == f"{variable} cannot be '{value}': {wanted}"


def test_an_etcd_that_is_not_there_is_named(flstr: Flstr) -> None:
    sentence = refused(flstr("plan", FLSTR_ETCD_ENDPOINTS="http://127.0.0.1:1", FLSTR_EMAIL="a@flstr.lab"), 1)
    assert sentence.startswith("etcd at http://127.0.0.1:1 does not answer")


@pytest.mark.parametrize("state", ["closed", "none", "at its end"])
def test_nobody_at_a_terminal_is_asked_nothing(flstr: Flstr, monkeypatch: pytest.MonkeyPatch, state: str) -> None:
    stream = io.StringIO()
    if state == "closed":
        stream.close()
    monkeypatch.setattr("sys.stdin", None if state == "none" else stream)
    assert refused(flstr("stop", "Influencer"), 1) == (
        "stop needs the name of an app, such as influencer, not Influencer; write: flstr stop influencer"
    )


def test_serve_wants_both_slack_tokens_or_none(flstr: Flstr) -> None:
    environment = {"FLSTR_CLUSTER_REPO": "file:///x", "HCLOUD_TOKEN": "token", "SLACK_BOT_TOKEN": "xoxb-1"}
    assert refused(flstr("serve", **environment), 1).startswith("set SLACK_APP_TOKEN first")


@pytest.mark.parametrize("words", [("lab", "up"), ("lab", "down"), ("lab", "down", "some"), ("lab", "demo")])
def test_a_lab_needs_root(flstr: Flstr, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 65534)
    sentence = "The lab needs root, because it makes network namespaces and mounts: run it with sudo."
    assert refused(flstr(*words), 1) == sentence


def test_the_command_is_a_process_like_any_other() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cli", "depoly"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "flstr: no such command 'depoly'; did you mean 'deploy', 'destroy', 'deny'?\n"
