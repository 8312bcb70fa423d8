"""files.*: the three-step upload that `files_upload_v2` makes."""

from lab.slack.conversations import Conversation
from lab.slack.files import File
from lab.slack.messages import Content
from lab.slack.methods.method import Args, Method
from lab.slack.state import Slack
from lab.slack.wire import Json, RefusedError
from lab.slack.workspace import BOT_USER_ID


def upload_url(slack: Slack, args: Args) -> Json:
    file = slack.files.expect(args.required("filename"), args.number("length", 0), args.text("alt_txt"))
    return {"ok": True, "upload_url": f"{slack.app_url}/upload/v1/{file.id}", "file_id": file.id}


def complete_upload(slack: Slack, args: Args) -> Json:
    """Share the files in a channel, as one message, where one is named."""
    files = _uploaded(slack, args)
    wires = [file.wire(slack.base_url) for file in files]
    for conversation in _targets(slack, args):
        slack.say(
            conversation,
            BOT_USER_ID,
            Content(text=args.text("initial_comment"), files=wires),
            thread_ts=args.text("thread_ts") or None,
        )
    return {"ok": True, "files": wires}


def _uploaded(slack: Slack, args: Args) -> list[File]:
    named = args.structure("files")
    if not isinstance(named, list) or not named or not all(isinstance(item, dict) for item in named):
        raise RefusedError("invalid_arguments", ["missing required field: files"])
    files = []
    for item in named:
        file = slack.files.find(str(item.get("id")))
        if file.data is None:
            raise RefusedError("file_not_found")
        file.title = str(item.get("title") or file.name)
        files.append(file)
    return files


def _targets(slack: Slack, args: Args) -> list[Conversation]:
    names = [name for name in (args.text("channel_id"), *args.text("channels").split(",")) if name]
    conversations = [slack.conversations.find(name) for name in names]
    if any(BOT_USER_ID not in conversation.members for conversation in conversations):
        raise RefusedError("not_in_channel")
    return conversations


METHODS = (
    Method("files.getUploadURLExternal", upload_url, 4),
    Method("files.completeUploadExternal", complete_upload, 4),
)
