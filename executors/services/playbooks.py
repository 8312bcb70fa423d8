"""Runs of services' playbooks."""

from executors.services.told import PlaybookRun
from gitops.executor import StepContext


class Playbooks:
    """Runs playbooks on the machines of a service, fenced as scripts are."""

    def run(self, run: PlaybookRun, context: StepContext) -> None:
        """Run one to its end; its tasks are shown as they come.

        Raises `StepFailed` with the sentence of the first task that failed, and `Fenced` where a machine obeys a newer
        controller.
        """
        raise NotImplementedError
