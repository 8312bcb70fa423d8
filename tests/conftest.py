"""What several folders use: a real etcd, started once, and a certificate authority; and what is left out where this machine cannot run it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from gitops.etcd_server import EmbeddedEtcd
from gitops.store import Store
from lab.preconditions import why_no_lab
from tests.answering_dns import AnsweringDns
from tests.in_memory import folder_in_memory
from tests.running_acme import MakeAcme, acme_maker
from tests.story.chaos_table import cells_told, chaos_table, within

# In the order they begin.
LONGEST = (
    "tests/story/test_chaos.py",
    "tests/story/test_crash_matrix.py",
    "tests/story/test_load.py",
    "tests/story/test_controllers.py",
    "tests/story/test_all_controllers_lost.py",
    "tests/playbooks/test_elasticsearch_hosts.py",
    "tests/story/test_services.py",
    "tests/story/test_carried.py",
    "tests/bot/test_storm_in_lab.py",
    "tests/cli/test_bootstrap_in_lab.py",
    "tests/story/test_restore.py",
    "tests/executors/test_etcd_hosts.py",
    "tests/executors/test_enrolment_hosts.py",
)

# How long an example takes says nothing about it on a busy machine.
settings.register_profile("flstr", deadline=None)
settings.load_profile("flstr")


def why_not() -> dict[str, str]:
    """The marks whose tests cannot run here, each with a sentence that says why."""
    lab = why_no_lab()
    browser = None if shutil.which("chromium") else "The browser tests need Debian's chromium."
    return {mark: reason for mark, reason in (("hosts", lab), ("browser", browser)) if reason is not None}


def pytest_report_header() -> list[str]:
    """Say once what is left out, and why."""
    return [f"tests marked '{mark}' are skipped: {reason}" for mark, reason in why_not().items()]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what cannot run here; begin with what takes longest, so that nothing waits for it at the end."""
    items.sort(key=_waits_for_it)
    reasons = why_not()
    for item in items:
        for mark in item.iter_markers():
            if mark.name in reasons:
                item.add_marker(pytest.mark.skip(reason=reasons[mark.name]))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show the chaos table, whichever processes its cells ran in."""
    outcomes = (terminalreporter.stats.get(outcome, ()) for outcome in ("passed", "failed"))
    if cells := cells_told(report for reports in outcomes for report in reports if report.when == "call"):
        terminalreporter.write_line(f"\n{chaos_table(cells)}{within(cells)}")


def _waits_for_it(item: pytest.Item) -> tuple[int, bool, bool]:
    """How late a test may begin: the longest, stories, those on hosts, all others."""
    story, hosts = "story" in item.path.parts, item.get_closest_marker("hosts") is not None
    file = item.nodeid.partition("::")[0]
    return (LONGEST.index(file) if file in LONGEST else len(LONGEST), not story, not hosts)


@pytest.fixture(scope="session")
def etcd_endpoint() -> Iterator[str]:
    """An etcd shared by the whole run."""
    if shutil.which("etcd") is None:
        pytest.skip("needs Debian's etcd-server")
    with folder_in_memory() as folder:
        etcd = EmbeddedEtcd(Path(folder))
        yield etcd.start()
        etcd.stop()


@pytest.fixture
def dns() -> Iterator[AnsweringDns]:
    """The DNS that pebble asks."""
    dns = AnsweringDns()
    yield dns
    dns.stop()


@pytest.fixture
def make_acme(tmp_path: Path, dns: AnsweringDns) -> Iterator[MakeAcme]:
    """`make_acme(**AcmeSettings)`: pebble at work."""
    with acme_maker(tmp_path, dns) as make:
        yield make


@pytest.fixture
def store(etcd_endpoint: str) -> Iterator[Store]:
    """An empty etcd."""
    store = Store([etcd_endpoint])
    store.delete_prefix("")
    yield store
    store.close()
