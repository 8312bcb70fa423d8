"""What is said of a run that did not come to its end."""

import pytest

from executors.services.ansible import Ending
from executors.services.hearing import Failure, Heard
from executors.services.judging import judge
from gitops.executor import Cancellation
from model.errors import Cancelled, StepFailed

FAILURES = [Failure(node, "Start", "no room") for node in ("service101", "service102", "service103")]


def sentence(heard: Heard, ending: Ending) -> str:
    with pytest.raises(StepFailed) as failed:
        judge("cache", heard, ending, Cancellation())
    return failed.value.sentence


def test_a_failure_that_was_rescued_is_none() -> None:
    judge("cache", Heard(failures=FAILURES), Ending(0), Cancellation())


def test_the_first_failure_is_told_and_the_other_machines_are_counted() -> None:
    one, several = Heard(failures=FAILURES[:1]), Heard(failures=FAILURES)
    assert sentence(one, Ending(2)) == "service101: the task 'Start' failed: no room"
    assert sentence(several, Ending(2)) == "service101: the task 'Start' failed: no room (and 2 more machines failed)"


def test_what_took_too_long_is_told_with_its_task() -> None:
    heard = Heard()
    assert sentence(heard, Ending(-9, 900.0)) == "the playbook of cache was not done after 900 s and was stopped"
    heard.hear({"event": "playbook_on_task_start", "event_data": {"task": "Wait", "task_uuid": "1"}})
    assert sentence(heard, Ending(-9, 900.0)).endswith("was stopped in the task 'Wait'")


def test_what_was_given_up_is_no_failure() -> None:
    cancellation = Cancellation()
    cancellation.cancel("a newer revision came")
    with pytest.raises(Cancelled, match="its end is not wanted any more"):
        judge("cache", Heard(), Ending(-9), cancellation)


def test_what_never_began_is_told_by_the_error_of_whoever_did_not_begin_it() -> None:
    said = "unshare: unshare failed: Operation not permitted\n"
    assert sentence(Heard(), Ending(1, said=said)) == (
        "the playbook of cache cannot be run: unshare: unshare failed: Operation not permitted"
    )
    heard = Heard(said=["[WARNING]: something", "[ERROR]: couldn't resolve module"])
    assert sentence(heard, Ending(4)).endswith("cannot be run: [ERROR]: couldn't resolve module")
    assert sentence(Heard(), Ending(3)).endswith("Ansible ended with status 3")
