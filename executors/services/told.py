"""What one run of a service's playbook is told of it."""

from dataclasses import dataclass
from typing import Literal

from model.names import NodeName
from model.service import Service

Action = Literal["apply", "back_up", "restore", "remove"]


@dataclass(frozen=True)
class PlaybookRun:
    """A service's playbook, what it is to do, and where.

    Those that are `silent` stay machines of the service, and are not worked on. `source` is Git's id of the cluster
    repo's folder of playbooks, for a playbook that is there. A backup is made, or taken, as the file `backup_file` on
    the machine `backup_node`.
    """

    service: Service
    nodes: tuple[NodeName, ...] = ()
    leaving: tuple[NodeName, ...] = ()
    silent: tuple[NodeName, ...] = ()
    leader: NodeName | None = None
    action: Action = "apply"
    source: str = ""
    backup_node: NodeName | None = None
    backup_file: str = ""

    @property
    def everywhere(self) -> tuple[NodeName, ...]:
        """All the machines that it works on."""
        return tuple(dict.fromkeys((*self.nodes, *self.leaving)))
