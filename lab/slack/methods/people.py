"""auth.*, users.*, usergroups.*, bots.*: who is who."""

from lab.slack.conversations import CREATED
from lab.slack.messages import BOT_PROFILE
from lab.slack.methods.method import Args, Method
from lab.slack.state import Slack
from lab.slack.wire import Json, RefusedError
from lab.slack.workspace import BOT_ID, BOT_NAME, BOT_USER_ID, TEAM_ID, TEAM_NAME, Person, UserGroup


def api_test(_slack: Slack, args: Args) -> Json:
    if args.text("error"):
        raise RefusedError(args.text("error"))
    return {"ok": True, "args": {name: value for name, value in args.values.items() if name != "token"}}


def auth_test(slack: Slack, _args: Args) -> Json:
    return {
        "ok": True,
        "url": slack.base_url + "/",
        "team": TEAM_NAME,
        "user": BOT_NAME,
        "team_id": TEAM_ID,
        "user_id": BOT_USER_ID,
        "bot_id": BOT_ID,
        "is_enterprise_install": False,
    }


def open_connection(slack: Slack, _args: Args) -> Json:
    return {"ok": True, "url": slack.app_url.replace("http", "ws", 1) + slack.socket.ticket()}


def bot_info(_slack: Slack, args: Args) -> Json:
    if args.text("bot") not in ("", BOT_ID):
        raise RefusedError("bot_not_found")
    return {"ok": True, "bot": BOT_PROFILE}


def person_wire(person: Person) -> Json:
    return {
        "id": person.id,
        "team_id": TEAM_ID,
        "name": person.name,
        "real_name": person.real_name,
        "deleted": False,
        "is_bot": False,
        "tz": "Etc/UTC",
        "tz_offset": 0,
        "color": person.colour.lstrip("#"),
        "profile": {"real_name": person.real_name, "display_name": person.name, "email": person.email},
    }


def _bot_wire() -> Json:
    profile = {"real_name": BOT_NAME, "display_name": BOT_NAME, "bot_id": BOT_ID}
    return {"id": BOT_USER_ID, "team_id": TEAM_ID, "name": BOT_NAME, "is_bot": True, "profile": profile}


def user_info(slack: Slack, args: Args) -> Json:
    user_id = args.required("user")
    return {"ok": True, "user": _bot_wire() if user_id == BOT_USER_ID else person_wire(slack.person(user_id))}


def user_list(slack: Slack, args: Args) -> Json:
    everyone = [person_wire(person) for person in slack.people.values()] + [_bot_wire()]
    shown, cursor = args.page(everyone, most=1000)
    return {"ok": True, "members": shown, "response_metadata": {"next_cursor": cursor}}


def user_by_email(slack: Slack, args: Args) -> Json:
    for person in slack.people.values():
        if person.email == args.required("email").lower():
            return {"ok": True, "user": person_wire(person)}
    raise RefusedError("users_not_found")


def _group_wire(group: UserGroup, *, with_users: bool) -> Json:
    wire: Json = {
        "id": group.id,
        "team_id": TEAM_ID,
        "is_usergroup": True,
        "name": group.name,
        "handle": group.handle,
        "date_create": CREATED,
        "date_delete": 0,
        "user_count": len(group.members),
    }
    return wire | {"users": list(group.members)} if with_users else wire


def group_list(slack: Slack, args: Args) -> Json:
    with_users = args.flag("include_users")
    return {"ok": True, "usergroups": [_group_wire(group, with_users=with_users) for group in slack.user_groups]}


def group_users(slack: Slack, args: Args) -> Json:
    return {"ok": True, "users": list(slack.group(args.required("usergroup")).members)}


METHODS = (
    Method("api.test", api_test, None),
    Method("auth.test", auth_test, None),
    # Documented as tier 1 (1+ a minute); Slack lets a burst of reconnects through, as tier 2 does here.
    Method("apps.connections.open", open_connection, 2, identity="app"),
    Method("bots.info", bot_info, 3),
    Method("users.info", user_info, 4),
    Method("users.list", user_list, 2),
    Method("users.lookupByEmail", user_by_email, 3),
    Method("usergroups.list", group_list, 2),
    Method("usergroups.users.list", group_users, 2),
)
