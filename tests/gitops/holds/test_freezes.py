"""What is frozen stays as it is, whoever asks or merges, and the channel hears what waits."""

import pytest

from model import keys
from tests.gitops.flstr import DEVELOPER, OPERATOR, REVIEWER, THREE_WORKERS, Flstr
from tests.gitops.holds.held import commits, restarted, second, texts, workers
from tests.gitops.scene import CLUSTER_YAML, manifests
from tests.gitops.test_bad_commit import failing


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


def test_holding_what_is_held_or_not_there_is_one_sentence_each(flstr: Flstr) -> None:
    nothing = "No revision of the cluster repo was followed yet, so there is nothing to hold."
    flstr.store.put(keys.CLUSTER, manifests().cluster.to_json())
    assert flstr.ask("freeze 2h x") == nothing
    flstr.settle()
    assert flstr.ask("lock inflencer 2h x") == "There is no app or pool called inflencer; did you mean influencer?"
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
