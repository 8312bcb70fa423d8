"""A locked app or pool stays as it is, whoever asks or merges; all else goes on."""

from model import keys
from tests.gitops.flstr import REVIEWER, THREE_WORKERS, Flstr
from tests.gitops.holds.held import commits, restarted, second, texts, workers
from tests.gitops.pretend import fail_at
from tests.gitops.remote import git
from tests.gitops.scene import app_yaml


def test_a_locked_app_stays_while_all_else_follows(flstr: Flstr) -> None:
    flstr.settle()
    said = flstr.ask("lock influencer 2h the database moves")
    assert said.startswith(
        ":lock: App influencer is locked until 1970-01-01 02:16 UTC (the database moves); it stays as"
    )
    flstr.cluster.push({"cluster.yaml": THREE_WORKERS}, "One more worker")
    flstr.cluster.push(second(flstr), "Deploy the second")
    flstr.settle()
    assert workers(flstr) == ["worker101", "worker102", "worker103"]
    assert commits(flstr) == {flstr.app[1]}
    (notice,) = texts(flstr)
    assert notice.splitlines()[1:] == ["• waits: Deploy the second (developer, git)"]
    flstr.cluster.push({"apps/influencer.yaml": None}, "Remove it")
    flstr.settle()
    assert commits(flstr) == {flstr.app[1]}
    assert "• waits: Remove it (developer, git)\n• waits: Deploy the second" in texts(flstr)[0]
    flstr.cluster.push(second(flstr), "Deploy the second after all")
    flstr.settle()
    assert flstr.ask("unlock influencer") == "App influencer is not locked any more; what waited is done now."
    flstr.settle()
    assert commits(flstr) == {flstr.app[2]}
    assert texts(flstr)[-1].startswith(
        ":arrow_forward: App influencer goes on: the lock of operator (the database moves)"
    )


def test_a_locked_pool_stays_and_its_machines_are_replaced_all_the_same(flstr: Flstr) -> None:
    flstr.settle()
    flstr.ask("lock worker 2h we measure")
    flstr.ask("scale worker 3")
    flstr.cluster.pull()
    flstr.cluster.push(second(flstr), "Deploy the second")
    flstr.settle()
    assert workers(flstr) == ["worker101", "worker102"]
    assert flstr.registry.cluster().pools["worker"].count == 2
    assert commits(flstr) == {flstr.app[2]}
    assert [line for line in texts(flstr)[0].splitlines() if "waits:" in line] == [
        "• waits: Scale worker from 2 to 3 (operator, slack #flstr)"
    ]
    flstr.ask("unlock worker")
    flstr.settle()
    assert workers(flstr) == ["worker101", "worker102", "worker103"]
    assert flstr.registry.cluster().pools["worker"].count == 3


def test_a_revision_that_does_not_go_with_what_is_locked_waits_as_a_whole(flstr: Flstr) -> None:
    flstr.settle()
    flstr.ask("lock influencer 2h the database moves")
    first = app_yaml(flstr.app[0].url, flstr.app[1])
    other = first.replace("app: influencer", "app: other").partition("ingress:")[0]
    moved = first.replace("port: 5001", "port: 5002")
    flstr.cluster.push({"apps/influencer.yaml": moved, "apps/other.yaml": other}, "Two apps")
    assert len(flstr.settle()) == 1
    (notice,) = texts(flstr)
    assert "• waits: Two apps (developer, git)" in notice
    assert (
        "The whole revision waits: beside what is locked, apps/other.yaml is wrong: influencer and other both" in notice
    )
    assert "both publish port" in flstr.ask("status")
    before = flstr.store.changed("flstr/", 0)[1]
    flstr.look()
    assert flstr.store.changed("flstr/", 0)[1] == before
    flstr.ask("unlock influencer")
    flstr.settle()
    assert ("backend", "other") in flstr.registry.read().apps


def test_a_lock_is_not_ended_while_what_stays_locked_would_not_go_with_it(flstr: Flstr) -> None:
    first = app_yaml(flstr.app[0].url, flstr.app[1])
    other = first.replace("app: influencer", "app: other").replace("port: 5001", "port: 5002").partition("ingress:")[0]
    flstr.cluster.push({"apps/other.yaml": other})
    flstr.settle()
    flstr.ask("lock influencer 2h one")
    flstr.ask("lock other 4h two")
    swapped: dict[str, str | None] = {
        "apps/influencer.yaml": first.replace("port: 5001", "port: 5002"),
        "apps/other.yaml": other.replace("port: 5002", "port: 5003"),
    }
    flstr.cluster.push(swapped)
    flstr.settle()
    assert "both publish port 5002" in flstr.ask("unlock influencer")
    flstr.now[0] += 3 * 3600
    flstr.settle()
    assert sorted(flstr.store.prefix(keys.HOLDS)) == [keys.hold("app-influencer"), keys.hold("app-other")]
    assert "its time is over, but beside what is locked" in texts(flstr)[0]
    flstr.now[0] += 2 * 3600
    flstr.settle()
    assert flstr.store.prefix(keys.HOLDS) == {}
    ports = {app.publish.port for app in flstr.worker.following.newest().apps.values()}
    assert ports == {5002, 5003}


def test_a_release_that_fails_while_its_app_is_locked_goes_back_all_the_same(flstr: Flstr) -> None:
    flstr.settle()
    flstr.cluster.push(second(flstr))
    flstr.pretend.before = fail_at("instance.start")
    flstr.settle()
    flstr.ask("lock influencer 2h the database moves")
    flstr.pretend.before = lambda _: None
    flstr.settle()
    assert flstr.store.prefix(keys.HOLDS).keys() == {keys.hold("app-influencer")}
    assert flstr.registry.read().apps["backend", "influencer"].instances


def test_a_removal_that_was_wanted_before_waits_for_the_lock_of_its_pool(flstr: Flstr) -> None:
    waiting = flstr.removal()
    flstr.ask("lock worker 2h the disks are counted")
    assert flstr.approve(waiting, REVIEWER) == (
        "Pool worker is locked by operator until 1970-01-01 02:16 UTC (the disks are counted); it begins after that, or "
        "after `unlock worker`."
    )
    flstr.ask("unlock worker")
    flstr.approve(waiting, REVIEWER)
    flstr.ask("lock worker 2h the disks are counted")
    flstr.settle()
    assert workers(flstr) == ["worker101", "worker102", "worker103"]
    flstr.ask("unlock worker")
    flstr.settle()
    assert workers(flstr) == ["worker101", "worker102"]


def test_a_lock_ends_though_a_rewritten_history_has_lost_its_revision(flstr: Flstr) -> None:
    flstr.settle()
    flstr.ask("lock influencer 2h the database moves")
    git(flstr.cluster.work, "checkout", "-q", "--orphan", "anew")
    head = flstr.cluster.push({}, "anew", force=True)
    git(flstr.cluster.bare, "reflog", "expire", "--expire=now", "--all")
    git(flstr.cluster.bare, "gc", "-q", "--prune=now")
    after = restarted(flstr, at="with a clone of its own")
    assert after.ask("unlock influencer").startswith("App influencer is not locked any more")
    after.ask(f"sync {head[:10]}")
    after.settle()
    assert after.worker.state().revision == head
