"""The agent that has flstr's SSH key for one run."""

from pathlib import Path

import pytest

from executors.services import agent as module
from executors.services.agent import KNOWN_HOSTS, PATH, agent
from model.errors import StepFailed


def test_a_key_that_takes_too_long_to_be_given_is_a_failure_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = tmp_path / "ssh-add"
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o700)
    monkeypatch.setattr(module, "PATH", f"{tmp_path}:{PATH}")
    monkeypatch.setattr(module, "START_SECONDS", 0.3)
    with (
        pytest.raises(StepFailed, match="flstr's SSH key could not be given to an agent for Ansible"),
        agent(tmp_path / "key", tmp_path, ("service101",)),
    ):
        pass


def test_so_is_one_that_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / KNOWN_HOSTS).write_text("")
    with (
        pytest.raises(StepFailed, match="flstr's SSH key could not be given to an agent for Ansible") as failed,
        agent(tmp_path / "absent", tmp_path, ("service101",)),
    ):
        pass
    assert failed.value.output
