"""Watching new instances: which machines are asked what, and whose fault it is where something is wrong."""

import pytest

from executors.script import wrapped
from executors.watching import Watching, last_lines_script, watch_script
from gitops.executor import HostFence, StepContext
from gitops.registry import Registry
from gitops.store import Store
from model import keys
from model.errors import Cancelled, ReleaseFailed, StepFailed
from model.steps import WatchInstances
from tests.executors.clusters import cluster
from tests.executors.example import influencer, registered_keys
from tests.executors.expected import FIXTURES, check, shellcheck
from tests.executors.scripted import Answer, ScriptedRemote
from tests.identity import IDENTITIES, encrypted

NEW = "2-ab12cd34"
STEP = WatchInstances(app=influencer(), instances={NEW: "worker102"})


def test_the_scripts() -> None:
    for name, script in {
        "router.sh": watch_script(STEP, "ingress016", routing=True, within=2),
        "host.sh": watch_script(STEP, "worker102", routing=True, within=2),
        "host-without-haproxy.sh": watch_script(STEP, "worker102", routing=False, within=2),
        "last-lines.sh": last_lines_script(influencer(), NEW),
    }.items():
        check(FIXTURES / "watching" / name, script)
        shellcheck(wrapped(script, HostFence(1)))


def moments(before: str, after: str) -> str:
    lines = [
        f"{moment} {line}" for moment, text in (("before", before), ("after", after)) for line in text.splitlines()
    ]
    return "\n".join(lines) + "\n"


RUNNING = f"unit {NEW} active 0a1b 0"
FINE = moments(f"haproxy {NEW} 0 0 0 0 UP\n{RUNNING}", f"haproxy {NEW} 9 0 0 0 UP\n{RUNNING}")
DOWN = moments(f"haproxy {NEW} 0 0 0 0 UP", f"haproxy {NEW} 0 0 0 0 DOWN")


def is_journal(script: str) -> bool:
    return script.startswith("# Prints the last lines")


def is_reach(script: str) -> bool:
    return script.startswith("# Asks for an instance")


class Field:
    """The example's cluster, in which the second instance is new, and machines that answer as a test says."""

    def __init__(self, store: Store, answer: Answer = lambda node, script: FINE, dead: tuple[str, ...] = ()) -> None:
        store.write({**registered_keys(), keys.CLUSTER: cluster("small").to_json()})
        self.remote = ScriptedRemote(answer, dead)
        self.reports: list[str] = []
        self.context = StepContext("op", Registry(store), HostFence(1), self.reports.append)

    def watch(self, **update: object) -> None:
        app = influencer(update=update) if update else STEP.app
        Watching(self.remote, IDENTITIES.decrypt).watch(STEP.model_copy(update={"app": app}), self.context)


def answering(ingress016: str = FINE, worker102: str = FINE, home: str = "healthy\n") -> Answer:
    def answer(node: str, script: str) -> str:
        if is_journal(script):
            return "the last line\n"
        if is_reach(script):
            return home
        return {"ingress016": ingress016, "worker102": worker102}.get(node, FINE)

    return answer


def test_every_machine_that_routes_runs_one_script_and_its_own_looks_at_the_unit(store: Store) -> None:
    field = Field(store)
    field.watch()
    assert sorted(node for node, _ in field.remote.ran) == ["ingress016", "worker101", "worker102"]
    assert field.remote.nodes("InvocationID --property") == ["worker102"]
    assert field.reports[-1] == "served without a fault"


def test_a_long_watch_is_judged_every_few_seconds(store: Store) -> None:
    failing = moments(f"haproxy {NEW} 0 0 0 0 UP", f"haproxy {NEW} 9 9 0 0 UP")
    field = Field(store, answering(ingress016=failing))
    with pytest.raises(ReleaseFailed):
        field.watch(min_healthy_time="1h")
    assert len(field.remote.nodes("InvocationID --property")) == 1


def test_a_release_that_fails_more_often_is_at_fault_and_shows_its_journal(store: Store) -> None:
    failing = moments(
        f"haproxy {NEW} 0 0 0 0 UP\nhaproxy 1-ab12cd34 5 0 0 0 UP",
        f"haproxy {NEW} 9 3 0 0 UP\nhaproxy 1-ab12cd34 15 0 0 0 UP",
    )
    with pytest.raises(ReleaseFailed) as failed:
        Field(store, answering(ingress016=failing)).watch()
    assert failed.value.sentence == (
        f"influencer {NEW} on worker102: 3 of 27 requests failed, against 0 of 10 to the instances beside it"
    )
    assert failed.value.output == "the last line"


def test_what_an_app_was_given_in_secret_is_not_in_what_is_shown_of_its_end(store: Store) -> None:
    ended = moments(RUNNING, f"unit {NEW} activating none 1")

    def answer(node: str, script: str) -> str:
        return "password is correct-horse\n" if is_journal(script) else ended if node == "worker102" else FINE

    field = Field(store, answer)
    app = influencer(secrets={"PASSWORD": encrypted(b"correct-horse")})
    with pytest.raises(ReleaseFailed) as failed:
        Watching(field.remote, IDENTITIES.decrypt).watch(STEP.model_copy(update={"app": app}), field.context)
    assert failed.value.output == "password is ****"


def test_a_process_that_ended_is_its_releases_fault(store: Store) -> None:
    ended = moments(RUNNING, f"unit {NEW} activating none 1")
    with pytest.raises(ReleaseFailed, match=r"ended after it had been healthy, and systemd started it again once$"):
        Field(store, answering(worker102=ended)).watch()


def test_one_that_its_own_haproxy_does_not_reach_is_its_releases_fault(store: Store) -> None:
    field = Field(store, answering(ingress016=DOWN, worker102=DOWN))
    with pytest.raises(ReleaseFailed, match=rf"^HAProxy on worker102 does not reach influencer {NEW} on worker102"):
        field.watch()


def test_one_that_answers_at_home_and_is_not_reached_from_elsewhere_is_the_networks_fault(store: Store) -> None:
    with pytest.raises(StepFailed, match=r"^HAProxy on ingress016 .*, though it answers there$") as failed:
        Field(store, answering(ingress016=DOWN)).watch()
    assert not isinstance(failed.value, ReleaseFailed)


def test_one_that_does_not_answer_at_home_either_is_its_releases_fault(store: Store) -> None:
    with pytest.raises(ReleaseFailed, match=r"^HAProxy on ingress016 does not reach"):
        Field(store, answering(ingress016=DOWN, home="silent\n")).watch()


def test_a_machine_that_only_routes_and_does_not_answer_is_a_line(store: Store) -> None:
    field = Field(store, dead=("worker101",))
    field.watch(min_healthy_time="12s")
    assert len([line for line in field.reports if line.startswith("not watching from worker101: ")]) == 1
    assert field.reports[-1] == "served without a fault"


def test_a_dead_machine_with_a_new_instance_fails_the_step_and_is_not_the_releases_fault(store: Store) -> None:
    with pytest.raises(StepFailed, match=r"^worker102: no SSH connection") as failed:
        Field(store, dead=("worker102",)).watch()
    assert not isinstance(failed.value, ReleaseFailed)


def test_nobody_watches_on_once_it_is_given_up(store: Store) -> None:
    def answer(node: str, script: str) -> str:
        raise Cancelled(f"{node}: given up")

    with pytest.raises(Cancelled):
        Field(store, answer).watch()


def test_a_journal_that_cannot_be_read_changes_no_verdict(store: Store) -> None:
    def answer(node: str, script: str) -> str:
        if is_journal(script):
            raise StepFailed("worker102: the connection broke")
        return moments(RUNNING, f"unit {NEW} failed none 0") if node == "worker102" else FINE

    with pytest.raises(ReleaseFailed) as failed:
        Field(store, answer).watch()
    assert failed.value.output == ""
