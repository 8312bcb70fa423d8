"""The worker on a real Git remote and a real etcd, with executors that only register."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gitops.app_repos import AppRepos
from gitops.operations import Operations
from gitops.registry import Registry
from gitops.repository import ClusterRepo
from gitops.revisions import Revisions
from gitops.routed import wrongly_routed
from gitops.runner import Runner
from gitops.store import Store
from gitops.verbs.change import Change
from gitops.verbs.decide import Decide
from gitops.verbs.desk import Desk, Request
from gitops.verbs.look import Look
from gitops.worker import Worker
from model import keys
from model.errors import Refused, StepFailed, Unreadable
from model.operation import Approval, Asker, Intent, Operation
from model.steps import Step
from tests.gitops.conftest import Remote, git
from tests.gitops.scene import CLUSTER_YAML, Pretend, app_yaml, fail_at

THREE_WORKERS = CLUSTER_YAML.replace("    count: 2\n    first: 101", "    count: 3\n    first: 101")
OPERATOR, DEVELOPER, REVIEWER, STRANGER = "U01OPERATOR", "U02DEVELOPER", "U03REVIEWER", "U99STRANGER"


@dataclass
class Flstr:
    """A worker and what it works on."""

    worker: Worker
    desk: Desk
    store: Store
    operations: Operations
    registry: Registry
    pretend: Pretend
    cluster: Remote
    app: tuple[Remote, str, str]
    now: list[float]

    def settle(self) -> list[Operation]:
        """Look until nothing is left to do; the operations there are."""
        for _ in range(50):
            if not self.worker.look():
                return self.operations.all()
        raise AssertionError("the worker never settles")

    def ask(self, words: str, user: str = OPERATOR) -> str:
        """What a person in Slack is answered."""
        try:
            return self.desk.answer(self._intent(words, user))
        except Refused as error:
            return error.sentence

    def answer(self, words: str, user: str = OPERATOR) -> str:
        """What stands in etcd for a person to read."""
        return self.answered(words, user).answer

    def answered(self, words: str, user: str = OPERATOR) -> Intent:
        """An intent as it stands in etcd once it was answered."""
        intent = self._intent(words, user)
        self.store.put(keys.intent(intent.id), intent.to_json())
        self.desk._answer(intent)
        found = Intent.model_validate_json(self.store.get(keys.intent(intent.id)) or "")
        assert found.status == "answered"
        return found

    def _intent(self, words: str, user: str) -> Intent:
        verb, *arguments = words.split()
        return Intent(
            id=f"{words}{len(self.store.prefix(keys.INTENTS))}",
            verb=verb,
            arguments=tuple(arguments),
            words=f"/flstr {words}",
            asker=Asker(place="slack", user=user, channel="C01FLSTR", channel_name="flstr"),
            asked=0,
        )

    def notices(self) -> list[str]:
        return list(self.store.prefix(keys.NOTICES).values())


@pytest.fixture
def flstr(store: Store, cluster_remote: Remote, app_remote: tuple[Remote, str, str], tmp_path: Path) -> Iterator[Flstr]:
    now = [1000.0]

    def clock() -> float:
        now[0] += 0.01
        return now[0]

    registry, operations, pretend = Registry(store), Operations(store, clock), Pretend()
    repo, app_repos = ClusterRepo(cluster_remote.url, tmp_path / "clone"), AppRepos(tmp_path / "apps")
    revisions = Revisions(repo, app_repos)
    runner = Runner(operations, registry, pretend.executors(), token=1)
    worker = Worker(revisions, registry, operations, runner, clock)
    change, look = Change(repo, app_repos, worker.wake), Look(registry, revisions, operations, worker.state, {})
    decide = Decide(store, operations, worker.wake, clock)
    handlers: dict[str, Callable[[Request], str]] = {
        "deploy": change.deploy, "scale": change.scale, "status": look.status, "plan": look.plan,
        "approve": decide.approve, "deny": decide.deny, "sync": decide.sync,
    }  # fmt: skip
    desk = Desk(store, registry, handlers)
    yield Flstr(worker, desk, store, operations, registry, pretend, cluster_remote, app_remote, now)
    desk.stop()


def test_the_first_revision_is_followed(flstr: Flstr) -> None:
    (operation,) = flstr.settle()
    assert operation.status == "done"
    assert sorted(flstr.registry.read().nodes) == ["controller001", "ingress016", "worker101", "worker102"]


def test_an_unchanged_repo_costs_no_write(flstr: Flstr) -> None:
    flstr.settle()
    before, done = flstr.store._prefix("")[1], len(flstr.pretend.done)
    for _ in range(5):
        assert not flstr.worker.look()
    assert flstr.store._prefix("")[1] == before
    assert len(flstr.pretend.done) == done


def test_a_deploy_from_slack_is_a_commit_under_the_persons_name(flstr: Flstr) -> None:
    flstr.settle()
    second = flstr.app[2]
    answer = flstr.ask(f"deploy influencer@{second[:7]}", DEVELOPER)
    assert f"→ {second[:8]}" in answer
    flstr.cluster.pull()
    log = git(flstr.cluster.work, "log", "-1", "--format=%an <%ae>%n%s%n%b")
    assert log.startswith(f"developer <developer@flstr.lab>\nDeploy influencer@{second[:12]}")
    assert "Asked-in: slack #flstr" in log
    assert f'commit: "{second}"' in (flstr.cluster.work / "apps/influencer.yaml").read_text()
    operation = flstr.settle()[-1]
    assert operation.status == "done"
    assert (operation.origin.person, operation.origin.place) == ("developer", "slack #flstr")
    commits = {item.commit for item in flstr.registry.read().apps["backend", "influencer"].instances.values()}
    assert commits == {second}


def test_what_was_committed_but_not_answered_is_not_committed_again(flstr: Flstr) -> None:
    flstr.settle()
    intent = flstr._intent("scale influencer 3", DEVELOPER)
    flstr.store.put(keys.intent(intent.id), intent.to_json())
    first = flstr.desk.answer(intent)
    # The controller is killed here. Before the next one finds the intent, somebody asks for something else.
    flstr.ask("scale influencer 4")
    head = git(flstr.cluster.bare, "rev-parse", "main")
    flstr.desk._answer(intent)
    answered = Intent.model_validate_json(flstr.store.get(keys.intent(intent.id)) or "")
    assert answered.answer.partition(":")[2] == first.partition(":")[2]
    assert git(flstr.cluster.bare, "rev-parse", "main") == head


def test_an_answer_is_written_once_etcd_takes_it(flstr: Flstr, monkeypatch: pytest.MonkeyPatch) -> None:
    flstr.settle()
    swap, silent = flstr.store.swap, iter([True])

    def silent_once(key: str, old: str, new: str) -> bool:
        if next(silent, False):
            raise Unreadable("etcd does not answer")
        return swap(key, old, new)

    monkeypatch.setattr(flstr.store, "swap", silent_once)
    assert "influencer is already at 2" in flstr.answer("scale influencer 2")


@pytest.mark.parametrize(
    ("words", "user", "expected"),
    [
        ("deploy influencer@ffffffff", DEVELOPER, "has no commit, branch or tag 'ffffffff'; near it are"),
        ("deploy inflencer@main", DEVELOPER, "There is no app called inflencer. Did you mean influencer?"),
        ("deploy influencer@main", REVIEWER, "You may not deploy; developer or operator may."),
        ("deploy influencer@main", STRANGER, "No person of cluster.yaml has the id U99STRANGER"),
        ("scale worke 3", OPERATOR, "There is no app or pool called worke. Did you mean worker?"),
        ("scale worker 0", OPERATOR, "influencer has no worker to run on"),
        ("scale influencer 2", OPERATOR, "influencer is already at 2; nothing to do."),
        ("status nothing", OPERATOR, "There is no app or node called nothing."),
        ("approve 7f3a", OPERATOR, "'7f3a' is no operation that waits; nothing waits for an approval."),
    ],
)
def test_what_cannot_be_done_gets_one_sentence_and_changes_nothing(
    flstr: Flstr, words: str, user: str, expected: str
) -> None:
    flstr.settle()
    head = git(flstr.cluster.bare, "rev-parse", "main")
    assert expected in flstr.ask(words, user)
    assert git(flstr.cluster.bare, "rev-parse", "main") == head
    assert len(flstr.settle()) == 1


def test_an_answer_says_whether_it_is_a_refusal(flstr: Flstr) -> None:
    flstr.settle()
    assert flstr.answered("deploy influencer@main", REVIEWER).refused
    assert not flstr.answered("scale influencer 2", OPERATOR).refused


def test_status_and_plan_answer(flstr: Flstr) -> None:
    flstr.settle()
    assert "worker101 (worker, 10.77.0.9), 1 instance" in flstr.ask("status")
    assert "influencer: `" in flstr.ask("status")
    assert "changes nothing" in flstr.ask("plan")
    flstr.cluster.push({"cluster.yaml": THREE_WORKERS})
    assert "rent worker103" in flstr.ask("plan")


def test_a_machine_taken_away_waits_for_a_second_person(flstr: Flstr) -> None:
    flstr.cluster.push({"cluster.yaml": THREE_WORKERS})
    flstr.settle()
    assert "3 → 2" in flstr.ask("scale worker 2")
    waiting = flstr.settle()[-1]
    assert waiting.status == "awaiting_approval"
    assert "worker103" in flstr.registry.read().nodes
    assert flstr.ask(f"approve {waiting.id}").startswith("You asked for this yourself")
    assert flstr.ask(f"approve {waiting.id}", REVIEWER) == "Approved; the operation starts."
    done = flstr.settle()[-1]
    assert (done.id, done.status) == (waiting.id, "done")
    assert "worker103" not in flstr.registry.read().nodes
    assert len(flstr.registry.read().apps["backend", "influencer"].instances) == 2


def test_denied_and_expired_removals_leave_the_machine(flstr: Flstr) -> None:
    flstr.cluster.push({"cluster.yaml": THREE_WORKERS})
    flstr.settle()
    flstr.cluster.push({"cluster.yaml": CLUSTER_YAML})
    denied = flstr.settle()[-1]
    assert flstr.ask(f"deny {denied.id}", REVIEWER) == "Denied; nothing is changed."
    assert flstr.settle()[-1].status == "denied"
    assert "already denied" in flstr.ask(f"approve {denied.id}", REVIEWER)
    flstr.ask("sync")
    asked_again = flstr.settle()[-1]
    assert asked_again.status == "awaiting_approval"
    flstr.now[0] += 3600
    assert flstr.settle()[-1].status == "expired"
    assert "worker103" in flstr.registry.read().nodes
    assert flstr.ask(f"approve {asked_again.id}", REVIEWER).startswith("This was already expired")


def test_a_changed_plan_voids_the_card(flstr: Flstr) -> None:
    flstr.cluster.push({"cluster.yaml": THREE_WORKERS})
    flstr.settle()
    flstr.cluster.push({"cluster.yaml": CLUSTER_YAML})
    old = flstr.settle()[-1]
    flstr.cluster.push(
        {"cluster.yaml": CLUSTER_YAML.replace("    count: 2\n    first: 101", "    count: 1\n    first: 101")}
    )
    new = flstr.settle()[-1]
    states = {operation.id: operation.status for operation in flstr.operations.all()}
    assert (states[old.id], states[new.id]) == ("void", "awaiting_approval")
    assert "already void" in flstr.ask(f"approve {old.id}", REVIEWER)


def test_everybody_who_took_something_away_counts_as_the_requester(flstr: Flstr) -> None:
    flstr.cluster.push({"cluster.yaml": THREE_WORKERS})
    flstr.settle()
    flstr.ask("scale worker 2", OPERATOR)
    # Before flstr looks, somebody else commits something else, which is the newest revision then.
    flstr.ask(f"deploy influencer@{flstr.app[2]}", DEVELOPER)
    waiting = flstr.settle()[-1]
    assert (waiting.origin.person, waiting.status) == ("developer", "awaiting_approval")
    assert flstr.ask(f"approve {waiting.id}").startswith("You asked for this yourself")
    # The plan changes with a later commit of somebody else: who asked for the loss stays the same.
    flstr.ask("scale worker 1", DEVELOPER)
    again = flstr.settle()[-1]
    assert (again.status, again.id != waiting.id) == ("awaiting_approval", True)
    assert flstr.ask(f"approve {again.id}").startswith("You asked for this yourself")
    assert flstr.ask(f"approve {again.id}", REVIEWER) == "Approved; the operation starts."
    assert flstr.settle()[-1].status == "done"


def test_leave_of_somebody_who_lost_the_right_before_it_was_used_does_not_count(flstr: Flstr) -> None:
    flstr.cluster.push({"cluster.yaml": THREE_WORKERS})
    flstr.settle()
    flstr.cluster.push({"cluster.yaml": CLUSTER_YAML})
    waiting = flstr.settle()[-1]
    flstr.ask(f"approve {waiting.id}", REVIEWER)
    flstr.cluster.push({"cluster.yaml": CLUSTER_YAML.replace("may: [read, approve]", "may: [read]")})
    operations = flstr.settle()
    assert [item.status for item in operations[-2:]] == ["void", "awaiting_approval"]
    assert "worker103" in flstr.registry.read().nodes


def test_what_is_wanted_again_while_its_removal_runs_is_not_destroyed(flstr: Flstr) -> None:
    flstr.cluster.push({"cluster.yaml": THREE_WORKERS})
    flstr.settle()
    flstr.cluster.push({"cluster.yaml": CLUSTER_YAML})
    flstr.ask(f"approve {flstr.settle()[-1].id}", REVIEWER)

    def somebody_restores_it(step: Step) -> None:
        if step.kind == "mesh.leave":
            flstr.cluster.push({"cluster.yaml": THREE_WORKERS})

    flstr.pretend.before = somebody_restores_it
    removal, restored = flstr.settle()[-2:]
    assert removal.sentence == "destroy worker103: worker103 is not to be removed any more; nothing more is destroyed"
    assert restored.status == "done"
    assert "node.destroy" not in flstr.pretend.done
    assert "worker103" in flstr.registry.read().nodes


def test_a_removal_that_goes_on_after_a_kill_asks_git_first(flstr: Flstr) -> None:
    flstr.cluster.push({"cluster.yaml": THREE_WORKERS})
    flstr.settle()
    flstr.cluster.push({"cluster.yaml": CLUSTER_YAML})
    waiting = flstr.settle()[-1]
    flstr.ask(f"approve {waiting.id}", REVIEWER)
    assert flstr.worker.look()
    queued = flstr.operations.get(waiting.id)
    assert queued is not None
    flstr.operations.save(queued.model_copy(update={"status": "running"}))
    flstr.cluster.push({"cluster.yaml": THREE_WORKERS})
    flstr.settle()
    assert not {"mesh.leave", "node.destroy"} & set(flstr.pretend.done)


def test_no_leave_no_destruction(flstr: Flstr) -> None:
    flstr.cluster.push({"cluster.yaml": THREE_WORKERS})
    flstr.settle()
    flstr.cluster.push({"cluster.yaml": CLUSTER_YAML})
    waiting = flstr.settle()[-1]
    # As if a bug or a hand had let it go without anybody's leave.
    flstr.operations.save(waiting.model_copy(update={"status": "queued"}))
    flstr.settle()
    ended = flstr.operations.get(waiting.id)
    assert ended is not None
    assert ended.sentence.endswith("no leave was given for this plan; nothing more is destroyed")
    assert not {"mesh.leave", "node.destroy"} & set(flstr.pretend.done)


def test_ids_and_revisions_need_enough_of_them(flstr: Flstr) -> None:
    flstr.cluster.push({"cluster.yaml": THREE_WORKERS})
    flstr.settle()
    flstr.cluster.push({"cluster.yaml": CLUSTER_YAML})
    waiting = flstr.settle()[-1]
    assert "is no operation that waits" in flstr.ask(f"approve {waiting.id[:3]}", REVIEWER)
    assert "7 digits of it at least" in flstr.ask("sync a")
    assert flstr.ask(f"approve {waiting.id[-4:]}", REVIEWER).startswith("Approved")


def test_leave_for_a_plan_that_changed_after_the_click_is_not_used(flstr: Flstr) -> None:
    flstr.cluster.push({"cluster.yaml": THREE_WORKERS})
    flstr.settle()
    flstr.cluster.push({"cluster.yaml": CLUSTER_YAML})
    waiting = flstr.settle()[-1]
    flstr.ask(f"approve {waiting.id}", REVIEWER)
    flstr.cluster.push({"cluster.yaml": THREE_WORKERS})
    flstr.settle()
    assert {operation.id: operation.status for operation in flstr.operations.all()}[waiting.id] == "void"
    assert "worker103" in flstr.registry.read().nodes


def test_a_card_whose_leave_was_voided_by_a_controller_that_died_is_ended(flstr: Flstr) -> None:
    flstr.cluster.push({"cluster.yaml": THREE_WORKERS})
    flstr.settle()
    flstr.cluster.push({"cluster.yaml": CLUSTER_YAML})
    waiting = flstr.settle()[-1]
    (approval,) = flstr.operations.approvals()
    assert flstr.operations.change_approval(approval, approval.model_copy(update={"status": "void"}))
    flstr.settle()
    assert {item.id: item.status for item in flstr.operations.all()}[waiting.id] == "void"


def test_a_denial_that_arrives_with_a_sync_ends_its_card(flstr: Flstr) -> None:
    flstr.cluster.push({"cluster.yaml": THREE_WORKERS})
    flstr.settle()
    flstr.cluster.push({"cluster.yaml": CLUSTER_YAML})
    denied = flstr.settle()[-1]
    flstr.ask("sync")
    close = flstr.worker._close_decided

    def close_then_deny(operations: list[Operation], approvals: list[Approval]) -> None:
        close(operations, approvals)
        flstr.worker._close_decided = close  # type: ignore[method-assign]
        assert flstr.ask(f"deny {denied.id}", REVIEWER) == "Denied; nothing is changed."

    flstr.worker._close_decided = close_then_deny  # type: ignore[method-assign]
    flstr.settle()
    assert {item.id: item.status for item in flstr.operations.all()}[denied.id] == "void"


def test_a_click_between_reading_and_voiding_is_looked_at(flstr: Flstr) -> None:
    flstr.cluster.push({"cluster.yaml": THREE_WORKERS})
    flstr.settle()
    flstr.cluster.push({"cluster.yaml": CLUSTER_YAML})
    waiting = flstr.settle()[-1]
    flstr.cluster.push({"cluster.yaml": THREE_WORKERS})
    assert flstr.worker.look()
    void = flstr.worker._void

    def click_then_void(approval: Approval, sentence: str) -> bool:
        flstr.worker._void = void  # type: ignore[method-assign]
        flstr.ask(f"approve {waiting.id}", REVIEWER)
        return void(approval, sentence)

    flstr.worker._void = click_then_void  # type: ignore[method-assign]
    flstr.settle()
    assert {item.id: item.status for item in flstr.operations.all()}[waiting.id] == "void"
    assert [approval.status for approval in flstr.operations.approvals()] == ["void"]
    assert "worker103" in flstr.registry.read().nodes


def test_leave_for_an_operation_that_has_ended_is_not_looked_at_for_ever(flstr: Flstr) -> None:
    flstr.cluster.push({"cluster.yaml": THREE_WORKERS})
    flstr.settle()
    flstr.cluster.push({"cluster.yaml": CLUSTER_YAML})
    waiting = flstr.settle()[-1]
    flstr.ask(f"approve {waiting.id}", REVIEWER)
    flstr.operations.end(waiting, "void", "as if it had ended otherwise")
    flstr.settle()
    assert "worker103" in flstr.registry.read().nodes


def test_every_kind_of_operation_leaves_nothing_to_do(flstr: Flstr) -> None:
    def all_done(operations: int) -> None:
        assert [operation.status for operation in flstr.settle()] == ["done"] * operations
        assert "changes nothing" in flstr.ask("plan")

    def with_leave(operations: int) -> None:
        flstr.ask(f"approve {flstr.settle()[-1].id}", REVIEWER)
        all_done(operations)

    all_done(1)
    flstr.ask(f"deploy influencer@{flstr.app[2][:7]}")
    all_done(2)
    flstr.ask("scale influencer 4")
    all_done(3)
    flstr.ask("scale influencer 1")
    all_done(4)
    flstr.ask("scale worker 3")
    all_done(5)
    flstr.ask("scale worker 1")
    with_leave(6)
    second = app_yaml(flstr.app[0].url, flstr.app[1]).replace("influencer", "creator").replace("5001", "5002")
    second = second.replace("    location: /\n", "    location: /creator\n").replace(
        "creator.flstr", "influencer.flstr"
    )
    second = second.replace("INFLUENCER", "CREATOR").replace(
        flstr.app[0].url.replace("influencer", "creator"), flstr.app[0].url
    )
    flstr.cluster.pull()
    flstr.cluster.push({"apps/creator.yaml": second})
    all_done(7)
    flstr.cluster.push({"apps/creator.yaml": None, "apps/influencer.yaml": None})
    with_leave(8)
    registered = flstr.registry.read()
    assert (registered.apps, registered.ingress, registered.ports) == ({}, {}, {})


def test_routing_that_failed_is_done_once_it_can_be(flstr: Flstr) -> None:
    flstr.pretend.before = fail_at("routing.apply", "ingress016: no answer")
    operations = flstr.settle()
    assert [operation.plan.title for operation in operations[1:]] == ["bring the routing up to date"]
    assert {operation.status for operation in operations} == {"failed"}
    assert "bring HAProxy and nginx up to date" in flstr.ask("plan")
    flstr.pretend.before = lambda _: None
    flstr.ask("sync")
    assert flstr.settle()[-1].status == "done"
    assert "changes nothing" in flstr.ask("plan")


def test_an_app_that_fails_holds_up_no_other(flstr: Flstr) -> None:
    second = app_yaml(flstr.app[0].url, flstr.app[1])
    for old, new in (
        ("app: influencer", "app: creator"),
        ("5001", "5002"),
        ("INFLU", "CRE"),
        ("influencer.fl", "creator.fl"),
    ):
        second = second.replace(old, new)
    flstr.cluster.push({"apps/creator.yaml": second})

    def creator_fails(step: Step) -> None:
        if step.kind == "release.build" and step.app.app == "creator":
            raise StepFailed("the build of creator failed")

    flstr.pretend.before = creator_fails
    flstr.settle()
    registered = flstr.registry.read()
    assert set(registered.ingress) == {"influencer.flstr.lab:80"}
    assert len(registered.apps["backend", "influencer"].instances) == 2
    assert wrongly_routed(registered) == ()


def test_a_machine_that_cannot_be_rented_holds_up_no_other(flstr: Flstr) -> None:
    def sold_out(step: Step) -> None:
        if step.kind == "node.create" and step.node == "worker102":
            raise StepFailed("none is left there at the moment")

    flstr.pretend.before = sold_out
    assert {operation.status for operation in flstr.settle()} == {"failed"}
    registered = flstr.registry.read()
    assert sorted(registered.nodes) == ["controller001", "ingress016", "worker101"]
    assert [item.node for item in registered.apps["backend", "influencer"].instances.values()] == ["worker101"]
    assert wrongly_routed(registered) == ()
    flstr.pretend.before = lambda _: None
    flstr.ask("sync")
    assert flstr.settle()[-1].status == "done"
    assert "changes nothing" in flstr.ask("plan")


def test_what_an_operation_cannot_mend_is_not_tried_for_ever(flstr: Flstr) -> None:
    flstr.settle()
    # A machine that is not reached keeps its port, as the real executor has it.
    flstr.pretend.act["instance.stop"] = lambda step, context: None
    flstr.ask("scale influencer 1")
    operations = flstr.settle()
    assert [operation.status for operation in operations] == ["done"] * 3
    assert operations[-1].plan.steps[0].title.startswith("clean up influencer 2-")


def test_a_failed_operation_is_not_tried_again_until_somebody_says_so(flstr: Flstr) -> None:
    flstr.settle()
    flstr.pretend.before = fail_at("release.build", "the build failed")
    flstr.ask(f"deploy influencer@{flstr.app[2][:7]}")
    assert [operation.status for operation in flstr.settle()] == ["done", "failed"]
    assert len(flstr.settle()) == 2
    flstr.pretend.before = lambda _: None
    flstr.ask("sync")
    assert [operation.status for operation in flstr.settle()] == ["done", "failed", "done"]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"cluster.yaml": "pools: ["}, "cluster.yaml:1: this is not YAML"),
        ({"cluster.yaml": CLUSTER_YAML + "colour: blue\n"}, "'colour' is not a known field"),
        ({"cluster.yaml": None}, "cluster.yaml:1: the file is missing"),
        ({"cluster.yaml": None, "apps/influencer.yaml": None}, "cluster.yaml:1: the file is missing"),
    ],
)
def test_a_bad_revision_is_refused_once_and_nothing_changes(
    flstr: Flstr, files: dict[str, str | None], expected: str
) -> None:
    flstr.settle()
    before = flstr.registry.read()
    bad = flstr.cluster.push(files)
    assert len(flstr.settle()) == 1
    flstr.settle()
    (notice,) = flstr.notices()
    assert expected in notice
    assert bad[:8] in notice
    assert flstr.registry.read() == before
    assert expected in flstr.ask("status")


def test_words_of_strangers_are_no_markup(flstr: Flstr) -> None:
    flstr.settle()
    app, _, _ = flstr.app
    shouting = app.push({"run.sh": "three"}, "<!channel> look & <https://evil.example|here>")
    git(app.bare, "branch", "<!here>", "main")
    assert '"&lt;!channel&gt; look &amp; &lt;https://evil.example|here&gt;"' in flstr.ask(
        f"deploy influencer@{shouting}"
    )
    assert "<!" not in flstr.answer("deploy influencer@<!here")
    flstr.settle()
    flstr.cluster.pull()
    flstr.cluster.push({"cluster.yaml": CLUSTER_YAML.replace("cluster: flstr-lab", "cluster: <!channel>")})
    flstr.settle()
    assert "cluster cannot be '&lt;!channel&gt;'" in flstr.notices()[0]
    assert "&lt;!channel&gt;" in flstr.ask("status")
    assert "<!" not in flstr.ask("status") + flstr.notices()[0]


def test_a_mesh_that_machines_are_in_cannot_move(flstr: Flstr) -> None:
    flstr.settle()
    flstr.cluster.push({"cluster.yaml": CLUSTER_YAML.replace("10.111.0.0/24", "10.112.0.0/24")})
    assert len(flstr.settle()) == 1
    assert "mesh vpn_ingr keeps its subnet while ingress016, worker101, worker102 are in it" in flstr.notices()[0]


def test_machines_that_stand_join_a_mesh_that_is_added(flstr: Flstr) -> None:
    flstr.settle()
    more = "  vpn_more:\n    subnet: 10.112.0.0/24\n    port: 764\n    hubs: [controller]\n    members: [worker]\n\npeople:"
    flstr.cluster.push({"cluster.yaml": CLUSTER_YAML.replace("people:", more)})
    assert flstr.settle()[-1].plan.title == "join a new mesh"
    assert "vpn_more" in flstr.registry.read().nodes["worker101"].addresses
    assert "changes nothing" in flstr.ask("plan")


def test_a_merged_commit_that_does_not_exist_is_refused(flstr: Flstr) -> None:
    flstr.settle()
    flstr.cluster.push({"apps/influencer.yaml": app_yaml(flstr.app[0].url, "f" * 40)})
    assert len(flstr.settle()) == 1
    assert "apps/influencer.yaml: " in flstr.notices()[0]
    assert "has no commit, branch or tag" in flstr.notices()[0]


def test_a_force_push_stops_the_sync_until_somebody_looked(flstr: Flstr) -> None:
    flstr.cluster.push({"note.txt": "x"})
    flstr.settle()
    git(flstr.cluster.work, "reset", "-q", "--hard", "HEAD~1")
    rewritten = flstr.cluster.push({"cluster.yaml": THREE_WORKERS}, force=True)
    assert len(flstr.settle()) == 1
    assert "was rewritten" in flstr.notices()[0]
    assert "worker103" not in flstr.registry.read().nodes
    flstr.ask(f"sync {rewritten[:8]}")
    flstr.settle()
    assert "worker103" in flstr.registry.read().nodes


def test_a_revision_that_cannot_be_read_now_is_followed_once_it_can(flstr: Flstr) -> None:
    flstr.settle()
    away = flstr.app[0].bare.with_suffix(".away")
    flstr.app[0].bare.rename(away)
    # The mirror does not hold it yet, so the app's repository is asked.
    git(flstr.app[0].work, "commit", "-q", "--allow-empty", "-m", "third")
    third = git(flstr.app[0].work, "rev-parse", "HEAD")
    flstr.cluster.push({"apps/influencer.yaml": app_yaml(flstr.app[0].url, third)})
    for _ in range(2):
        with pytest.raises(Unreadable, match=r"^apps/influencer.yaml: file://.* cannot be read"):
            flstr.worker.look()
    assert flstr.notices() == []
    away.rename(flstr.app[0].bare)
    git(flstr.app[0].work, "push", "-q", "origin", "HEAD:main")
    assert flstr.settle()[-1].status == "done"
    commits = {item.commit for item in flstr.registry.read().apps["backend", "influencer"].instances.values()}
    assert commits == {third}


def test_a_mend_is_followed_where_what_was_accepted_cannot_be_read_any_more(flstr: Flstr) -> None:
    flstr.settle()
    # As a newer flstr finds it, for which the accepted revision is wrong.
    wrong = flstr.cluster.push({"cluster.yaml": CLUSTER_YAML + "colour: blue\n"})
    flstr.worker._save(flstr.worker.state().model_copy(update={"revision": wrong, "settled": False}))
    with pytest.raises(Refused, match="colour"):
        flstr.settle()
    flstr.cluster.push({"cluster.yaml": THREE_WORKERS})
    assert flstr.settle()[-1].status == "done"
    assert "worker103" in flstr.registry.read().nodes


def test_a_git_remote_that_is_gone_destroys_nothing(flstr: Flstr) -> None:
    flstr.settle()
    before = flstr.registry.read()
    flstr.cluster.bare.rename(flstr.cluster.bare.with_suffix(".away"))
    with pytest.raises(Refused, match="cannot be read"):
        flstr.worker.look()
    assert flstr.registry.read() == before
