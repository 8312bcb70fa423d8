"""What people asked, decided and did is in the audit: told once each, in etcd and in a branch of the cluster repo."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gitops.audit.branch import BRANCH, AuditBranch
from gitops.audit.entries import Mark
from gitops.audit.pushing import AuditPushing
from gitops.audit.recorder import Recorder
from gitops.audit.restored import go_on_from_git
from gitops.retention import prune
from gitops.store import Fence, Store
from model import keys
from model.errors import Unreadable
from model.operation import AuditEntry, BrokenGlass
from tests.gitops.flstr import DEVELOPER, REVIEWER, STRANGER, Flstr
from tests.gitops.remote import git

DAY = 86400.0


@contextmanager
def recording(store: Store) -> Iterator[Recorder]:
    """A recorder at work; what is there by the end is told."""
    recorder = Recorder(store)
    recorder.start()
    yield recorder
    recorder.stop()


def tell(flstr: Flstr) -> list[AuditEntry]:
    """All entries, once everything that is in etcd is told."""
    recorder = Recorder(flstr.store)
    recorder._told = {key.removeprefix(keys.AUDITED) for key in flstr.store.prefix(keys.AUDITED)}
    for prefix in (keys.INTENTS, keys.APPROVALS, keys.OPERATIONS, keys.HOLDS, keys.HELD):
        for key, text in flstr.store.prefix(prefix).items():
            recorder.record(key, text)
    return entries(flstr.store)


def entries(store: Store) -> list[AuditEntry]:
    return [AuditEntry.model_validate_json(text) for text in store.prefix(keys.AUDIT).values()]


def pushing(flstr: Flstr) -> AuditPushing:
    return AuditPushing(flstr.store, flstr.audit_branch)


def verified(flstr: Flstr) -> str:
    return flstr.ask("audit verify")


def in_git(flstr: Flstr) -> str:
    files = git(flstr.cluster.bare, "ls-tree", "-r", "--name-only", BRANCH).splitlines()
    return "".join(git(flstr.cluster.bare, "show", f"{BRANCH}:{path}") + "\n" for path in files)


def test_every_intent_is_told_as_it_was_answered(flstr: Flstr) -> None:
    flstr.settle()
    flstr.answer("scale influencer 1", DEVELOPER)
    flstr.answer("status", STRANGER)
    found = [entry for entry in tell(flstr) if entry.kind == "intent"]
    told = {(entry.person, entry.place, entry.what.partition(":")[0]) for entry in found}
    assert told == {
        ("developer", "slack #flstr", "/flstr scale influencer 1"),
        (STRANGER, "slack #flstr", "/flstr status"),
    }
    (refused,) = [entry.what for entry in found if entry.person == STRANGER]
    assert "refused: No person of cluster.yaml has the id U99STRANGER" in refused


def test_decisions_and_effects_are_told_with_person_place_and_revision(flstr: Flstr) -> None:
    waiting = flstr.removal()
    flstr.answer(f"approve {waiting.id} worker103", REVIEWER)
    flstr.settle()
    told = tell(flstr)
    (decision,) = [entry for entry in told if entry.kind == "decision"]
    assert (decision.person, decision.place, decision.operation) == ("reviewer", "slack #flstr", waiting.id)
    assert decision.revision == waiting.revision
    assert decision.what == f"approved: {waiting.plan.title}, plan {waiting.plan.digest()[:12]}"
    begins, ends = [entry for entry in told if entry.kind == "effect" and entry.operation == waiting.id]
    assert begins.what == f"begins: {waiting.plan.title}"
    assert ends.what.startswith(f"ends done: {waiting.plan.title}")
    for step in waiting.plan.steps:
        assert f"; {step.title}: done" in ends.what
    assert (ends.person, ends.place, ends.revision) == ("developer", "git", waiting.revision)


def test_a_broken_glass_is_told_with_its_reason(flstr: Flstr) -> None:
    waiting = flstr.removal()
    approval = flstr.operations.approvals()[0]
    glass = BrokenGlass(person="operator", reason="the disk is full", at=5.0)
    flstr.operations.change_approval(approval, approval.model_copy(update={"glass": glass}))
    (told,) = [entry for entry in tell(flstr) if entry.kind == "decision"]
    assert (told.person, told.at) == ("operator", 5.0)
    assert told.what.endswith(f"plan {waiting.plan.digest()[:12]}; reason: the disk is full")


def test_holds_are_told_as_they_begin_and_end_also_where_nobody_looked(flstr: Flstr) -> None:
    flstr.settle()
    flstr.ask("freeze 2h holidays")
    tell(flstr)
    flstr.ask("thaw")
    flstr.ask("lock influencer 1h the database moves")
    flstr.now[0] += 7200
    flstr.settle()
    told = [(entry.person, entry.place, entry.what) for entry in tell(flstr) if entry.source.startswith("hold/")]
    assert told == [
        ("operator", "slack #flstr", "begins: flstr is frozen until 1970-01-01 02:16 UTC: holidays"),
        ("operator", "slack #flstr", "begins: app influencer is locked until 1970-01-01 01:16 UTC: the database moves"),
        ("flstr", "by itself", "ends: app influencer is locked: the database moves"),
        ("operator", "slack #flstr", "ends: flstr is frozen: holidays"),
    ]
    assert "unbroken since" in verified(flstr)


def test_a_recorder_hears_what_was_there_and_what_comes_and_tells_each_once(flstr: Flstr) -> None:
    flstr.answer("status")
    with recording(flstr.store):
        flstr.settle()
        flstr.answer("plan")
    with recording(flstr.store):
        pass
    sources = [entry.source for entry in tell(flstr)]
    assert len(sources) == len(set(sources))
    assert sum(source.startswith("operation/") for source in sources) == 2
    assert sum(source.startswith("intent/") for source in sources) == 2
    assert verified(flstr).startswith(":white_check_mark:")


def test_an_event_costs_one_write_and_one_that_is_told_none(flstr: Flstr) -> None:
    flstr.settle()
    flstr.answer("status")
    before = flstr.store.changed("flstr/", 0)[1]
    told = len(tell(flstr))
    after = flstr.store.changed("flstr/", 0)[1]
    assert told == 3
    assert after - before == told
    assert len(tell(flstr)) == told
    assert flstr.store.changed("flstr/", 0)[1] == after


def test_two_recorders_make_one_chain(flstr: Flstr) -> None:
    """As where one was overtaken and does not know it yet."""
    flstr.settle()
    first, second = Recorder(flstr.store), Recorder(flstr.store)
    for number in range(6):
        intent = flstr.answered(f"status {number}")
        both = [
            threading.Thread(target=one.record, args=(keys.intent(intent.id), intent.to_json()))
            for one in (first, second)
        ]
        for thread in both:
            thread.start()
        for thread in both:
            thread.join()
    assert verified(flstr).startswith(":white_check_mark: ")
    assert sum(entry.source.startswith("intent/") for entry in entries(flstr.store)) == 6


def test_a_recorder_that_was_overtaken_ends(store: Store) -> None:
    store.put(keys.LEADER, "another")
    fenced = threading.Event()
    recorder = Recorder(store.fenced(Fence(keys.LEADER, 1)), lambda _: fenced.set())
    store.put(keys.hold("freeze"), '{"id":"freeze","reason":"x","person":"operator","since":1.0}')
    recorder.start()
    assert fenced.wait(60)
    recorder.stop()
    assert store.prefix(keys.AUDIT) == {}


def test_the_branch_has_each_entry_as_a_line_and_many_in_a_commit(flstr: Flstr) -> None:
    flstr.answer("status")
    flstr.settle()
    told = tell(flstr)
    assert pushing(flstr).look()
    assert in_git(flstr) == "".join(f"{entry.to_json()}\n" for entry in told)
    assert git(flstr.cluster.bare, "log", "--format=%an %s", BRANCH) == f"flstr Audit: entries 1 to {len(told)}"
    head = git(flstr.cluster.bare, "rev-parse", BRANCH)
    assert pushing(flstr).look()
    assert git(flstr.cluster.bare, "rev-parse", BRANCH) == head
    flstr.answer("status")
    tell(flstr)
    assert pushing(flstr).look()
    assert git(flstr.cluster.bare, "log", "-1", "--format=%s", BRANCH) == f"Audit: entry {len(told) + 1}"
    assert f"{len(told) + 1} entries, unbroken since" in verified(flstr)
    flstr.settle()
    assert git(flstr.cluster.bare, "ls-tree", "--name-only", "main").splitlines() == ["apps", "cluster.yaml"]


def test_a_push_that_fails_is_made_up_for_and_holds_nothing_up(flstr: Flstr) -> None:
    flstr.settle()
    flstr.answer("status")
    tell(flstr)
    away = flstr.cluster.bare.with_suffix(".away")
    flstr.cluster.bare.rename(away)
    assert not pushing(flstr).look()
    assert "Git does not answer" in verified(flstr)
    away.rename(flstr.cluster.bare)
    flstr.cluster.refuse_pushes()
    assert not pushing(flstr).look()
    flstr.answer("status")
    tell(flstr)
    assert not pushing(flstr).look()
    told = [notice for notice in flstr.notices() if "did not take the commit" in notice]
    assert len(told) == 1
    assert "pre-receive hook declined" in told[0]
    (flstr.cluster.bare / "hooks/pre-receive").unlink()
    assert pushing(flstr).look()
    assert "4 of them are in Git as well" in verified(flstr)


def test_a_controller_that_was_killed_after_its_push_is_gone_on_from(flstr: Flstr, tmp_path: Path) -> None:
    flstr.answer("status")
    tell(flstr)
    pushing(flstr).look()
    flstr.store.delete(keys.AUDIT_PUSHED)
    flstr.answer("status")
    told = tell(flstr)
    again = AuditPushing(flstr.store, AuditBranch(flstr.cluster.url, tmp_path / "another clone"))
    assert again.look()
    assert in_git(flstr) == "".join(f"{entry.to_json()}\n" for entry in told)
    assert Mark.of(flstr.store.get(keys.AUDIT_PUSHED)).number == len(told)


@pytest.mark.parametrize("how", ["set back", "rewritten", "removed"])
def test_nothing_is_added_to_a_branch_that_somebody_has_changed(flstr: Flstr, how: str) -> None:
    flstr.settle()
    for _ in range(2):
        flstr.answer("status")
        tell(flstr)
        pushing(flstr).look()
    work = flstr.cluster.work
    git(work, "fetch", "-q", "origin", BRANCH)
    git(work, "checkout", "-q", "FETCH_HEAD")
    if how == "set back":
        git(work, "push", "-q", "--force", "origin", f"HEAD~1:{BRANCH}")
    elif how == "removed":
        git(work, "push", "-q", "origin", f":{BRANCH}")
    else:
        month = max((work / "audit").iterdir())
        month.write_text(month.read_text().replace("developer", "reviewer"))
        git(work, "commit", "-q", "-a", "-m", "x")
        git(work, "push", "-q", "origin", f"HEAD:{BRANCH}")
    flstr.answer("status")
    tell(flstr)
    assert not pushing(flstr).look()
    assert not pushing(flstr).look()
    (notice,) = flstr.notices()
    assert "which somebody has changed: ent" in notice
    assert verified(flstr).startswith(":rotating_light: The audit is broken: ent")
    # What the clone of flstr still holds mends it.
    git(flstr.audit_branch._folder, "push", "-q", "--force", flstr.cluster.url, BRANCH)
    assert pushing(flstr).look()
    assert "5 entries, unbroken since" in verified(flstr)


def test_an_etcd_that_was_lost_goes_on_from_what_git_has(flstr: Flstr) -> None:
    flstr.settle()
    count = len(tell(flstr))
    pushing(flstr).look()
    flstr.store.delete_prefix("flstr/audit/")
    intent = flstr.answered("status")
    Recorder(flstr.store, last_in_git=pushing(flstr).last).record(keys.intent(intent.id), intent.to_json())
    assert [entry.number for entry in entries(flstr.store)] == [count + 1]
    assert pushing(flstr).look()
    assert f"{count + 1} entries, unbroken since" in verified(flstr)


def test_an_etcd_from_a_backup_goes_on_from_git_where_that_has_more(flstr: Flstr) -> None:
    flstr.settle()
    tell(flstr)
    pushing(flstr).look()
    backup = flstr.store.prefix("")
    flstr.answer("status")
    count = len(tell(flstr))
    pushing(flstr).look()
    flstr.store.delete_prefix("")
    flstr.store.write(backup)
    go_on_from_git(flstr.store, flstr.audit_branch)
    flstr.answer("status", REVIEWER)
    assert [entry.number for entry in tell(flstr)] == [count + 1]
    assert pushing(flstr).look()
    assert f"{count + 1} entries, unbroken since" in verified(flstr)


def test_where_git_has_no_more_than_the_backup_its_entries_stay(flstr: Flstr) -> None:
    flstr.settle()
    pushing(flstr).look()
    flstr.answer("status")
    before = [entry.number for entry in tell(flstr)]
    go_on_from_git(flstr.store, flstr.audit_branch)
    assert [entry.number for entry in tell(flstr)] == before
    assert pushing(flstr).look()


def test_old_entries_leave_etcd_once_git_has_them_and_the_chain_goes_on(flstr: Flstr) -> None:
    flstr.settle()
    flstr.answer("status")
    count = len(tell(flstr))
    prune(flstr.store, time.time() + 40 * DAY)
    assert len(entries(flstr.store)) == count
    pushing(flstr).look()
    prune(flstr.store, time.time() + 40 * DAY)
    assert [entry.number for entry in entries(flstr.store)] == [count]
    prune(flstr.store, time.time() + 40 * DAY)
    assert not any("intent" in key for key in flstr.store.prefix(keys.AUDITED))
    flstr.ask("freeze 2h holidays")
    tell(flstr)
    pushing(flstr).look()
    assert f"{count + 1} entries, unbroken since" in verified(flstr)
    assert flstr.ask("audit 1").splitlines()[-1].startswith("hash: `")


def test_the_audit_is_read_by_app_person_operation_and_number(flstr: Flstr) -> None:
    (first,) = flstr.settle()
    flstr.answer("scale influencer 1", DEVELOPER)
    flstr.answer("status", REVIEWER)
    told = tell(flstr)
    assert len(flstr.ask("audit").splitlines()) == len(told)
    assert "reviewer, slack #flstr: /flstr status: answered" in flstr.ask("audit reviewer")
    assert len(flstr.ask("audit reviewer").splitlines()) == 1
    assert "/flstr scale influencer 1" in flstr.ask("audit influencer")
    assert "/flstr status" not in flstr.ask("audit influencer")
    assert len(flstr.ask(f"audit {first.id}").splitlines()) == 2
    assert len(flstr.ask(f"audit {first.id[-5:]}").splitlines()) == 2
    assert f"hash: `{told[0].hash}`" in flstr.ask("audit 1")
    assert flstr.ask("audit 99") == "The audit has nothing of 99."
    assert flstr.ask("audit nobody") == "The audit has nothing of nobody."


def test_a_tampered_etcd_is_named(flstr: Flstr) -> None:
    flstr.settle()
    flstr.answer("status")
    tell(flstr)
    key = keys.audit_entry(2)
    text = flstr.store.get(key) or ""
    flstr.store.put(key, text.replace('"person":"developer"', '"person":"operator"'))
    assert verified(flstr) == ":rotating_light: The audit is broken: entry 2 in etcd was changed."
    assert not pushing(flstr).look()
    flstr.store.put(key, "no entry at all")
    assert verified(flstr) == ":rotating_light: The audit is broken: entry 2 in etcd was changed."
    assert flstr.ask("audit developer")
    flstr.store._client.call(lambda etcd: etcd.put(key, b"\xff"))
    with pytest.raises(Unreadable, match="entry/000000000002 cannot be read"):
        flstr.desk.reply(flstr._intent("audit verify", "U01OPERATOR"))
    flstr.store.delete(key)
