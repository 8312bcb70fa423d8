"""nginx on real machines: files that are served, copied to new machines, backed up, restored and removed."""

from collections.abc import Iterator
from typing import Any

import pytest

from lab.preconditions import why_no_lab
from tests.playbooks.hosts import PlaybookHosts, Played

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(900)]

FIRST, SECOND = "files101", "files102"
BACKUP = "/root/files.backup"


class Sites:
    """Machines for an nginx called files, and what flstr would tell of it."""

    def __init__(self, hosts: PlaybookHosts) -> None:
        self.hosts = hosts
        self.nodes: list[str] = [FIRST]
        self.leaving: list[str] = []
        self.variables: dict[str, object] = {}

    def play(self, action: str = "apply", check: bool = False, fails: bool = False, **more: object) -> Played:
        told = {
            "flstr_action": action,
            "flstr_service": "files",
            "flstr_port": 8080,
            "flstr_leader": "",
            "flstr_secrets": {},
            "flstr_users": {},
            "flstr_network_units": ["network-online.target"],
            "flstr_backup_node": FIRST,
            "flstr_backup_file": BACKUP,
        }
        return self.hosts.play("nginx", told | self.variables | more, self.nodes, self.leaving, check, fails)

    def get(self, path: str, options: str = "", node: str = FIRST) -> str:
        """Status and text of an answer."""
        url = f"http://{self.hosts.addresses[node]}:8080{path}"
        return self.hosts.on(FIRST, f"curl --silent --write-out ' %{{http_code}}' {options} {url} || true").strip()

    def grow(self) -> None:
        """Have a file that changes while it is read, until the unit `growing` is stopped."""
        growing = "while :; do date >>/srv/flstr-files/log; sleep 0.01; done"
        self.hosts.on(
            FIRST, f"truncate -s 300M /srv/flstr-files/log; systemd-run --quiet --unit=growing sh -c '{growing}'"
        )


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sites]:
    """Two fresh machines; the tests follow one another."""
    if (reason := why_no_lab()) is not None:
        pytest.skip(reason)
    hosts = PlaybookHosts(tmp_path_factory.mktemp("sites"), (FIRST, SECOND), (8080,))
    yield Sites(hosts)
    hosts.stop()


def test_it_is_healthy_before_there_are_files_and_serves_those_that_come(sites: Sites) -> None:
    sites.play()
    assert sites.get("/flstr-health") == "ok\n 200"
    assert sites.get("/hello.html").endswith("404")
    sites.hosts.on(FIRST, "echo hello >/srv/flstr-files/hello.html")
    assert sites.get("/hello.html") == "hello\n 200"
    address = sites.hosts.addresses[FIRST]
    assert sites.hosts.on(FIRST, "ss -Hltnp | awk '/nginx/ { print $4 }'") == f"{address}:8080"


def test_a_second_run_changes_nothing(sites: Sites) -> None:
    played = sites.play()
    assert played.changed == {FIRST: 0}, played.changed_tasks
    checked = sites.play(check=True)
    assert checked.changed == {FIRST: 0}, checked.changed_tasks


def test_a_changed_variable_is_served_and_a_wrong_one_is_refused(sites: Sites) -> None:
    sites.variables = {"nginx_spa_fallback": "/hello.html", "nginx_headers": {"X-Frame-Options": "DENY"}}
    sites.play()
    answer = sites.get("/nowhere", "--include")
    assert "X-Frame-Options: DENY" in answer
    assert answer.endswith("hello\n 200")
    assert "nginx_headers has a name" in sites.play(fails=True, nginx_headers={"X": '"; }'}).output
    assert sites.get("/hello.html") == "hello\n 200"


def test_a_site_that_nginx_does_not_take_with_the_others_is_not_left_there(sites: Sites) -> None:
    ours = "ls -l --time-style=+ /etc/nginx/conf.d; cat /etc/nginx/conf.d/flstr-*"
    sites.hosts.on(FIRST, "echo 'nonsense on;' >/etc/nginx/conf.d/other.conf")
    before = sites.hosts.on(FIRST, ours)
    ways: tuple[dict[str, Any], ...] = (
        {"nginx_index": ["other.html"]},
        {"flstr_service": "another", "flstr_port": 8081},
    )
    for refused in ways:
        played = sites.play(fails=True, **refused)
        assert 'unknown directive \\"nonsense\\"' in played.output
        assert sites.hosts.on(FIRST, ours) == before
    sites.hosts.on(FIRST, "rm /etc/nginx/conf.d/other.conf; rm -r /srv/flstr-another /etc/nginx/flstr-another.*")
    sites.play()


def test_apps_upload_where_they_may(sites: Sites) -> None:
    upload = "--request PUT --data-binary uploaded"
    assert sites.get("/a/b.txt", upload).endswith("405")
    sites.variables = {"nginx_uploads": True}
    sites.play()
    assert sites.get("/a/b.txt", upload).endswith("201")
    assert sites.get("/a/b.txt") == "uploaded 200"
    assert sites.get("/a/b.txt", "--request DELETE").endswith("204")
    played = sites.play()
    assert played.changed == {FIRST: 0}, played.changed_tasks
    sites.variables = {}
    sites.play()


def test_a_backup_is_restored(sites: Sites) -> None:
    sites.play("back_up")
    assert sites.hosts.on(FIRST, f"stat -c '%a %U' {BACKUP}") == "600 root"
    sites.hosts.on(FIRST, "cd /srv/flstr-files; echo bye >hello.html; touch later.html")
    sites.play("restore")
    assert sites.get("/hello.html") == "hello\n 200"
    assert sites.get("/later.html").endswith("404")


def test_a_file_that_grows_meanwhile_is_in_a_backup_too(sites: Sites) -> None:
    sites.grow()
    sites.play("back_up")
    sites.hosts.on(FIRST, "systemctl stop growing; rm /srv/flstr-files/log")
    assert sites.hosts.on(FIRST, f"tar --list --gzip --file={BACKUP} | sort").splitlines() == [
        "./", "./a/", "./hello.html", "./log"
    ]  # fmt: skip


def test_it_moves_to_another_machine_with_its_files(sites: Sites) -> None:
    sites.nodes, sites.leaving = [SECOND], [FIRST]
    sites.grow()
    sites.play()
    sites.hosts.on(FIRST, "systemctl stop growing")
    assert sites.get("/hello.html", node=SECOND) == "hello\n 200"
    assert int(sites.hosts.on(SECOND, "stat -c %s /srv/flstr-files/log")) > 300 << 20


def test_a_removal_that_was_cut_off_is_completed_by_the_next(sites: Sites) -> None:
    sites.hosts.on(FIRST, "echo 'nonsense on;' >/etc/nginx/conf.d/other.conf")
    assert "Nginx serves it no more" in sites.play("remove", fails=True).output
    assert sites.get("/hello.html") == "hello\n 200"
    sites.hosts.on(FIRST, "rm /etc/nginx/conf.d/other.conf")
    sites.play("remove")
    assert sites.get("/hello.html") == "000"
    assert sites.hosts.on(FIRST, "find /srv /etc -name '*flstr-files*'") == ""
    assert sites.get("/hello.html", node=SECOND) == "hello\n 200"
    assert sites.play("remove").changed == {FIRST: 0, SECOND: 0}
