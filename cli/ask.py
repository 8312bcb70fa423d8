"""Verbs asked in a shell: the same intents as from Slack, answered by the same worker."""

import queue
import re
import secrets
import subprocess
import time
from dataclasses import dataclass, replace
from pathlib import Path

from bot.parser import Command, Refusal, parse
from cli.etcd import connect
from cli.offers import with_names
from cli.settings import Settings
from gitops import intents
from gitops.intents import attachment_of
from gitops.operations import Operations
from gitops.store import Store
from model import keys
from model.errors import Refused
from model.mrkdwn import FENCE, as_meant
from model.operation import Asker, Intent
from model.verbs import FIX

_BLOCK = re.compile(rf"^{FENCE}\n(.*?)\n{FENCE}$", re.MULTILINE | re.DOTALL)

ANSWER_SECONDS = 60.0
# Mends are waited for, until the tunnels are there again.
MEND_SECONDS = 600.0
# Machines are asked what the playbooks of services would change.
PLAN_SECONDS = 200.0

_EMOJI = {
    "white_check_mark": "✓",
    "x": "✗",
    "no_entry": "⛔",
    "octagonal_sign": "⛔",
    "alarm_clock": "⛔",
    "warning": "!",
    "gear": "…",
    "hourglass_flowing_sand": "…",
    "raised_hand": "?",
    "wastebasket": "-",
    "truck": "→",
    "fast_forward": "→",
    "lock": "✓",
    "large_green_circle": "✓",
    "large_yellow_circle": "!",
    "red_circle": "✗",
    "rotating_light": "!",
    "ice_cube": "*",
    "pause_button": "…",
    "arrow_forward": "→",
    "speech_balloon": "-",
    "thumbsup": "✓",
    "large_blue_circle": "…",
    "white_circle": "-",
}


@dataclass(frozen=True)
class Said:
    """An answer for a terminal; `instead` is a line to offer, such as the one that confirms."""

    text: str
    instead: str = ""


def ask(settings: Settings, line: str, output: Path | None = None) -> Said:
    """The answer to a line such as `deploy influencer@a1b2c3`, for a terminal. Raises `Refused`.

    A file that comes with it is written to `output`, or under its own name into the current folder; a log is shown
    instead of its last lines.
    """
    command = parse(line)
    if isinstance(command, Refusal):
        raise Refused(command.sentence, command.instead)
    store = connect(settings)
    try:
        arguments = command.arguments
        if command.verb.name == "approve":
            arguments = with_names(arguments, Operations(store).approvals())
        answered = _answered(store, _intent(settings, replace(command, arguments=arguments)))
        attachment = attachment_of(store, answered)
    finally:
        store.close()
    text = plain(answered.answer)
    if attachment is not None and attachment.is_text and output is None:
        log = _obeyed_by_nobody(attachment.content.decode(errors="replace")).rstrip("\n")
        text = f"{plain(answered.answer.partition(FENCE)[0])}{log}"
    elif attachment is not None:
        file = output or Path(Path(attachment.name).name)
        file.write_bytes(attachment.content)
        text = f"{text}\nThe picture is in {file}."
    if answered.refused:
        raise Refused(text, answered.instead)
    return Said(text, answered.instead)


def plain(mrkdwn: str) -> str:
    """Slack's markup as a terminal reads it; in a code block there is none."""
    *pairs, last = _BLOCK.split(mrkdwn)
    parts = [_without_markup(part) if number % 2 == 0 else part for number, part in enumerate(pairs)]
    text = "".join([*parts, _without_markup(last)])
    for escaped, letter in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        text = text.replace(escaped, letter)
    return _obeyed_by_nobody(text)


def _without_markup(mrkdwn: str) -> str:
    text = re.sub(r":([a-z_]+):", lambda match: _EMOJI.get(match[1], match[0]), mrkdwn)
    text = re.sub(r"(?<![\w*])\*(\S(?:[^*\n]*\S)?)\*(?![\w*])", r"\1", text)
    text = re.sub(r"(?<!\w)_(\S(?:[^_\n]*\S)?)_(?!\w)", r"\1", text)
    return as_meant(text.replace("`", ""))


def _obeyed_by_nobody(text: str) -> str:
    """A commit's subject, a log or a host's last words may hold what a terminal obeys."""
    return "".join(letter for letter in text if letter.isprintable() or letter in "\n\t")


def _intent(settings: Settings, command: Command) -> Intent:
    return Intent(
        id=f"shell-{secrets.token_hex(8)}",
        verb=command.verb.name,
        arguments=command.arguments,
        words=f"flstr {command.words}",
        asker=Asker(place="shell", user=_email(settings)),
        asked=time.time(),
    )


def _email(settings: Settings) -> str:
    email = settings.email or _git("config", "user.email")
    if not email:
        raise Refused("flstr does not know who you are; set FLSTR_EMAIL to your address in cluster.yaml")
    return email


def _git(*arguments: str) -> str:
    try:
        return subprocess.run(["git", *arguments], check=False, capture_output=True, text=True).stdout.strip()
    except OSError:
        return ""


def _answered(store: Store, intent: Intent) -> Intent:
    answers: queue.SimpleQueue[Intent] = queue.SimpleQueue()

    def heard(_: str, value: str | None) -> None:
        found = Intent.model_validate_json(value) if value else None
        if found is not None and found.status != "new":
            answers.put(found)

    intents.submit(store, intent)
    with store.follow(keys.intent(intent.id), heard):
        try:
            return answers.get(timeout=_answer_seconds(intent))
        except queue.Empty:
            raise Refused("no flstr serve answered in time; look at its log") from None


def _answer_seconds(intent: Intent) -> float:
    if FIX in intent.arguments:
        return MEND_SECONDS
    return PLAN_SECONDS if intent.verb == "plan" else ANSWER_SECONDS
