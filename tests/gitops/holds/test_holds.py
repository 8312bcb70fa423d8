"""What is held stays as it is, whoever asks or merges; all else goes on, and the channel hears what waits."""

from dataclasses import replace

import pytest

from gitops.holds.rules import held, waiting_line, why_not_begin
from gitops.manifests import Manifests
from model import keys
from model.operation import Hold, Notice, Operation
from tests.gitops.flstr import DEVELOPER, OPERATOR, REVIEWER, THREE_WORKERS, Flstr, assemble
from tests.gitops.pretend import fail_at
from tests.gitops.remote import git
from tests.gitops.scene import CLUSTER_YAML, app_yaml, manifests
from tests.gitops.test_bad_commit import failing

FROZEN = Hold(id="freeze", reason="holidays", person="operator", since=1.0, until=1800.0)
LOCKED = Hold(
    id="app-influencer", reason="the database moves", person="operator", since=1.0, until=1800.0, revision="r"
)
POOL = LOCKED.model_copy(update={"id": "pool-worker"})
SUSPENDED = Hold(id="suspend", reason="hands off", person="operator", since=1.0)
FOURTH = CLUSTER_YAML.replace("    count: 2\n    first: 101", "    count: 4\n    first: 101")


def commits(flstr: Flstr) -> set[str]:
    return {item.commit for item in flstr.registry.read().apps["backend", "influencer"].instances.values()}


def workers(flstr: Flstr) -> list[str]:
    return sorted(name for name in flstr.registry.read().nodes if name.startswith("worker"))


def texts(flstr: Flstr) -> list[str]:
    found = [Notice.model_validate_json(value) for value in flstr.store.prefix(keys.NOTICES).values()]
    return [notice.text for notice in sorted(found, key=lambda notice: (notice.at, notice.id))]


def second(flstr: Flstr) -> dict[str, str | None]:
    """The app's manifest at its second commit."""
    return {"apps/influencer.yaml": app_yaml(flstr.app[0].url, flstr.app[2])}


def restarted(flstr: Flstr, *, at: str) -> Flstr:
    """Another flstr on the same etcd, as after a crash."""
    folder = flstr.cluster.work.parent / at
    folder.mkdir()
    after = assemble(flstr.store, flstr.cluster, flstr.app, folder)
    after.now[0] = flstr.now[0]
    return after


@pytest.mark.parametrize(
    ("words", "hold", "said"),
    [
        (
            ["scale", "influencer", "3"],
            FROZEN,
            "frozen by operator until 1970-01-01 00:30 UTC (holidays). What is asked",
        ),
        (
            ["scale", "influencer", "3"],
            SUSPENDED,
            "suspended by operator (hands off). What is asked for waits until some",
        ),
        (["deploy", "influencer@a1b2c3"], LOCKED, ":lock: app influencer is locked by operator until 1970-01-01 00:30"),
        (["drain", "worker101"], POOL, "pool worker is locked by operator"),
        (["scale", "worker", "3"], POOL, "pool worker is locked by operator"),
        (["deploy", "other@a1b2c3"], LOCKED, ""),
        (["drain", "ingress016"], POOL, ""),
        (["status"], FROZEN, ""),
    ],
)
def test_who_asks_for_what_is_held_is_told_why_and_until_when(words: list[str], hold: Hold, said: str) -> None:
    line = waiting_line(words[0], words[1:], [hold])
    assert said in line
    assert bool(said) == bool(line)


def test_nothing_that_people_ask_for_begins_while_frozen_or_suspended() -> None:
    assert why_not_begin([]) == why_not_begin([LOCKED, POOL]) == ""
    assert why_not_begin([FROZEN]) == (
        "flstr is frozen by operator until 1970-01-01 00:30 UTC (holidays); it begins after that, or after `thaw`."
    )
    assert "suspended by operator (hands off); it begins again after `resume`" in why_not_begin([FROZEN, SUSPENDED])


def test_a_locked_app_is_as_the_revision_of_its_lock_and_all_else_is_new() -> None:
    old, new = manifests(), manifests(THREE_WORKERS, app_yaml(commit="2" * 40))
    mix = held(new, [LOCKED], {"r": old}.__getitem__)
    assert mix == Manifests(new.cluster, old.apps)
    assert held(replace(new, apps={}), [LOCKED], {"r": old}.__getitem__).apps == old.apps
    assert held(new, [FROZEN, SUSPENDED], {"r": old}.__getitem__) == new


def test_a_locked_pool_keeps_its_machines_and_which_are_drained() -> None:
    old = manifests(CLUSTER_YAML.replace("drained: []", "") + "drained: [worker101]\n")
    new = manifests(FOURTH + "drained: [worker102]\n")
    mix = held(new, [POOL], {"r": old}.__getitem__)
    assert mix.cluster.pools["worker"].count == 2
    assert mix.cluster.drained == ("worker101",)
    assert {name: mix.cluster.pools[name] for name in ("controller", "ingress")} == {
        name: new.cluster.pools[name] for name in ("controller", "ingress")
    }


def test_a_frozen_flstr_follows_nothing_newer_and_says_what_waits(flstr: Flstr) -> None:
    flstr.settle()
    said = flstr.ask("freeze 2h holidays")
    assert said.startswith(":ice_cube: Frozen until 1970-01-01 02:16 UTC (holidays): no revision after")
    asked = flstr.ask(f"deploy influencer@{flstr.app[2][:7]}", DEVELOPER)
    assert "is frozen by operator until 1970-01-01 02:16 UTC (holidays). What is asked for waits until then." in asked
    flstr.cluster.pull()
    flstr.cluster.push({"cluster.yaml": THREE_WORKERS}, "One more worker")
    assert len(flstr.settle()) == 1
    assert commits(flstr) == {flstr.app[1]}
    (notice,) = texts(flstr)
    first, *waits = notice.splitlines()
    assert first == (
        ":ice_cube: flstr is frozen by operator until 1970-01-01 02:16 UTC (holidays). "
        "No newer revision is followed; what flstr does by itself goes on."
    )
    assert waits == [
        "• waits: One more worker (developer, git)",
        f"• waits: Deploy influencer@{flstr.app[2][:12]} (was {flstr.app[1][:12]}) (developer, slack #flstr)",
    ]
    for shown in (flstr.ask("status"), flstr.ask("plan")):
        assert "flstr is frozen, by operator until" in shown
        assert waits[0] in shown
    assert flstr.ask("thaw") == "Thawed; what waited is done now."
    flstr.settle()
    assert commits(flstr) == {flstr.app[2]}
    assert workers(flstr) == ["worker101", "worker102", "worker103"]
    was, goes_on = texts(flstr)
    assert was.startswith(":ice_cube: flstr was frozen by operator from 1970-01-01 00:16 UTC to")
    assert (
        goes_on.splitlines()[0]
        == ":arrow_forward: flstr goes on: the freeze of operator (holidays) has ended by operator."
    )
    assert "• now: One more worker (developer, git)" in goes_on
    assert "frozen" not in flstr.ask("status")


def test_a_freeze_costs_no_write_once_what_waits_is_told(flstr: Flstr) -> None:
    flstr.settle()
    flstr.ask("freeze 2h holidays")
    flstr.cluster.push({"cluster.yaml": THREE_WORKERS})
    flstr.settle()
    before = flstr.store.changed("flstr/", 0)[1]
    for _ in range(3):
        flstr.look()
    assert flstr.store.changed("flstr/", 0)[1] == before


def test_what_flstr_does_by_itself_goes_on_while_frozen(flstr: Flstr) -> None:
    flstr.settle()
    flstr.ask("freeze 2h holidays")
    flstr.cluster.push(second(flstr))
    flstr.store.put(keys.dead("worker101"), "1")
    assert [operation.status for operation in flstr.settle()] == ["done", "done"]
    found = flstr.registry.read().apps["backend", "influencer"].instances.values()
    assert {item.node for item in found} == {"worker102"}
    assert commits(flstr) == {flstr.app[1]}


def test_a_hold_ends_by_itself_at_its_time(flstr: Flstr) -> None:
    flstr.settle()
    flstr.ask("freeze 2h holidays")
    flstr.cluster.push(second(flstr))
    flstr.now[0] += 7100
    flstr.settle()
    assert commits(flstr) == {flstr.app[1]}
    flstr.now[0] += 200
    flstr.settle()
    assert commits(flstr) == {flstr.app[2]}
    assert "the freeze of operator (holidays) has ended.\n" in texts(flstr)[-1]


def test_an_approved_removal_does_not_begin_while_frozen(flstr: Flstr) -> None:
    waiting = flstr.removal()
    flstr.ask("freeze 2h holidays")
    said = flstr.ask(f"approve {waiting.id}", REVIEWER)
    assert said.startswith("flstr is frozen by operator until")
    # As where somebody approved just before.
    approval = flstr.operations.approvals()[0]
    flstr.operations.change_approval(approval, approval.model_copy(update={"status": "approved"}))
    assert flstr.settle()[-1].status == "awaiting_approval"
    assert "worker103" in flstr.registry.read().nodes


def test_a_window_of_the_manifest_begins_and_ends_and_can_be_ended_by_hand(flstr: Flstr) -> None:
    # The scene's clock begins on Thursday, 1970-01-01 00:16.
    window = 'freezes:\n  - {weekly: {from: "Thu 06:00", until: "Thu 18:00"}, reason: nobody looks}\n'
    flstr.cluster.push({"cluster.yaml": CLUSTER_YAML + window})
    flstr.settle()
    week = 7 * 86400
    flstr.now[0] = 8 * 3600
    flstr.settle()
    flstr.cluster.push(second(flstr))
    flstr.settle()
    assert commits(flstr) == {flstr.app[1]}
    assert "flstr is frozen by cluster.yaml until 1970-01-01 18:00 UTC (nobody looks)" in texts(flstr)[0]
    assert flstr.ask("thaw") == "Thawed, which cluster.yaml held (nobody looks); what waited is done now."
    flstr.settle()
    assert commits(flstr) == {flstr.app[2]}
    restarted(flstr, at="again").settle()
    assert flstr.store.prefix(keys.HOLDS) == {}
    flstr.now[0] = 8 * 3600 + week
    flstr.settle()
    assert list(flstr.store.prefix(keys.HOLDS)) == [keys.hold(f"window-{6 * 3600 + week}")]
    flstr.now[0] = 18 * 3600 + week
    flstr.settle()
    assert flstr.store.prefix(keys.HOLDS) == {}


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


def test_a_suspended_flstr_begins_nothing_but_moves_floating_ips(flstr: Flstr) -> None:
    floating = "floating_ips:\n  public: {pool: ingress}\n"
    two = CLUSTER_YAML.replace("    count: 1\n    first: 16", "    count: 2\n    first: 16") + floating
    flstr.cluster.push({"cluster.yaml": two})
    flstr.settle()
    holder = flstr.registry.read().floating_ips["public"].node
    offered = flstr.answered("suspend somebody works on the machines")
    assert "Nothing was done yet." in offered.answer
    assert offered.instead == "suspend somebody works on the machines --yes"
    assert flstr.store.prefix(keys.HOLDS) == {}
    flstr.ask(offered.instead)
    flstr.store.put(keys.dead("worker101"), "1")
    flstr.cluster.push(second(flstr), "Deploy the second")
    before = len(flstr.operations.all())
    flstr.settle()
    assert len(flstr.operations.all()) == before
    flstr.store.put(keys.unreachable(holder or ""), "1")
    flstr.settle()
    assert [one.status for one in flstr.operations.all()[before:]] == ["done"]
    assert flstr.registry.read().floating_ips["public"].node not in (None, holder)
    (notice,) = [text for text in texts(flstr) if "suspended" in text]
    assert "but that floating IPs move" in notice
    assert "• waits: Deploy the second" in notice
    assert flstr.ask("resume") == "flstr goes on."
    flstr.settle()
    assert commits(flstr) == {flstr.app[2]}


def test_what_runs_goes_to_its_end_when_suspended_also_after_a_crash(flstr: Flstr) -> None:
    flstr.settle()
    flstr.cluster.push({"cluster.yaml": THREE_WORKERS})
    asked: list[str] = []
    flstr.pretend.before = lambda _: asked.append(flstr.ask("suspend hands off --yes"))
    while not flstr.worker.dispatch.running:
        flstr.look()
    flstr.worker.dispatch.wait(10)
    flstr.settle()
    assert flstr.operations.all()[-1].status == "done"
    flstr.pretend.before = lambda _: None
    # As a controller leaves it that is killed in the middle; and one that has not begun.
    last = flstr.operations.all()[-1]
    killed = last.model_copy(update={"status": "running", "ended": None, "created": last.created + 1})
    queued = Operation(**{**dict(killed), "id": "queued", "status": "queued", "created": last.created + 2})
    flstr.operations.save(killed)
    flstr.operations.save(queued)
    after = restarted(flstr, at="again")
    after.settle()
    assert [one.status for one in after.operations.all()[-2:]] == ["done", "queued"]


def test_holds_are_as_etcd_says_after_a_restart(flstr: Flstr) -> None:
    flstr.settle()
    flstr.ask("lock influencer 2h the database moves")
    flstr.cluster.push(second(flstr), "Deploy the second")
    after = restarted(flstr, at="again")
    after.settle()
    assert commits(flstr) == {flstr.app[1]}
    assert "• waits: Deploy the second (developer, git)" in texts(flstr)[0]
    before = flstr.store.changed("flstr/", 0)[1]
    restarted(flstr, at="once more").look()
    assert flstr.store.changed("flstr/", 0)[1] == before
    after.ask("unlock influencer")
    restarted(flstr, at="at last").settle()
    assert commits(flstr) == {flstr.app[2]}


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


def test_holding_what_is_held_or_not_there_is_one_sentence_each(flstr: Flstr) -> None:
    nothing = "No revision of the cluster repo was followed yet, so there is nothing to hold."
    flstr.store.put(keys.CLUSTER, manifests().cluster.to_json())
    assert flstr.ask("freeze 2h x") == nothing
    flstr.settle()
    assert flstr.ask("lock inflencer 2h x") == "There is no app or pool called inflencer. Did you mean influencer?"
    assert flstr.ask("unlock influencer") == "influencer is not locked; nothing was changed."
    assert flstr.ask("thaw") == "Nothing is frozen; nothing was changed."
    assert flstr.ask("resume") == "flstr is not suspended; nothing was changed."
    assert "'soon' is no end; write how long" in flstr.ask("lock influencer soon x")
    assert "Say why" in flstr.ask("lock influencer 2h")
    flstr.ask("lock influencer 2h the database moves")
    longer = flstr.ask("lock influencer 3h the database still moves")
    assert longer.startswith(
        ":lock: App influencer is locked already, now until 1970-01-01 03:16 UTC (the database still"
    )
    assert len(texts(flstr)) == 1
    assert "03:16 UTC (the database still moves)" in texts(flstr)[0]


def test_what_another_person_holds_is_let_go_before_it_is_held_anew(flstr: Flstr) -> None:
    yaml = CLUSTER_YAML.replace("may: [read, approve]", "may: [read, approve, hold]")
    flstr.cluster.push({"cluster.yaml": yaml})
    flstr.settle()
    flstr.ask("lock influencer 2h the database moves", OPERATOR)
    said = flstr.ask("lock influencer 4h me too", REVIEWER)
    assert said.startswith(
        "It is held already, by operator until 1970-01-01 02:16 UTC (the database moves); say `unlock"
    )
    assert "which operator held (the database moves)" in flstr.ask("unlock influencer", REVIEWER)


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


@pytest.mark.parametrize("words", ["freeze 2h holidays", "lock influencer 2h holidays"])
def test_a_failed_release_is_not_tried_once_more_while_it_is_held(flstr: Flstr, words: str) -> None:
    second_commit = flstr.app[2]
    flstr.settle()
    flstr.pretend.before = failing(second_commit)
    flstr.cluster.push(second(flstr))
    flstr.worker._reverts.make = lambda *_: False  # type: ignore[method-assign]
    flstr.settle()
    flstr.pretend.before = lambda _: None
    operations = len(flstr.operations.all())
    quarantined = flstr.store.prefix(keys.QUARANTINE)
    assert quarantined
    flstr.ask(words)
    assert "by operator until 1970-01-01 02:16 UTC (holidays)" in flstr.ask(
        f"deploy influencer@{second_commit} --anyway"
    )
    flstr.settle()
    assert flstr.store.prefix(keys.QUARANTINE) == quarantined
    assert len(flstr.operations.all()) == operations


def test_the_doctor_mends_nothing_while_suspended(flstr: Flstr) -> None:
    flstr.settle()
    flstr.ask("suspend hands off --yes")
    assert flstr.ask("doctor --fix") == (
        "flstr is suspended by operator (hands off); it mends nothing until somebody says `resume`."
    )


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
