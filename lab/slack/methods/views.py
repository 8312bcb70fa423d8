"""views.*: modals and the App Home tab."""

from lab.slack.methods.method import Args, Method
from lab.slack.state import Slack
from lab.slack.views import View, checked
from lab.slack.wire import Json


def _shown(slack: Slack, view: View) -> Json:
    slack.show_views(view.person)
    return {"ok": True, "view": view.wire()}


def open_view(slack: Slack, args: Args) -> Json:
    content = checked(args.structure("view"), "modal")
    return _shown(slack, slack.views.open(slack.triggers.exchange(args.required("trigger_id")), content))


def push(slack: Slack, args: Args) -> Json:
    content = checked(args.structure("view"), "modal")
    return _shown(slack, slack.views.push(slack.triggers.exchange(args.required("trigger_id")), content))


def update(slack: Slack, args: Args) -> Json:
    view = slack.views.find(args.text("view_id") or args.required("external_id"))
    kind = str(view.content["type"])
    slack.views.update(view, checked(args.structure("view"), kind), args.text("hash") or None)
    return _shown(slack, view)


def publish(slack: Slack, args: Args) -> Json:
    person = slack.person(args.required("user_id"))
    content = checked(args.structure("view"), "home")
    return _shown(slack, slack.views.publish(person.id, content, args.text("hash") or None))


METHODS = (
    Method("views.open", open_view, 4),
    Method("views.push", push, 4),
    Method("views.update", update, 4),
    Method("views.publish", publish, 4),
)
