"""What is in the cloud under the cluster's label and accounted for by nothing. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from model.cluster import Cluster
from model.mrkdwn import escape
from model.names import NodeName
from model.registered import Orphan, Registered
from model.steps import GiveBackOrphan, Losses, Plan

OrphanKind = Literal["server", "floating_ip", "primary_ip", "volume", "placement_group"]

# What was made just now may be somebody's who has not written it down yet.
GRACE_SECONDS = 900.0
_SHOWN = 64
_TYPED = re.compile(r"[a-z](?:[a-z0-9-]{0,28}[a-z0-9])?")


@dataclass(frozen=True)
class InCloud:
    """One thing that bears the cluster's label; `used_by` are the ids of the servers that have it."""

    kind: OrphanKind
    id: int
    name: str
    created: float
    used_by: tuple[int, ...] = ()


def orphans(
    there: Iterable[InCloud],
    cluster: Cluster,
    registered: Registered,
    making: Iterable[NodeName],
    now: float,
) -> dict[str, Orphan]:
    """Those that nobody knows, by kind and id, with since when that is so; `making` are machines under way."""
    known = {record.server_id for record in registered.hosts.values()}
    names = {*registered.hosts, *registered.nodes, *cluster.nodes(), *making}
    found: dict[str, Orphan] = {}
    for one in there:
        if now - one.created < GRACE_SECONDS or _is_known(one, cluster, registered, known, names):
            continue
        key = f"{one.kind}-{one.id}"
        before = registered.orphans.get(key)
        found[key] = before or Orphan(kind=one.kind, id=one.id, name=one.name, since=now)
    return found


def _is_known(
    one: InCloud, cluster: Cluster, registered: Registered, servers: set[int | None], names: set[NodeName]
) -> bool:
    match one.kind:
        case "server":
            # A name that is wanted is adopted, or refused by the step that would rent it.
            return one.id in servers or one.name in names
        case "floating_ip":
            return one.name in registered.floating_ips or one.name in cluster.floating_ips
        case "primary_ip" | "volume" | "placement_group":
            # It goes, or is told, with the server that has it.
            return bool(one.used_by)


def in_words(orphan: Orphan) -> str:
    """`server worker107 (42)`; whoever named it may have meant something to Slack or a terminal by it."""
    name = re.sub(r"[^A-Za-z0-9._ -]", "?", orphan.name)[:_SHOWN]
    return f"{orphan.kind.replace('_', ' ')} {name or 'without a name'} ({orphan.id})"


def typed_names(plan: Plan) -> tuple[str, ...]:
    """What whoever approves a plan has to type: all that it destroys for good, or the whole cluster by its name."""
    losses = plan.losses or Losses()
    if losses.cluster:
        return (losses.cluster,)
    given_back = [planned.step.orphan for planned in plan.steps if isinstance(planned.step, GiveBackOrphan)]
    return (*losses.nodes, *dict.fromkeys(map(typed_name, given_back)))


def typed_name(orphan: Orphan) -> str:
    """Its name, where a person can type it as one word; else its kind and id."""
    if _TYPED.fullmatch(orphan.name):
        return orphan.name
    return f"{orphan.kind.replace('_', '-')}-{orphan.id}"


def listing(orphans: Sequence[Orphan], prices: Mapping[str, Decimal] | None, since: Mapping[str, str]) -> str:
    """What the verb answers; `prices` are by kind and id, None where the cloud does not say."""
    if not orphans:
        return "Nothing is in the cloud under this cluster's label that flstr does not know."
    lines = ["*In the cloud under this cluster's label, and known to nobody*"]
    for orphan in orphans:
        key = f"{orphan.kind}-{orphan.id}"
        price = None if prices is None else prices.get(key)
        cost = "the cloud does not say what it costs" if price is None else f"{price:.2f} € a month before tax"
        lines.append(f"• {escape(in_words(orphan))}: {cost}, seen since {since[key]}")
    return "\n".join([*lines, "They go after an approval only; its card is in the channel."])
