"""chat.*: writing, changing and deleting messages; reactions."""

from dataclasses import replace

from lab.slack.content import content
from lab.slack.conversations import Conversation
from lab.slack.messages import Message
from lab.slack.methods.method import Args, Method
from lab.slack.state import Slack
from lab.slack.wire import Json, RefusedError
from lab.slack.workspace import BOT_USER_ID


def _joined(slack: Slack, args: Args) -> Conversation:
    conversation = slack.conversations.find(args.required("channel"))
    if BOT_USER_ID not in conversation.members:
        raise RefusedError("not_in_channel")
    return conversation


def post_message(slack: Slack, args: Args) -> Json:
    conversation = _joined(slack, args)
    written = content(args.values, slack.settings)
    wait = slack.limiter.post(conversation.id)
    if wait:
        raise RefusedError("ratelimited", retry_after=wait)
    message = slack.say(
        conversation,
        BOT_USER_ID,
        written,
        thread_ts=args.text("thread_ts") or None,
        broadcast=args.flag("reply_broadcast"),
    )
    return {"ok": True, "channel": conversation.id, "ts": message.ts, "message": message.wire()}


def post_ephemeral(slack: Slack, args: Args) -> Json:
    conversation = _joined(slack, args)
    person = args.required("user")
    if person not in conversation.members:
        raise RefusedError("user_not_in_channel")
    message = slack.say(
        conversation,
        BOT_USER_ID,
        content(args.values, slack.settings),
        thread_ts=args.text("thread_ts") or None,
        ephemeral_to=person,
    )
    return {"ok": True, "message_ts": message.ts}


def _own(slack: Slack, args: Args, error: str) -> tuple[Conversation, Message]:
    """The app's own message that the call names; an ephemeral one cannot be named."""
    conversation = slack.conversations.by_id(args.required("channel"))
    message = conversation.message(args.required("ts"))
    if message.ephemeral_to is not None or message.deleted:
        raise RefusedError("message_not_found")
    if not message.by_app:
        raise RefusedError(error)
    return conversation, message


def update(slack: Slack, args: Args) -> Json:
    """What the call leaves out stays, except that a new text without blocks takes the old blocks away."""
    conversation, message = _own(slack, args, "cant_update_message")
    new = content(args.values, slack.settings)
    given = {name for name, value in args.values.items() if value is not None}
    if "text" in given:
        given.add("blocks")
    changed = {name: getattr(new, name) for name in ("text", "blocks", "attachments", "metadata") if name in given}
    message.content = replace(message.content, **changed)
    message.edited_ts = slack.conversations.now()
    if args.flag("reply_broadcast") and message.is_reply:
        message.broadcast = True
    slack.show(message)
    return {
        "ok": True,
        "channel": conversation.id,
        "ts": message.ts,
        "text": message.content.text,
        "message": message.wire(),
    }


def delete(slack: Slack, args: Args) -> Json:
    conversation, message = _own(slack, args, "cant_delete_message")
    slack.remove(conversation, message.ts)
    return {"ok": True, "channel": conversation.id, "ts": message.ts}


def permalink(slack: Slack, args: Args) -> Json:
    """A link that opens the page at the message."""
    conversation = slack.conversations.by_id(args.required("channel"))
    message = conversation.message(args.required("message_ts"))
    if message.ephemeral_to is not None:
        raise RefusedError("message_not_found")
    link = f"{slack.base_url}/archives/{conversation.id}/p{message.ts.replace('.', '')}"
    if message.is_reply:
        link += f"?thread_ts={message.thread_ts}&cid={conversation.id}"
    return {"ok": True, "channel": conversation.id, "permalink": link}


def add_reaction(slack: Slack, args: Args) -> Json:
    message = slack.conversations.by_id(args.required("channel")).message(args.required("timestamp"))
    users = message.reactions.setdefault(args.required("name").strip(":"), [])
    if BOT_USER_ID in users:
        raise RefusedError("already_reacted")
    users.append(BOT_USER_ID)
    slack.show(message)
    return {"ok": True}


METHODS = (
    Method("chat.postMessage", post_message, None),
    Method("chat.postEphemeral", post_ephemeral, 4),
    Method("chat.update", update, 3),
    Method("chat.delete", delete, 3),
    Method("chat.getPermalink", permalink, None),
    Method("reactions.add", add_reaction, 3),
)
