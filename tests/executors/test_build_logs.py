"""`logs --build`: whose output is the newest, and what is shown of it."""

import os
import subprocess
from pathlib import Path

import pytest

from executors.build_logs import (
    MOST_BYTES,
    Build,
    BuildLogs,
    build_log_script,
    builds_script,
    newest,
    parse_builds,
    told,
)
from executors.script import wrapped
from gitops.executor import HostFence
from gitops.store import Store
from model.attachment import Reply
from model.errors import Refused, StepFailed
from model.verbs import BUILD
from tests.executors.example import leading
from tests.executors.expected import FIXTURES, check, shellcheck
from tests.executors.scripted import Answer, ScriptedRemote

OLD, NEW = f"{'1' * 40}-0a1b2c3d", f"{'2' * 40}-0a1b2c3d"
AT = 1_764_000_000
BUILT = Build("worker101", "backend", AT, 12, OLD, "built")


def ask(store: Store, *words: str, answer: Answer, dead: tuple[str, ...] = ()) -> tuple[Reply, ScriptedRemote]:
    """The answer, and what ran to give it."""
    registry = leading(store)
    remote = ScriptedRemote(answer, dead)
    reply = BuildLogs(remote)((*words, BUILD), registry)
    return reply if isinstance(reply, Reply) else Reply(reply), remote


def keeping(node: str, script: str) -> str:
    """worker101 has built both commits, worker102 the old one alone and a moment later."""
    if "tail --bytes" in script:
        return f"printed on {node} by {'the new' if NEW in script else 'the old'}\n"
    if node == "worker101":
        return f"{AT} 12 {OLD} built\n{AT + 60} 12 {NEW} failed\n"
    return f"{AT + 30} 12 {OLD} built\n"


def test_the_scripts() -> None:
    for name, script in {
        "builds.sh": builds_script("backend", "influencer"),
        "build-log.sh": build_log_script(BUILT, "influencer"),
    }.items():
        check(FIXTURES / "looks" / name, script)
        shellcheck(wrapped(script, HostFence(1)))


def test_the_newest_build_of_all_workers_is_shown_and_a_file(store: Store) -> None:
    reply, remote = ask(store, "influencer", answer=keeping)
    head = "Build of influencer@22222222 on worker101, 2025-11-24 16:01:00 UTC: it failed"
    assert reply.text == f"{head}\n```\nprinted on worker101 by the new\n```"
    assert reply.attachment is not None
    assert (reply.attachment.name, reply.attachment.alt) == ("influencer-22222222-worker101.log", head)
    assert reply.attachment.content == b"printed on worker101 by the new\n"
    assert [node for node, _ in remote.ran] == ["worker101", "worker102", "worker101"]


def test_that_of_an_instance_is_the_one_of_its_commit_on_its_machine(store: Store) -> None:
    reply, remote = ask(store, "influencer", "1-ab12cd34", answer=keeping)
    assert reply.text.startswith("Build of influencer@11111111 on worker101, 2025-11-24 16:00:00 UTC: it succeeded\n")
    assert {node for node, _ in remote.ran} == {"worker101"}


def test_a_machine_that_does_not_answer_is_named_where_nothing_else_is_found(store: Store) -> None:
    reply, _ = ask(store, "influencer", answer=lambda node, script: "", dead=("worker102",))
    assert reply == Reply(
        "No machine keeps the output of a build of influencer."
        "\n:warning: worker102: no SSH connection to 192.0.2.1 port 22 (no answer)"
    )
    reply, _ = ask(store, "influencer", answer=keeping, dead=("worker102",))
    assert "on worker101" in reply.text


def test_an_app_or_an_instance_that_is_not_known_gets_one_sentence(store: Store) -> None:
    with pytest.raises(Refused, match=r"^There is no app called inflencer\. Did you mean influencer\?$"):
        ask(store, "inflencer", answer=keeping)
    with pytest.raises(Refused, match=r"^influencer has no instance called 9-ab12cd34\. Did you mean"):
        ask(store, "influencer", "9-ab12cd34", answer=keeping)


def test_output_that_is_gone_in_the_meantime_is_a_sentence(store: Store) -> None:
    def pruned(node: str, script: str) -> str:
        if "tail --bytes" in script:
            raise StepFailed("worker101: the output of this build is not kept any more")
        return keeping(node, script)

    with pytest.raises(Refused, match=r"^worker101: the output of this build is not kept any more$"):
        ask(store, "influencer", answer=pruned)


def test_what_a_machine_says_otherwise_is_no_build() -> None:
    printed = f"{AT} 12 {OLD} built\n{AT} 12 ../../etc/passwd built\nnonsense\n"
    assert parse_builds("worker101", "backend", printed) == [BUILT]
    assert newest([]) is None


def test_an_output_too_large_to_be_kept_in_etcd_is_said_to_be_cut_off() -> None:
    reply = told("influencer", Build("worker101", "backend", AT, 5_000_000, OLD, "building"), "the end\n")
    assert f"it is under way; of 5000000 bytes that it printed, the last {MOST_BYTES}\n" in reply.text
    assert reply.attachment is not None
    largest = told("influencer", BUILT, "\x01" * MOST_BYTES).attachment
    assert largest is not None
    assert len(largest.to_json()) < 1.5 * 2**20


def test_a_build_that_printed_nothing_has_no_file() -> None:
    reply = told("influencer", BUILT, "")
    assert (reply.text.endswith("it succeeded; it printed nothing"), reply.attachment) == (True, None)


def test_the_scripts_for_real(tmp_path: Path) -> None:
    """On a folder with three builds; systemd is at work on one of them."""
    folder = tmp_path / "apps/backend-influencer/releases"
    folder.mkdir(parents=True)
    systemctl = tmp_path / "systemctl"
    third = f"{'3' * 40}-0a1b2c3d"
    systemctl.write_text(f"#!/bin/sh\necho {folder}/{third}\n")
    systemctl.chmod(0o755)
    for number, release in enumerate((OLD, NEW, third)):
        log = folder / f"{release}.build.log"
        log.write_bytes(b"no text: \xff, and then some\n")
        os.utime(log, (AT + number, AT + number))
    (folder / f"{OLD}.built").touch()

    def run(script: str) -> str:
        text = wrapped(script, HostFence(1)).replace("/var/lib/flstr", str(tmp_path))
        text = text.replace("PATH=", f"PATH={tmp_path}:", 1)
        return subprocess.run(["bash", "-s"], input=text, capture_output=True, text=True, check=True).stdout

    found = parse_builds("worker101", "backend", run(builds_script("backend", "influencer")))
    assert [(one.at, one.size, one.end) for one in found] == [
        (AT, 25 + 1, "built"),
        (AT + 1, 26, "failed"),
        (AT + 2, 26, "building"),
    ]
    assert run(build_log_script(found[0], "influencer")) == "no text: , and then some\n"
