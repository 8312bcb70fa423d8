"""conversations.*: which channels there are, who is in them, what was said."""

from lab.slack.messages import Message
from lab.slack.methods.method import PAGE, Args, Method
from lab.slack.state import Slack
from lab.slack.wire import Json, RefusedError
from lab.slack.workspace import BOT_USER_ID

PAGE_LIMIT = 999


def listing(slack: Slack, args: Args) -> Json:
    kinds = (args.text("types") or "public_channel").split(",")
    found = [c for c in slack.conversations.all() if ("im" if c.direct_with else "public_channel") in kinds]
    return {"ok": True, "channels": [c.wire() for c in found], "response_metadata": {"next_cursor": ""}}


def info(slack: Slack, args: Args) -> Json:
    return {"ok": True, "channel": slack.conversations.by_id(args.required("channel")).wire()}


def members(slack: Slack, args: Args) -> Json:
    conversation = slack.conversations.by_id(args.required("channel"))
    shown, cursor = args.page(sorted(conversation.members), most=PAGE_LIMIT)
    return {"ok": True, "members": shown, "response_metadata": {"next_cursor": cursor}}


def join(slack: Slack, args: Args) -> Json:
    conversation = slack.conversations.by_id(args.required("channel"))
    if conversation.direct_with is not None:
        raise RefusedError("method_not_supported_for_channel_type")
    conversation.members.add(BOT_USER_ID)
    return {"ok": True, "channel": conversation.wire()}


def open_direct(slack: Slack, args: Args) -> Json:
    """With one person; messages of several people are not part of the lab."""
    if channel := args.text("channel"):
        conversation = slack.conversations.by_id(channel)
    else:
        conversation = slack.conversations.direct(slack.person(args.required("users")).id)
    if conversation.direct_with is None:
        raise RefusedError("method_not_supported_for_channel_type")
    whole = conversation.wire() if args.flag("return_im") else {"id": conversation.id}
    return {"ok": True, "no_op": True, "already_open": True, "channel": whole}


def history(slack: Slack, args: Args) -> Json:
    """Newest first, as Slack gives it."""
    conversation = slack.conversations.by_id(args.required("channel"))
    if BOT_USER_ID not in conversation.members:
        raise RefusedError("not_in_channel")
    return _page(conversation.history()[::-1], args)


def replies(slack: Slack, args: Args) -> Json:
    """Oldest first, the root at the top."""
    conversation = slack.conversations.by_id(args.required("channel"))
    message = conversation.messages.get(args.required("ts"))
    if message is None or message.ephemeral_to is not None:
        raise RefusedError("thread_not_found")
    return _page(conversation.thread(message.thread_ts or message.ts), args)


def _page(messages: list[Message], args: Args) -> Json:
    limit = max(1, min(args.number("limit", PAGE), PAGE_LIMIT))
    first = args.number("cursor", 0)
    oldest, latest, inclusive = args.text("oldest"), args.text("latest"), args.flag("inclusive")
    wanted = [m for m in messages if _between(m.ts, oldest, latest, inclusive=inclusive)]
    more = len(wanted) > first + limit
    with_metadata = args.flag("include_all_metadata")
    return {
        "ok": True,
        "messages": [m.wire(with_metadata=with_metadata) for m in wanted[first : first + limit]],
        "has_more": more,
        "response_metadata": {"next_cursor": str(first + limit) if more else ""},
    }


def _between(ts: str, oldest: str, latest: str, *, inclusive: bool) -> bool:
    try:
        after = not oldest or float(ts) > float(oldest) or (inclusive and float(ts) == float(oldest))
        before = not latest or float(ts) < float(latest) or (inclusive and float(ts) == float(latest))
    except ValueError:
        raise RefusedError("invalid_ts_oldest" if oldest else "invalid_ts_latest") from None
    return after and before


METHODS = (
    Method("conversations.list", listing, 2),
    Method("conversations.info", info, 3),
    Method("conversations.members", members, 4),
    Method("conversations.join", join, 3),
    Method("conversations.open", open_direct, 3),
    Method("conversations.history", history, 3),
    Method("conversations.replies", replies, 3),
)
