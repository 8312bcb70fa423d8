"""Several machines, one after another: what a double of `Remote` does where order is all that a test asks of it."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

from executors.remote import OnEnd, OnLine
from gitops.executor import Cancellation, HostFence
from model.errors import StepFailed


class OneByOne(ABC):
    """Whoever derives says how a script is run on one machine."""

    @abstractmethod
    def run(
        self,
        node: str,
        script: str,
        fence: HostFence,
        timeout: float = 60.0,
        on_line: OnLine | None = None,
        cancellation: Cancellation | None = None,
    ) -> str:
        """See `Remote.run`."""

    def run_all(
        self,
        scripts: Mapping[str, str],
        fence: HostFence,
        timeout: float = 60.0,
        cancellation: Cancellation | None = None,
        on_end: OnEnd | None = None,
    ) -> dict[str, str | StepFailed]:
        """See `Remote.run_all`."""
        found: dict[str, str | StepFailed] = {}
        for node, script in scripts.items():
            try:
                found[node] = self.run(node, script, fence, timeout, cancellation=cancellation)
            except StepFailed as error:
                found[node] = error
            if on_end is not None:
                on_end(node)
        return found
