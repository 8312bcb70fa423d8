"""Holds: what they leave as it is, and what they say of it. Pure, but for reading them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from gitops.holds.ends import in_words
from gitops.manifests import Manifests
from gitops.store import Store
from model import keys
from model.mrkdwn import escape
from model.names import AppName
from model.operation import Hold, Waiting
from model.steps import Losses, Plan
from model.verbs import BY_NAME

FREEZE, SUSPEND, WINDOW, APP, POOL = "freeze", "suspend", "window-", "app-", "pool-"
# What of the waiting changes is shown where there is little room.
SHOWN = 5

ManifestsAt = Callable[[str], Manifests]


def read_holds(store: Store) -> tuple[Hold, ...]:
    """Every hold there is, the oldest first."""
    return in_order(store.prefix(keys.HOLDS).values())


def read_waiting(store: Store) -> Waiting:
    """What waits for them, as far as it was looked at."""
    text = store.get(keys.WAITING_REVISION)
    return Waiting() if text is None else Waiting.model_validate_json(text)


def in_order(values: Iterable[str]) -> tuple[Hold, ...]:
    """Holds from their records, the oldest first."""
    return tuple(sorted(map(Hold.model_validate_json, values), key=lambda hold: (hold.since, hold.id)))


def is_freeze(hold: Hold) -> bool:
    """Whether it keeps every newer revision out."""
    return hold.id == FREEZE or hold.id.startswith(WINDOW)


def is_lock(hold: Hold) -> bool:
    """Whether it leaves one app or pool as it is."""
    return hold.id.startswith((APP, POOL))


def frozen(holds: Iterable[Hold]) -> Hold | None:
    """The freeze that lasts longest, if there is any."""
    return max(filter(is_freeze, holds), key=lambda hold: hold.until or 0.0, default=None)


def suspended(holds: Iterable[Hold]) -> Hold | None:
    """The suspension, if there is one."""
    return next((hold for hold in holds if hold.id == SUSPEND), None)


def why_not_begin(holds: Sequence[Hold]) -> str:
    """Why nothing that people ask for begins now, an approved removal among it; empty where it may."""
    if (hold := suspended(holds)) is not None:
        return f"flstr is suspended {by(hold)}; it begins again after `resume`."
    if (hold := frozen(holds)) is not None:
        return f"flstr is frozen {by(hold)}; it begins after that, or after `thaw`."
    return ""


def why_not_remove(plan: Plan, holds: Iterable[Hold]) -> str:
    """Why a removal waits though it was wanted before something was locked; empty where none of it is."""
    losses = plan.losses or Losses()
    pools = {node.rstrip("0123456789") for node in losses.nodes}
    touched = {*(f"{POOL}{pool}" for pool in pools), *(f"{APP}{app}" for app in losses.apps)}
    lock = next((hold for hold in holds if hold.id in touched), None)
    if lock is None:
        return ""
    return f"{_upper(what(lock))} {by(lock)}; it begins after that, or after `unlock {lock.id.partition('-')[2]}`."


def why_not_try_again(app: AppName, holds: Sequence[Hold]) -> str:
    """Why a release of an app that failed is not tried once more now; empty where it may."""
    lock = next((hold for hold in holds if hold.id == f"{APP}{app}"), None)
    if lock is not None:
        return f"{app} is locked {by(lock)}; try it again after that, or after `unlock {app}`."
    return why_not_begin(holds)


def waiting_line(verb: str, arguments: Sequence[str], holds: Sequence[Hold]) -> str:
    """What whoever asks by a verb that commits has to know: that it waits, why, and until when; empty where nothing
    holds it."""
    if not BY_NAME[verb].commits:
        return ""
    if (hold := suspended(holds)) is not None:
        return f":pause_button: flstr is suspended {by(hold)}. What is asked for waits until somebody says `resume`."
    if (hold := frozen(holds)) is not None:
        return f":ice_cube: flstr is frozen {by(hold)}. What is asked for waits until then."
    wanted = _touches(arguments[0]) if arguments else ()
    lock = next((hold for hold in holds if hold.id in wanted), None)
    return f":lock: {what(lock)} {by(lock)}. What is asked for of it waits until then." if lock is not None else ""


def held(manifests: Manifests, holds: Sequence[Hold], manifests_at: ManifestsAt) -> Manifests:
    """The manifests, with every locked app and pool as the revision of its lock says it."""
    for hold in filter(is_lock, holds):
        before = manifests_at(hold.revision)
        if hold.id.startswith(APP):
            manifests = _app_held(manifests, hold.id.removeprefix(APP), before)
        else:
            manifests = _pool_held(manifests, hold.id.removeprefix(POOL), before)
    return manifests


def lines(holds: Sequence[Hold], waiting: Waiting) -> list[str]:
    """The holds and what waits for each, as `status` and `plan` show them."""
    found = []
    for hold in holds:
        waits = waiting.lines.get(hold.id, ())
        found += [f"• {sign(hold)} {what(hold)}, {by(hold)}", *waiting_lines(waits, SHOWN)]
    return [*found, *([f"• {escape(waiting.why)}"] if waiting.why else [])]


def waiting_lines(waits: Sequence[str], most: int) -> list[str]:
    """A line each, the newest of them where there are many."""
    more = [f"• and {len(waits) - most} older ones"] if len(waits) > most else []
    return [*(f"• waits: {line}" for line in waits[:most]), *more]


def what(hold: Hold) -> str:
    """What it is that is held: `app influencer is locked`."""
    if hold.id.startswith(APP):
        return f"app {hold.id.removeprefix(APP)} is locked"
    if hold.id.startswith(POOL):
        return f"pool {hold.id.removeprefix(POOL)} is locked"
    return "flstr is suspended" if hold.id == SUSPEND else "flstr is frozen"


def sign(hold: Hold) -> str:
    """An emoji for it."""
    return ":pause_button:" if hold.id == SUSPEND else ":ice_cube:" if is_freeze(hold) else ":lock:"


def by(hold: Hold) -> str:
    """By whom, until when and why: `by developer until … (the database moves)`."""
    until = "" if hold.until is None else f" until {in_words(hold.until)}"
    return f"by {escape(hold.person)}{until} ({escape(hold.reason)})"


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _touches(word: str) -> tuple[str, ...]:
    """The locks that keep what a verb's first word names: an app, a pool, or a machine by its pool."""
    name = word.partition("@")[0]
    return f"{APP}{name}", f"{POOL}{name}", f"{POOL}{name.rstrip('0123456789')}"


def _app_held(manifests: Manifests, name: str, before: Manifests) -> Manifests:
    kept = {key: app for key, app in manifests.apps.items() if app.app != name}
    kept |= {key: app for key, app in before.apps.items() if app.app == name}
    return replace(manifests, apps=kept)


def _pool_held(manifests: Manifests, name: str, before: Manifests) -> Manifests:
    cluster, then = manifests.cluster, before.cluster
    pools = {key: pool for key, pool in cluster.pools.items() if key != name}
    pools |= {key: pool for key, pool in then.pools.items() if key == name}
    others = tuple(node for node in cluster.drained if node.rstrip("0123456789") != name)
    of_pool = tuple(node for node in then.drained if node.rstrip("0123456789") == name)
    drained = cluster.drained if set(others + of_pool) == set(cluster.drained) else (*others, *of_pool)
    return replace(manifests, cluster=cluster.model_copy(update={"pools": pools, "drained": drained}))


def held_now(store: Store) -> list[str]:
    """What is held, and what waits for it, a line each; none where nothing is."""
    return lines(holds, read_waiting(store)) if (holds := read_holds(store)) else []
