"""`logs`: what instances print, or what a build printed."""

from executors.build_logs import BuildLogs
from executors.journals import Journals
from executors.remote import Remote
from gitops.registry import Registry
from model.attachment import Reply
from model.verbs import BUILD


class Logs:
    """A `HostCheck`."""

    def __init__(self, remote: Remote) -> None:
        self._journals, self._build_logs = Journals(remote), BuildLogs(remote)

    def __call__(self, arguments: tuple[str, ...], registry: Registry) -> str | Reply:
        """The answer as Slack mrkdwn. Raises `Refused` for an app or an instance that is not known."""
        look = self._build_logs if BUILD in arguments else self._journals
        return look(arguments, registry)
