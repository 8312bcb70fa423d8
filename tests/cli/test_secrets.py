"""Secrets are in no log, no sentence and no child's environment."""

import os
import subprocess
import sys

import pytest

from cli.settings import read_settings
from gitops.lint import check
from gitops.manifests import FaultyManifests
from model.errors import Refused
from tests.gitops.scene import app_yaml, files

TOKEN = "glpat-verysecret"


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_traceback_shows_no_values_of_variables(log_format: str) -> None:
    script = f"""
import structlog
from cli.logs import set_up

set_up({log_format!r})
def broken(token):
    raise KeyError("x")
try:
    broken("-".join(["glpat", "verysecret"]))
except KeyError:
    structlog.get_logger().exception("a step broke")
"""
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stderr
    assert "in broken" in said or '"exception"' in said
    assert TOKEN not in said


@pytest.mark.parametrize("user", [TOKEN, f"oauth2:{TOKEN}"])
def test_a_token_in_a_git_address_is_refused_and_not_repeated(monkeypatch: pytest.MonkeyPatch, user: str) -> None:
    url = f"https://{user}@git.example.com/cluster.git"
    monkeypatch.setenv("FLSTR_CLUSTER_REPO", url)
    with pytest.raises(Refused, match=r"^FLSTR_CLUSTER_REPO: a Git address is shown and logged") as settings:
        read_settings()
    with pytest.raises(FaultyManifests, match=r"^apps/influencer.yaml:4: repo: a Git address is shown") as manifest:
        check(files({"apps/influencer.yaml": app_yaml(url)}))
    assert TOKEN not in settings.value.sentence + manifest.value.sentence


def test_what_flstr_starts_does_not_know_its_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HCLOUD_TOKEN", TOKEN)
    assert read_settings().hcloud_token.get_secret_value() == TOKEN
    assert TOKEN not in os.environ.values()
    assert TOKEN not in repr(read_settings())
