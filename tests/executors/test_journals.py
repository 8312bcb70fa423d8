"""`logs`: which journals are asked for, and what is made of them."""

import json

import pytest

from executors.asked_instances import Asked
from executors.journals import Line, journals_script, parse_journals, told
from executors.logs import Logs
from executors.script import wrapped
from gitops.executor import HostFence
from gitops.registry import Registry
from gitops.store import Store
from model.errors import Refused, StepFailed
from tests.executors.example import influencer, leading, registered_keys
from tests.executors.expected import FIXTURES, check, shellcheck
from tests.executors.scripted import Answer, ScriptedRemote

FIRST = "flstr-backend-influencer-1-ab12cd34.service"
SECOND = "flstr-backend-influencer-2-ab12cd34.service"
STARTING = "flstr-backend-influencer-7-ffffffff.service"
AT = 1_764_000_000


def entry(unit: str, message: object, seconds: int = 0) -> str:
    return f"{unit} {json.dumps({'__REALTIME_TIMESTAMP': str((AT + seconds) * 1_000_000), 'MESSAGE': message})}\n"


def ask(store: Store, *words: str, answer: Answer, dead: tuple[str, ...] = ()) -> tuple[str, ScriptedRemote]:
    """The answer, and what ran to give it."""
    registry = leading(store)
    registry.allot_port("worker101", influencer(), "7-ffffffff")
    remote = ScriptedRemote(answer, dead)
    reply = Logs(remote)(words, registry)
    assert isinstance(reply, str)
    return reply, remote


def both(node: str, script: str) -> str:
    """What each machine says of the instances that it has."""
    units = [unit for unit in (FIRST, SECOND, STARTING) if unit in script]
    return "".join(entry(unit, f"hello from {unit.split('-')[3]}") for unit in units)


def test_the_script() -> None:
    script = journals_script((FIRST, SECOND), 50)
    check(FIXTURES / "looks/journals.sh", script)
    shellcheck(wrapped(script, HostFence(1)))


def test_every_instance_is_shown_with_its_machine_also_one_that_is_only_starting(store: Store) -> None:
    reply, remote = ask(store, "influencer", answer=both)
    assert [node for node, _ in remote.ran] == ["worker101", "worker102"]
    until = "until 2025-11-24, in UTC:\n```\n16:00:00 hello from"
    assert reply == (
        f"`1-ab12cd34` on worker101, {until} 1\n```\n"
        f"`2-ab12cd34` on worker102, {until} 2\n```\n"
        f"`7-ffffffff` on worker101, {until} 7\n```"
    )


@pytest.mark.parametrize("name", ["2-ab12cd34", "2"])
def test_one_instance_is_asked_for_alone(store: Store, name: str) -> None:
    reply, remote = ask(store, "influencer", name, answer=both)
    assert [node for node, _ in remote.ran] == ["worker102"]
    assert reply.startswith("`2-ab12cd34` on worker102, until ")


def test_a_machine_that_does_not_answer_holds_up_no_other(store: Store) -> None:
    reply, _ = ask(store, "influencer", answer=both, dead=("worker102",))
    assert "hello from 1" in reply
    assert "`2-ab12cd34` on worker102: :warning: worker102: no SSH connection to 192.0.2.1 port 22 (no answer)" in reply


def test_an_instance_that_printed_nothing_is_said_to_have(store: Store) -> None:
    reply, _ = ask(store, "influencer", "2-ab12cd34", answer=lambda node, script: "")
    assert reply == "`2-ab12cd34` on worker102 has printed nothing yet"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("inflencer",), "There is no app called inflencer. Did you mean influencer?"),
        (("influencer", "2-ab12cd35"), "influencer has no instance called 2-ab12cd35. Did you mean 2-ab12cd34?"),
    ],
)
def test_what_is_not_known_gets_one_sentence(store: Store, words: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(Refused) as refused:
        ask(store, *words, answer=both)
    assert refused.value.sentence == sentence


def test_only_the_controller_that_leads_looks(store: Store) -> None:
    store.write(registered_keys())
    with pytest.raises(Refused, match="Only the flstr serve that leads can look at machines"):
        Logs(ScriptedRemote(both))(("influencer",), Registry(store))


def test_lines_are_as_journald_has_them() -> None:
    printed = (
        entry(FIRST, "two\nlines")
        + entry(FIRST, [104, 105, 255], 61)
        + entry(FIRST, None, 62)
        + entry(SECOND, "\x1b[31mred")
    )
    found = parse_journals(printed)
    assert [str(line) for line in found[FIRST]] == [
        "16:00:00 two",
        "16:00:00 lines",
        "16:01:01 hi\ufffd",
        "16:01:02 (a very long line)",
    ]
    assert [line.text for line in found[SECOND]] == [" [31mred"]


def test_characters_that_end_a_line_elsewhere_end_no_entry() -> None:
    # journald leaves them as they are.
    printed = entry(FIRST, "one@two|three").replace("@", "\u2028").replace("|", "\x85")
    assert [line.text for line in parse_journals(printed + entry(SECOND, "next"))[FIRST]] == ["one", "two", "three"]


def test_what_an_app_prints_is_no_markup_and_fits_a_message() -> None:
    one = Asked("backend", "influencer", "1-ab12cd34", "worker101")
    lines = [Line(AT, "<!channel> ``` *bold*")] + [Line(AT, "x" * 400)] * 60
    reply = told((one,), {one.unit: lines}, {})
    assert len(reply) < 3800
    first = told((one,), {one.unit: lines[:1]}, {})
    assert "&lt;!channel&gt; ''' *bold*" in first


def test_a_failure_is_a_warning_and_no_markup() -> None:
    one = Asked("backend", "influencer", "1-ab12cd34", "worker101")
    silent = {"worker101": StepFailed("worker101: <!here>").sentence}
    assert told((one,), {}, silent) == "`1-ab12cd34` on worker101: :warning: worker101: &lt;!here&gt;"
