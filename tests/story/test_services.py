"""Redis with a replica, and nginx, as merged manifests ask for them: installed from real packages on real hosts, used
by an app through its own machine's HAProxy, and carried over the death of the primary, a restore, a move and a removal."""

import json
import re
import time
from pathlib import Path

import pytest

from lab.story.chapters import BUILD_UP_SECONDS
from lab.story.chat import OPERATOR, REVIEWER, Card
from lab.story.stage import Stage
from tests.story.asked import asked, await_new, await_settled, records
from tests.story.service_scene import (
    ASSETS,
    ASSETS_PORT,
    CACHE,
    DOCS,
    FIRST,
    PORT,
    SECOND,
    SECONDS,
    SERVICE_WISHES,
    THIRD,
    await_offset,
    await_visits,
    backups_of_cache,
    change,
    on,
    propose,
    record,
    redis_offset,
    redis_says,
    shell,
    visit,
)
from tests.story.views import operation, registered

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(900)]

WISHES = SERVICE_WISHES


@pytest.fixture(scope="module")
def cluster(stage: Stage) -> Stage:
    """The example's machines with three more for services, and a bucket for backups."""
    stage.flstr.start()
    stage.chat.await_card(lambda card: card.ending == "done", "the first operation to end", BUILD_UP_SECONDS)
    place = f"backups:\n  to: {stage.around.s3.place}\n  endpoint: {stage.around.s3_url}\n  region: lab\n\n"
    stage.merge("backups", {"approvals:\n  count": f"{place}approvals:\n  count"}, person="operator")
    await_settled(stage)
    return stage


@pytest.fixture(scope="module")
def cached(cluster: Stage) -> Card:
    """Redis with a replica was merged, and the app that counts in it as well; the card of Redis."""
    visits = cluster.app_commit("visits")
    before = records(cluster)

    def edit(folder: Path) -> None:
        (folder / "services").mkdir(exist_ok=True)
        (folder / "services/cache.yaml").write_text(CACHE)
        app = folder / "apps/influencer.yaml"
        lines = [f'commit: "{visits}"' if line.startswith("commit:") else line for line in app.read_text().splitlines()]
        app.write_text("\n".join([*lines, "needs: [cache]", ""]))

    cluster.push("cache", edit)
    card = await_new(cluster, before, "Redis to be installed")
    assert card.ending == "done", (card.text, cluster.chat.thread(card))
    await_settled(cluster)
    return card


def test_the_tasks_of_the_playbook_are_on_the_card_and_its_output_is_in_the_thread(
    cluster: Stage, cached: Card
) -> None:
    assert "install cache" in cached.text
    steps = operation(cluster, cached.record).steps
    tasks = [task for state in steps.values() for task in (state.tasks.shown if state.tasks else ())]
    assert "Whom it follows" in [task.name for task in tasks if task.changed], tasks
    thread = "\n".join(cluster.chat.thread(cached))
    for node in (FIRST, SECOND):
        assert re.search(rf"{node} ok=\d+ changed=[1-9]", thread), thread


def test_an_app_counts_in_it_through_its_own_machines_haproxy(cluster: Stage, cached: Card) -> None:
    assert visit(cluster) == 1
    assert visit(cluster) == 2
    said = on(cluster, "worker101", f"ss --no-header --listening --tcp --numeric '( sport = :{PORT} )'")
    assert [line.split()[3] for line in said.splitlines()] == [f"127.0.0.1:{PORT}"]


def test_it_is_registered_as_the_notes_have_it(cluster: Stage, cached: Card) -> None:
    service = registered(cluster).services["cache"]
    assert service.meta_data is not None
    assert service.meta_data.to_json() == (
        '{"publish":{"port":6379},"env_prefix":"REDIS","env":{"PROTOCOL":"redis","PATH":"/"}}'
    )
    assert sorted(service.instances) == [FIRST, SECOND]
    assert (record(cluster).leader, record(cluster).nodes) == (FIRST, (FIRST, SECOND))


def test_it_listens_in_the_overlay_alone_and_only_its_machines_let_it_in(cluster: Stage, cached: Card) -> None:
    for node in (FIRST, SECOND):
        said = on(cluster, node, "ss --no-header --listening --tcp --numeric --processes | grep redis-server")
        assert [line.split()[3] for line in said.splitlines()] == [
            f"{registered(cluster).nodes[node].addresses['overlay']}:{PORT}"
        ]
        assert f"{PORT}/tcp" in on(cluster, node, "firewall-cmd --zone=overlay --list-all")
        assert f"{PORT}/tcp" not in on(cluster, node, "firewall-cmd --zone=public --list-all")
    for node in (THIRD, "worker101", "ingress016"):
        assert f"{PORT}/tcp" not in on(cluster, node, "firewall-cmd --zone=overlay --list-all")


def test_nobody_comes_in_without_the_password_which_is_nowhere_to_be_read(cluster: Stage, cached: Card) -> None:
    address = registered(cluster).nodes[FIRST].addresses["overlay"]
    refused = on(cluster, "worker101", f"printf 'GET visits\\r\\n' | nc -w 2 {address} {PORT}")
    assert "NOAUTH" in refused
    credentials = on(cluster, "worker101", "cat /var/lib/flstr/credentials/*/REDIS_PASSWORD").strip()
    assert len(credentials) >= 32
    log = cluster.flstr.log.read_text()
    assert credentials not in log
    assert credentials not in operation(cluster, cached.record).to_json()
    assert credentials not in "\n".join(cluster.chat.thread(cached))


def test_a_changed_variable_is_shown_by_plan_before_and_runs_the_playbook_again(cluster: Stage, cached: Card) -> None:
    before = visit(cluster)
    assert before is not None
    propose(cluster, "memory", lambda text: text.replace("64mb", "96mb"))
    said = asked(cluster, OPERATOR, "/flstr plan memory")
    shown = said.partition("*What the playbook of cache would change*")[2]
    for node in (FIRST, SECOND):
        of_it = shown.partition(f"• {node}: ")[2].partition("\n•")[0]
        assert "-maxmemory 64mb" in of_it, said
        assert "+maxmemory 96mb" in of_it, said
    assert "maxmemory 64mb" in on(cluster, FIRST, "grep -rh ^maxmemory /etc/redis")
    card = change(cluster, "more-memory", lambda text: text.replace("64mb", "96mb"))
    assert "cache" in card.text
    assert "maxmemory 96mb" in on(cluster, FIRST, "grep -rh ^maxmemory /etc/redis")
    assert visit(cluster) == before + 1


def test_nginx_is_installed_and_every_machine_reaches_it_at_its_own_haproxy(cluster: Stage, cached: Card) -> None:
    change(cluster, "assets", lambda _: ASSETS, "services/assets.yaml")
    on(cluster, SECOND, "echo hello > /srv/flstr-assets/index.html")
    for node in ("worker101", "ingress016", THIRD):
        assert on(cluster, node, f"curl -s --max-time 5 http://127.0.0.1:{ASSETS_PORT}/") == "hello\n"


def test_a_database_has_the_users_of_its_manifest_and_the_app_comes_as_its_own(cluster: Stage, cached: Card) -> None:
    archive = f"http://{cluster.around.lab.machines.router.address}/mongodb"
    before = records(cluster)

    def edit(folder: Path) -> None:
        (folder / "services/docs.yaml").write_text(DOCS.format(node=THIRD, archive=archive))
        app = folder / "apps/influencer.yaml"
        app.write_text(app.read_text().replace("needs: [cache]", "needs: [cache, docs]"))

    cluster.push("docs", edit)
    card = await_new(cluster, before, "the stand-in for MongoDB to be installed")
    assert card.ending == "done", (card.text, cluster.chat.thread(card))
    await_settled(cluster)
    unit = "$(systemctl list-units --plain --no-legend 'flstr-backend-influencer-*' | cut -d' ' -f1)"
    assert "DOCS_USER=influencer" in on(cluster, "worker101", f"systemctl show --property=Environment {unit}")
    password = on(cluster, "worker101", "cat /var/lib/flstr/credentials/*/DOCS_PASSWORD")
    request = {"auth": ["influencer", password, "influencer"], "db": "influencer", "command": {"usersInfo": 1}}
    address = f"{registered(cluster).nodes[THIRD].addresses['overlay']}:27017"
    asked_there = json.dumps({"address": address, "request": request})
    said = json.loads(on(cluster, THIRD, f"/usr/lib/standin/mongo-request <<'END'\n{asked_there}\nEND"))
    (user,) = said["users"]
    assert (user["user"], user["roles"]) == (
        "influencer",
        [{"role": "readWrite", "db": "influencer"}, {"role": "dbAdmin", "db": "influencer"}],
    )
    # Its own HAProxy has asked whether it serves, in MongoDB's own words.
    states = on(cluster, "worker101", "echo 'show servers state service-docs' | socat - /run/haproxy/admin.sock")
    assert [line.split()[5] for line in states.splitlines()[2:] if line] == ["2"]


def test_the_replica_takes_over_where_the_primary_is_killed(cluster: Stage, cached: Card) -> None:
    counted = visit(cluster)
    assert counted is not None
    # What is acknowledged is on the replica a moment later.
    await_offset(cluster, SECOND, redis_offset(cluster, FIRST))
    before = records(cluster)
    cluster.cut_power(FIRST)
    began = time.monotonic()
    # A visit that is not answered may have been counted: nobody visits before somebody can read.
    assert await_visits(cluster, lambda count: count >= counted) == counted
    assert visit(cluster) == counted + 1
    print(f"counted again {time.monotonic() - began:.1f} s after the power of the primary was cut")
    card = cluster.chat.await_card(
        lambda card: card.record not in before and SECOND in card.text and card.ending == "done", "the card of it"
    )
    assert "cache" in card.text
    assert record(cluster).leader == SECOND


def test_the_old_primary_follows_once_it_is_back(cluster: Stage, cached: Card) -> None:
    cluster.power_on(FIRST)
    deadline = time.monotonic() + SECONDS
    while redis_says(cluster, FIRST) != "slave":
        assert time.monotonic() < deadline, "the old primary does not follow"
        time.sleep(0.5)
    assert redis_says(cluster, SECOND) == "master"
    await_settled(cluster)
    assert record(cluster).leader == SECOND


def test_a_backup_is_restored_once_somebody_else_approves(cluster: Stage, cached: Card) -> None:
    kept = visit(cluster)
    assert kept is not None
    before = records(cluster)
    shell(cluster, "service", "backup", "cache")
    card = await_new(cluster, before, "a backup of cache")
    assert card.ending == "done", (card.text, cluster.chat.thread(card))
    name = backups_of_cache(cluster)[0]
    assert name in asked(cluster, OPERATOR, "/flstr service backups cache")
    assert name in shell(cluster, "service", "backups", "cache")
    for number in range(3):
        assert visit(cluster) == kept + number + 1
    before = records(cluster)
    asked(cluster, OPERATOR, "/flstr service restore cache")
    waiting = cluster.chat.await_card(lambda card: card.record not in before and card.waits, "a card that asks")
    assert visit(cluster, "GET") == kept + 3
    cluster.chat.click(REVIEWER, waiting, "approval.approve")
    cluster.chat.await_card(lambda card: card.ts == waiting.ts and card.ending == "done", "the restore", SECONDS)
    assert await_visits(cluster, lambda count: count == kept) == kept
    await_settled(cluster)
    assert redis_says(cluster, FIRST) == "slave"


def test_one_is_made_by_the_clock(cluster: Stage, cached: Card) -> None:
    before, kept = records(cluster), set(backups_of_cache(cluster))
    every_minute = "backup:\n  at: '* * * * *'\n"

    def write(folder: Path, text: str) -> None:
        manifest = folder / "services/cache.yaml"
        manifest.write_text(manifest.read_text().replace(every_minute, "") + text)

    cluster.push("each-minute", lambda folder: write(folder, every_minute))
    card = await_new(cluster, before, "a backup by the clock", "back up cache")
    assert card.ending == "done", (card.text, cluster.chat.thread(card))
    assert set(backups_of_cache(cluster)) > kept
    cluster.push("no-more", lambda folder: write(folder, ""))
    await_settled(cluster)


def test_a_replica_is_added_by_the_manifest(cluster: Stage, cached: Card) -> None:
    counted = visit(cluster, "GET")
    change(cluster, "third", lambda text: text.replace(f"[{FIRST}, {SECOND}]", f"[{FIRST}, {SECOND}, {THIRD}]"))
    assert redis_says(cluster, THIRD) == "slave"
    assert record(cluster).leader == SECOND
    assert visit(cluster, "GET") == counted


def test_it_moves_to_another_machine_with_what_it_holds(cluster: Stage, cached: Card) -> None:
    counted = visit(cluster, "GET")
    change(cluster, "moved", lambda text: text.replace(f"[{FIRST}, {SECOND}, {THIRD}]", f"[{THIRD}]"))
    assert (record(cluster).leader, record(cluster).nodes) == (THIRD, (THIRD,))
    assert visit(cluster, "GET") == counted
    for node in (FIRST, SECOND):
        assert redis_says(cluster, node) == ""
        assert on(cluster, node, "ls /var/lib/redis/cache 2>/dev/null") == ""


def test_it_is_removed_after_an_approval_and_a_last_backup(cluster: Stage, cached: Card) -> None:
    change(
        cluster,
        "no-need",
        lambda text: text.replace("needs: [cache, docs]\n", "needs: [docs]\n"),
        "apps/influencer.yaml",
    )
    before, backups = records(cluster), set(backups_of_cache(cluster))
    cluster.push("no-cache", lambda folder: (folder / "services/cache.yaml").unlink(), person="operator")
    waiting = cluster.chat.await_card(lambda card: card.record not in before and card.waits, "a card that asks")
    assert "cache" in "\n".join(waiting.sections)
    cluster.chat.click(REVIEWER, waiting, "approval.approve")
    card = cluster.chat.await_card(lambda card: card.ts == waiting.ts and card.ending is not None, "it to go", SECONDS)
    assert card.ending == "done", (card.text, cluster.chat.thread(card))
    assert len(set(backups_of_cache(cluster)) - backups) == 1
    assert "cache" not in registered(cluster).services
    assert redis_says(cluster, THIRD) == ""
    for backup in backups_of_cache(cluster):
        assert backup in asked(cluster, OPERATOR, "/flstr service backups cache")
