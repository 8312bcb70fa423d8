"""`env <app> [instance]`: what the running instances of an app see, without the secrets in it."""

from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from executors.asked_instances import Asked, asked_instances, units_by_node
from executors.look_fence import look_fence
from executors.masking import MASK, masked
from executors.remote import Remote
from executors.templates import render
from gitops.registry import Registry
from model.errors import StepFailed
from model.mrkdwn import code_block, inert

LOOK_SECONDS = 20.0
VALUE_CHARACTERS = 300
BLOCK_CHARACTERS = 3500


@dataclass(frozen=True)
class Seen:
    """What an instance sees: its variables, masked already, and the names of its credentials."""

    variables: Mapping[str, str]
    credentials: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """`NAME = value`, in order; credentials come last."""
        shown = [f"{name} = {value}" for name, value in sorted(self.variables.items())]
        return [*shown, *(f"credential {name} = {MASK}" for name in self.credentials)]


def environments_script(units: Sequence[str]) -> str:
    """The script that prints what the instances of a machine see, for `parse_environments`."""
    return render("app/environments.sh.j2", units=units)


def parse_environments(printed: str) -> Mapping[str, Seen]:
    """What is seen, by unit; one that does not run sees nothing and is left out."""
    variables: dict[str, dict[str, str]] = {}
    credentials: dict[str, list[str]] = {}
    for line in printed.splitlines():
        unit, what, *rest = line.split(" ", 2)
        if what == "variables":
            variables[unit] = _variables(b64decode("".join(rest)).decode(errors="replace"))
        else:
            credentials.setdefault(unit, []).extend(rest)
    return {unit: Seen(found, tuple(sorted(credentials.get(unit, ())))) for unit, found in variables.items()}


def told(instances: Sequence[Asked], seen: Mapping[str, Seen], silent: Mapping[str, str]) -> str:
    """The answer as Slack mrkdwn: what all see first, then what each sees besides."""
    running = [one for one in instances if one.unit in seen]
    lines = {one: seen[one.unit].lines() for one in running}
    shared = set.intersection(*map(set, lines.values())) if len(running) > 1 else set()
    parts = []
    if shared:
        parts.append(f"All {len(running)} running instances see\n{_block(sorted(shared))}")
    for one in instances:
        if one.node in silent:
            parts.append(f"{one}: :warning: {inert(silent[one.node])}")
        elif one not in lines:
            parts.append(f"{one} does not run")
        elif own := [line for line in lines[one] if line not in shared]:
            parts.append(f"{one} sees {'besides' if shared else ''}".rstrip() + f"\n{_block(own)}")
    return "\n".join(parts)


class Environments:
    """A `HostCheck`."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    def __call__(self, arguments: tuple[str, ...], registry: Registry) -> str:
        """What an app's instances see. Raises `Refused` for what is not known."""
        instances = asked_instances(arguments, registry.read())
        if not instances:
            return f"{arguments[0]} has no instance that could see anything."
        scripts = {node: environments_script(units) for node, units in units_by_node(instances).items()}
        seen: dict[str, Seen] = {}
        silent: dict[str, str] = {}
        for node, answer in self._remote.run_all(scripts, look_fence(registry), LOOK_SECONDS).items():
            if isinstance(answer, StepFailed):
                silent[node] = answer.sentence
            else:
                seen |= parse_environments(answer)
        return told(instances, seen, silent)


def _variables(environ: str) -> dict[str, str]:
    pairs = (entry.partition("=") for entry in environ.split("\0") if entry)
    return {_readable(name): _readable(masked(name, value)) for name, _, value in pairs}


def _readable(text: str) -> str:
    shown = "".join(letter if letter.isprintable() else " " for letter in text)
    return shown if len(shown) <= VALUE_CHARACTERS else f"{shown[:VALUE_CHARACTERS]}…"


def _block(lines: Sequence[str]) -> str:
    return code_block("\n".join(lines), BLOCK_CHARACTERS)
