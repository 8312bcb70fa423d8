"""What the picture shows, in words: for its captions, for the answer, and for those who cannot see it. Pure."""

from collections.abc import Sequence

from executors.doctor.findings import count
from executors.findings import FINE
from executors.findings import MARKS as FAULT
from executors.graph.networks import Network, State
from model.mrkdwn import escape

MARKS = {State.WELL: FINE, State.ILL: FAULT["warning"], State.DOWN: FAULT["error"]}
MOST_LINES = 20


def caption(network: Network) -> str:
    """Its size and the time through it: `10.5.0.0/16, 3 machines, 3 tunnels, 0.3 to 1.2 ms`."""
    parts = [network.subnet, count(len(network.nodes), "machine"), count(len(network.links), "tunnel")]
    times = sorted(link.milliseconds for link in network.links if link.milliseconds is not None)
    if times:
        quickest, slowest = milliseconds(times[0]), milliseconds(times[-1])
        parts.append(f"{slowest} ms" if quickest == slowest else f"{quickest} to {slowest} ms")
    return ", ".join(parts)


def what_is_down(network: Network) -> tuple[str, ...]:
    """A sentence for each machine that does not answer and each tunnel that carries nothing."""
    machines = [f"{node.name} does not answer" for node in network.nodes if node.state is State.DOWN]
    return (*machines, *(f"nothing passes between {link.ends[0]} and {link.ends[1]}" for link in network.down()))


def state_of(network: Network) -> State:
    """The worst of its machines and tunnels."""
    if what_is_down(network):
        return State.DOWN
    ill = State.ILL in {*(node.state for node in network.nodes), *(link.state for link in network.links)}
    return State.ILL if ill else State.WELL


def answer(networks: Sequence[Network]) -> str:
    """The picture as Slack mrkdwn: a line a network, and what is down in it."""
    if not networks:
        return "No machine has joined a network yet."
    lines = []
    for network in networks:
        lines.append(f"{MARKS[state_of(network)]} *{network.name}*: {caption(network)}")
        lines += [f"      {escape(sentence)}" for sentence in what_is_down(network)]
    if len(lines) > MOST_LINES:
        lines = [*lines[:MOST_LINES], f"… and {len(lines) - MOST_LINES} lines more; the picture has them all"]
    if any(state_of(network) is not State.WELL for network in networks):
        lines.append("`doctor` says what is wrong and what to do.")
    return "\n".join(lines)


def description(cluster: str, networks: Sequence[Network]) -> str:
    """The picture in one paragraph, for those who hear it."""
    parts = [f"{one.name}: {caption(one)}; {'; '.join(what_is_down(one)) or 'all up'}." for one in networks]
    return " ".join([f"The networks of {cluster}.", *parts])


def milliseconds(time: float) -> str:
    """Two digits that matter: `0.42`, `4.2`, `42`."""
    return f"{time:.2f}" if time < 1 else f"{time:.1f}" if time < 10 else f"{time:.0f}"
