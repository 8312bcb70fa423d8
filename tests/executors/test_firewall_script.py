"""The firewall's script on a machine of two folders: who comes in, who does not, and what is there afterwards."""

import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from executors.firewall import firewall_script
from executors.knock import answer_script, knock_of, may_knock
from executors.script import wrapped
from gitops.executor import HostFence
from gitops.firewall import Zone
from gitops.firewall_openings import Opening

FIREWALL_CMD = """#!/bin/sh
case "$*" in
    --check-config) ! grep -q no-such-protocol "$ETC"/firewalld/zones/*.xml || { echo INVALID_PROTOCOL; exit 1; } ;;
    *--set-default-zone=*) sed -i "s/^DefaultZone=.*/DefaultZone=${2#*=}/" "$ETC/firewalld/firewalld.conf" ;;
esac
echo "$*" >>"$ETC/asked"
"""

GOOD = (Zone("public", (Opening("22", "tcp"), Opening("760", "tcp"))),)
BETTER = (Zone("public", (Opening("22", "tcp"), Opening("762", "tcp"))),)
WITHOUT_SSH = (Zone("public", (Opening("760", "tcp"),)),)
REFUSED = (Zone("public", (Opening("22", "no-such-protocol"),)),)


class Machine:
    """Runs scripts by bash; `comes_in` says whether a knock is answered, once `after` has run."""

    def __init__(self, folder: Path) -> None:
        self.etc, self.state = folder / "etc", folder / "state"
        tools = folder / "bin"
        for path in (tools, self.etc / "firewalld/zones", self.etc / "systemd/system"):
            path.mkdir(parents=True)
        for name, text in {"firewall-cmd": FIREWALL_CMD, "systemctl": "#!/bin/sh\n"}.items():
            (tools / name).write_text(text)
            (tools / name).chmod(0o755)
        (self.etc / "firewalld/firewalld.conf").write_text("# Ours\nDefaultZone=public\n")
        self.tools = tools

    def load(
        self, zones: tuple[Zone, ...], comes_in: bool = True, on_knock: Callable[[], None] | None = None
    ) -> tuple[int, str]:
        """How the script ended, and the last line it printed. Where nobody comes in, it waits three seconds for them."""
        script = firewall_script(zones)
        process = self.start(script if comes_in else script.replace("SECONDS + 60", "SECONDS + 3"))
        last = ""
        assert process.stdout is not None
        for line in process.stdout:
            knock = knock_of(line.strip())
            last = line.strip() or last
            if knock is not None and on_knock is not None:
                on_knock()
            if knock is not None and comes_in:
                assert self.start(answer_script(knock)).wait(timeout=60) == 0
        return process.wait(timeout=60), last

    def start(self, script: str) -> "subprocess.Popen[str]":
        text = wrapped(script, HostFence(1)).replace("/etc/", f"{self.etc}/").replace("/var/lib/flstr", str(self.state))
        text = text.replace("PATH=", f"PATH={self.tools}:", 1).replace(
            "umask 077", f"umask 077; export ETC={self.etc}", 1
        )
        process = subprocess.Popen(
            ["bash", "-s"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert process.stdin is not None
        process.stdin.write(text)
        process.stdin.close()
        return process

    @property
    def ports(self) -> set[str]:
        """What the zones on disk let in."""
        text = (self.etc / "firewalld/zones/public.xml").read_text()
        return {line.split('"')[1] for line in text.splitlines() if "<port " in line}

    @property
    def armed(self) -> bool:
        return (self.state / "firewall.armed").exists()

    @property
    def default_zone(self) -> str:
        return (self.etc / "firewalld/firewalld.conf").read_text().rpartition("=")[2].strip()


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine with good zones, to whose knocks a minute is given."""
    monkeypatch.setattr("executors.firewall.KNOCK_SECONDS", 60)
    machine = Machine(tmp_path)
    assert machine.load(GOOD) == (0, "firewall: loaded")
    return machine


def test_somebody_comes_in_and_the_new_zones_stay(machine: Machine) -> None:
    assert machine.load(BETTER) == (0, "firewall: loaded")
    assert machine.ports == {"22", "762"}
    assert not machine.armed


def test_zones_that_are_there_already_ask_nobody(machine: Machine) -> None:
    before = (machine.etc / "asked").read_text()
    status, last = machine.load(GOOD, comes_in=False)
    assert (status, last) == (0, "")
    assert (machine.etc / "asked").read_text() == before


def test_where_nobody_comes_in_the_old_ones_are_back(machine: Machine) -> None:
    status, last = machine.load(WITHOUT_SSH, comes_in=False)
    assert (status, last) == (1, "the new firewall lets no new SSH connection in, so the old one is back")
    assert machine.ports == {"22", "760"}
    assert not machine.armed


def test_a_second_script_does_not_take_zones_for_good_ones_before_somebody_came_in(machine: Machine) -> None:
    begun = threading.Event()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(machine.load, WITHOUT_SSH, False, begun.set)
        assert begun.wait(60)
        second = pool.submit(machine.load, WITHOUT_SSH, False)
        ends = [first.result(timeout=60), second.result(timeout=60)]
    assert [status for status, _ in ends] == [1, 1]
    assert machine.ports == {"22", "760"}


def test_what_a_killed_script_left_is_taken_back_before_anything_else(machine: Machine) -> None:
    process = machine.start(f"set -m; {firewall_script(WITHOUT_SSH)}")
    assert process.stdout is not None
    for line in process.stdout:
        if knock_of(line.strip()) is not None:
            break
    assert machine.ports == {"760"}
    # The script and what it started, which has the lock.
    subprocess.run(["pkill", "-KILL", "-P", str(process.pid)], check=False)
    process.kill()
    process.wait()
    assert machine.armed
    status, last = machine.load(REFUSED)
    assert status == 1
    assert last.startswith("firewalld refuses the new zones, so the old ones stay: INVALID_PROTOCOL")
    assert machine.ports == {"22", "760"}
    assert not machine.armed


def test_an_answer_to_another_knock_confirms_nothing(machine: Machine) -> None:
    def answer_another() -> None:
        assert machine.start(answer_script("0" * 36)).wait(timeout=60) == 0

    status, _ = machine.load(WITHOUT_SSH, comes_in=False, on_knock=answer_another)
    assert status == 1
    assert machine.ports == {"22", "760"}


def test_the_public_side_is_the_default_zone_and_goes_back_with_the_rest(machine: Machine) -> None:
    conf = machine.etc / "firewalld/firewalld.conf"
    conf.write_text("# Ours\nDefaultZone=drop\n")
    assert machine.load(GOOD, comes_in=False)[0] == 1
    assert machine.default_zone == "drop"
    assert machine.load(GOOD) == (0, "firewall: loaded")
    assert machine.default_zone == "public"


def test_a_zone_of_somebody_elses_stays(machine: Machine) -> None:
    (machine.etc / "firewalld/zones/office.xml").write_text("<zone/>\n")
    assert machine.load(BETTER)[0] == 0
    assert (machine.etc / "firewalld/zones/office.xml").read_text() == "<zone/>\n"


def test_only_scripts_that_change_the_firewall_can_knock() -> None:
    assert may_knock(firewall_script(GOOD))
    assert not may_knock("journalctl --unit=flstr-backend-influencer-1")
    assert knock_of("flstr, come in anew: it says") is None
