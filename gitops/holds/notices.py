"""What the channel hears of holds: that one begins, what waits for it as long as it lasts, and that it goes on."""

from collections.abc import Sequence

from gitops.holds.ends import in_words
from gitops.holds.rules import FREEZE, SUSPEND, by, is_lock, sign, waiting_lines, what
from gitops.store import Store
from model import keys
from model.mrkdwn import escape
from model.operation import EndedHold, Hold, Notice

SHOWN = 12


def notice_id(hold: Hold) -> str:
    """Of the notice that is kept current while a hold lasts."""
    return f"hold-{hold.id}-{int(hold.since)}"


def begins(hold: Hold, waits: Sequence[str] = (), why: str = "") -> Notice:
    """The notice of a hold that lasts, with what waits for it so far."""
    head = f"{sign(hold)} {_upper(what(hold))} {by(hold)}{_meaning(hold)}"
    together = [f"The whole revision waits: {escape(why)}"] if why else []
    return Notice(id=notice_id(hold), text="\n".join([head, *waiting_lines(waits, SHOWN), *together]), at=hold.since)


def over(ended: EndedHold, waits: Sequence[str] = ()) -> tuple[Notice, Notice]:
    """What that notice says from then on, and a new one, which is heard."""
    hold, whom = ended.hold, f" by {escape(ended.person)}" if ended.person else ""
    began = in_words(hold.since)
    was = f"{sign(hold)} {_upper(what(hold)).replace(' is ', ' was ')} by {escape(hold.person)} from {began}"
    closed = Notice(
        id=notice_id(hold), text=f"{was} to {in_words(ended.at)} ({escape(hold.reason)}); it goes on.", at=hold.since
    )
    what_ended = {FREEZE: "the freeze", SUSPEND: "the suspension"}.get(hold.id, "")
    subject = f"app {hold.id[4:]}" if hold.id.startswith("app-") else f"pool {hold.id[5:]}"
    who = f"{_upper(subject)} goes on: the lock" if is_lock(hold) else f"flstr goes on: {what_ended or 'the freeze'}"
    done = [f"• now: {line}" for line in waits[:SHOWN]]
    text = "\n".join([f":arrow_forward: {who} {_of(hold)} has ended{whom}.", *done])
    return closed, Notice(id=f"{notice_id(hold)}-over", text=text, at=ended.at)


def write_changed(store: Store, notice: Notice) -> None:
    """Have the bot show a notice as it is now; where it says so already, nothing is written."""
    text = store.get(keys.notice(notice.id))
    if text is None or Notice.model_validate_json(text).text != notice.text:
        store.put(keys.notice(notice.id), notice.to_json())


def _of(hold: Hold) -> str:
    return f"of {escape(hold.person)} ({escape(hold.reason)})"


def _meaning(hold: Hold) -> str:
    if hold.id == SUSPEND:
        return ". Nothing begins any more, but that floating IPs move where an ingress dies."
    if is_lock(hold):
        return ". Whatever is asked for or merged, it stays as it is."
    return ". No newer revision is followed; what flstr does by itself goes on."


def _upper(text: str) -> str:
    # The product writes its own name small, wherever it stands.
    return text if text.startswith("flstr") else text[:1].upper() + text[1:]
