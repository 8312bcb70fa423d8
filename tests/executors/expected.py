"""Rendered text against the files in `fixtures/`; `FLSTR_REGENERATE=1 make test` writes them anew."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

FIXTURES = Path(__file__).parent / "fixtures"


def check(path: Path, text: str) -> None:
    """Fail where `text` is not what the file holds."""
    if os.environ.get("FLSTR_REGENERATE"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert text == path.read_text(), f"{path} differs; look at it, then run with FLSTR_REGENERATE=1"


def shellcheck(script: str) -> None:
    """Fail where shellcheck finds fault with a whole script, prelude and all."""
    if shutil.which("shellcheck") is None:
        pytest.skip("needs Debian's shellcheck")
    # SC2317: the functions of the prelude are there for every script, and no script calls all of them.
    command = ["shellcheck", "--shell=bash", "--exclude=SC2317", "-"]
    found = subprocess.run(command, input=script, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout
