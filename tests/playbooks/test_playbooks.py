"""The project's playbooks without any host: their form, and that what they say of their options is so."""

import os
import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from gitops.playbook_files import FOLDER, options_of
from tests.playbooks.rendered import ANSIBLE

PLAYBOOKS = sorted(file.stem for file in FOLDER.glob("*.yml"))


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_its_syntax_is_right(playbook: str, tmp_path: Path) -> None:
    command = [str(ANSIBLE / "ansible-playbook"), "--syntax-check", "-i", "service,leaving,", f"{playbook}.yml"]
    done = subprocess.run(
        command,
        cwd=FOLDER,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_what_its_options_are_without_a_word_is_what_they_say(playbook: str) -> None:
    defaults = YAML(typ="safe").load(FOLDER / "roles" / playbook / "defaults/main.yml")
    said = {name: option["default"] for name, option in options_of(playbook).items() if "default" in option}
    assert said == defaults


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_every_option_is_named_after_it_typed_and_described(playbook: str) -> None:
    for name, option in options_of(playbook).items():
        assert name.startswith(f"{playbook}_")
        assert option["type"]
        assert option["description"]


def test_all_pass_the_strictest_profile_of_their_lint(tmp_path: Path) -> None:
    env = {"PATH": f"{ANSIBLE}:{os.environ['PATH']}", "HOME": str(tmp_path), "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        [str(ANSIBLE / "ansible-lint"), "-q", "--nocolor"],
        cwd=FOLDER,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
