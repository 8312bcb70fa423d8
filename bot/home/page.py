"""App Home: the fleet on one page, for one person. Pure: records in, blocks out."""

from collections.abc import Sequence
from dataclasses import dataclass

from slack_sdk.models.blocks import (
    ActionsBlock,
    ButtonElement,
    DividerBlock,
    HeaderBlock,
    PlainTextObject,
)

from bot.actions import OPEN_MODAL
from bot.approvals.card import buttons
from bot.message import Block
from bot.parts import moment, section
from bot.progress import tally
from bot.text import clip, fit
from gitops.describe import service_lines
from gitops.holds.rules import sign, what
from model.cluster import Cluster
from model.mrkdwn import SIGNS
from model.names import NodeName
from model.operation import Approval, Hold, Operation
from model.registered import Registered, RegisteredApp, RegisteredService

MOST_BLOCKS = 100
SECTION_CHARACTERS = 2900
LINE_CHARACTERS = 200
MOST_LINES = 60
MOST_APPROVALS = 10
SOON_DAYS = 14


@dataclass(frozen=True)
class Fleet:
    """Everything that App Home shows, as it is registered now."""

    cluster: Cluster
    registered: Registered
    operations: Sequence[Operation] = ()
    approvals: Sequence[Approval] = ()
    holds: Sequence[Hold] = ()


def home_blocks(fleet: Fleet, mine: Sequence[Approval], now: float) -> tuple[Block, ...]:
    """`mine` are the approvals that wait for the person who looks, the oldest first."""
    actions = ActionsBlock(
        elements=[ButtonElement(text=_plain("Deploy, scale, restart …"), action_id=OPEN_MODAL, style="primary")]
    )
    blocks = [HeaderBlock(text=_plain(clip(fleet.cluster.cluster, 150))).to_dict(), actions.to_dict()]
    blocks += _waiting(fleet, mine)
    under_way = [operation for operation in fleet.operations if not operation.ended_already()]
    blocks += _part("Under way", [_operation(operation) for operation in under_way])
    blocks += _part("Held", [_hold(hold) for hold in fleet.holds if hold.until is None or hold.until > now])
    blocks += _part("Nodes", _nodes(fleet))
    blocks += _part("Apps", [_app(name, app) for (_, name), app in sorted(fleet.registered.apps.items())])
    blocks += _part("Services", _services(fleet.registered))
    blocks += _part("Certificates", _certificates(fleet.registered, now))
    return tuple(blocks[:MOST_BLOCKS])


def waiting_blocks(fleet: Fleet, mine: Sequence[Approval], readers: str) -> tuple[Block, ...]:
    """The page of somebody without the right to read: what waits for them, and who sees more."""
    refused = section(fit(f"You may not see what runs here; {readers} may.", SECTION_CHARACTERS))
    return (refused, *_waiting(fleet, mine)[:MOST_BLOCKS])


def no_home() -> tuple[Block, ...]:
    """Before a first revision of the cluster repo was accepted."""
    return (section("No revision of the cluster repo was accepted yet; there is nothing to show."),)


def _waiting(fleet: Fleet, mine: Sequence[Approval]) -> list[Block]:
    if not mine:
        return []
    titles = {operation.id: operation.plan.title for operation in fleet.operations}
    blocks = [DividerBlock().to_dict(), section("*Waits for you*")]
    for approval in mine[:MOST_APPROVALS]:
        title = fit(titles.get(approval.operation, approval.operation), LINE_CHARACTERS)
        blocks.append(section(f":raised_hand: *{title}*, until {moment(approval.expires)}"))
        # Two operations may wait at once: each has its own block of buttons.
        block_id = f"home.{approval.id}"[:255]
        blocks.append(ActionsBlock(block_id=block_id, elements=buttons(approval)).to_dict())
    if len(mine) > MOST_APPROVALS:
        blocks.append(section(f"and {len(mine) - MOST_APPROVALS} more; their cards are in the channel"))
    return blocks


def _part(title: str, lines: Sequence[str]) -> list[Block]:
    """A heading and its lines, in as few sections as hold them."""
    if not lines:
        return []
    shown = [*lines[:MOST_LINES], *([f"and {len(lines) - MOST_LINES} more"] if len(lines) > MOST_LINES else [])]
    parts = [f"*{title}*"]
    for line in shown:
        if len(parts[-1]) + 1 + len(line) <= SECTION_CHARACTERS:
            parts[-1] += f"\n{line}"
        else:
            parts.append(line)
    return [DividerBlock().to_dict(), *(section(part) for part in parts)]


def _operation(operation: Operation) -> str:
    state = "waits for an approval" if operation.status == "awaiting_approval" else operation.status
    title = fit(operation.plan.title, LINE_CHARACTERS)
    return f"{SIGNS[operation.status]} *{title}* `{operation.id}`: {state}, {tally(operation)}"


def _hold(hold: Hold) -> str:
    until = f"until {moment(hold.until)}" if hold.until is not None else "until somebody says resume"
    by = f"by {fit(hold.person, 60)}: {fit(hold.reason, LINE_CHARACTERS)}"
    return f"{sign(hold)} *{fit(what(hold), 80)}* {until}, {by}"


def _nodes(fleet: Fleet) -> list[str]:
    cluster, registered = fleet.cluster, fleet.registered
    names = sorted(cluster.nodes().keys() | registered.nodes.keys() | registered.hosts.keys())
    return [_node(name, fleet) for name in names]


def _node(name: NodeName, fleet: Fleet) -> str:
    registered = fleet.registered
    record = registered.nodes.get(name)
    if record is None:
        return f":white_circle: *{name}*: {'rented' if name in registered.hosts else 'not there yet'}"
    said = [record.role, record.ip]
    count = sum(item.node == name for app in registered.apps.values() for item in app.instances.values())
    said += [f"{count} instance{'' if count == 1 else 's'}"] if count else []
    said += ["drained"] if name in fleet.cluster.drained else []
    said += [] if fleet.cluster.pool_of(name) else ["no longer wanted"]
    silent = registered.dead.get(name, registered.unreachable.get(name))
    not_ready = registered.not_ready.get(name)
    if silent is not None:
        said.append(f"silent since {moment(silent)}")
    elif not_ready is not None:
        said.append(f"NotReady since {moment(not_ready)}")
    red = silent is not None or not_ready is not None
    return f"{':red_circle:' if red else ':large_green_circle:'} *{name}*: {', '.join(said)}"


def _app(name: str, app: RegisteredApp) -> str:
    count = len(app.instances)
    commits = sorted({record.commit[:7] for record in app.instances.values()})
    serving = f"{count} instance{'' if count == 1 else 's'} of {', '.join(f'`{commit}`' for commit in commits)}"
    failed = ", a release of it is in quarantine" if app.quarantine else ""
    return f"{':large_green_circle:' if count else ':white_circle:'} *{name}*: {serving if count else 'none'}{failed}"


def _services(registered: Registered) -> list[str]:
    """As `/flstr services` says them, each with whether it serves."""
    services, lines = sorted(registered.services.items()), service_lines(registered)
    return [_service(name, found, line) for (name, found), line in zip(services, lines, strict=True)]


def _service(name: str, service: RegisteredService, line: str) -> str:
    light = ":large_green_circle:" if service.serving() else ":white_circle:"
    return clip(f"{light} *{name}*{line.removeprefix(f'• {name}')}", SECTION_CHARACTERS // 2)


def _certificates(registered: Registered, now: float) -> list[str]:
    """Those that end first come first."""
    ends = {
        name: (record.issued.not_after.timestamp() - now) / 86400.0
        for name, record in registered.certificates.items()
        if record.issued is not None
    }
    missing = [f":x: *{name}*: none yet" for name in sorted(registered.certificates.keys() - ends.keys())]
    return missing + [_certificate(name, days) for name, days in sorted(ends.items(), key=lambda one: (one[1], one[0]))]


def _certificate(name: str, days: float) -> str:
    if days <= 0:
        return f":x: *{name}*: has ended"
    whole = int(days)
    left = f"{whole} day{'' if whole == 1 else 's'} left"
    return f"{':warning:' if days < SOON_DAYS else ':large_green_circle:'} *{name}*: {left}"


def _plain(text: str) -> PlainTextObject:
    return PlainTextObject(text=text)
