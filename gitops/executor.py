"""Where gitops and the executors meet: a step, what it may use, and what comes back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gitops.registry import Registry
from model.attachment import Reply


@dataclass(frozen=True)
class StepContext:
    """What a step may use. `fence` is the controller's fencing token, which hosts check."""

    operation: str
    registry: Registry
    fence: int
    report: Callable[[str], None]


# Carries one kind of step out. Returns when the step is done; raises `StepFailed` with a sentence otherwise. May be
# called twice for the same step, also after a controller was killed in the middle of the first call.
Executor = Callable[[Any, StepContext], None]

# By the step's `kind`.
Executors = Mapping[str, Executor]

# Answers a question about the outside, such as a padlock check, from a verb's arguments; text is Slack mrkdwn.
HostCheck = Callable[[tuple[str, ...], Registry], str | Reply]

# By verb.
HostChecks = Mapping[str, HostCheck]
