"""How an instance ended before it was healthy, as its machine's systemd and journal say it."""

from pathlib import Path

import pytest

from executors.instances import start_script
from executors.releases import build_script
from executors.unit_files import Place
from model.registered import Registered
from tests.executors.build_machine import BuildMachine
from tests.executors.example import influencer
from tests.gitops.remote import Remote

INSTANCE = "1-0a1b2c3d"
# Nobody listens at this port.
PLACE = Place("worker101", "vpn_ingr", "127.0.0.1", 9)
EXITED = "flstr-backend-influencer-1-0a1b2c3d.service: Main process exited, code=exited, status=3/NOTIMPLEMENTED"


def said(folder: Path, state: str, restarts: int, status: int, journal: str = "") -> str:
    """What the script says of an instance of which systemd says this, and its journal that."""
    machine = BuildMachine(folder / "machine")
    (folder / "git").mkdir()
    remote = Remote(folder / "git")
    (remote.work / "run.sh").touch(0o755)
    (remote.work / "run.sh").chmod(0o755)
    app = influencer(repo=remote.url, commit=remote.push({}), build=None)
    shown = f"printf 'SubState={state}\\nNRestarts={restarts}\\n'"
    machine.install("systemctl", f'case "$*" in *ExecMainStatus*) echo {status} ;; *SubState*) {shown} ;; esac')
    # Of the app itself there is nothing in it.
    machine.install("journalctl", f"case \"$*\" in *--identifier* | *--sync*) ;; *) echo '{journal}' ;; esac")
    status_of_script, last = machine.run(start_script(app, INSTANCE, PLACE, Registered(), {}, build_script(app)))
    assert status_of_script == 0, last
    return last


@pytest.mark.parametrize("state", ["auto-restart", "failed", "dead"])
def test_one_that_has_ended_tells_its_status(tmp_path: Path, state: str) -> None:
    assert said(tmp_path, state, restarts=0, status=3) == "exited 3"


def test_of_one_that_was_started_anew_the_journal_knows_the_status(tmp_path: Path) -> None:
    assert said(tmp_path, "running", restarts=1, status=0, journal=EXITED) == "exited 3"


def test_one_that_ended_in_order_was_not_to_end(tmp_path: Path) -> None:
    assert said(tmp_path, "auto-restart", restarts=0, status=0) == "exited 0"
