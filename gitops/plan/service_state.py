"""How a service stands: where it runs, where it is to run, and who leads it there and then. Pure."""

from collections.abc import Iterable, Sequence
from functools import cached_property

from gitops.manifests import Manifests
from gitops.services import instances_of, nodes_of, told_digest
from model import service_keys
from model.names import AppName, NodeName, ServiceInstanceId
from model.registered import Registered, RegisteredService
from model.service import Service


def registered_by_hand(found: RegisteredService | None) -> bool:
    """Whether somebody else has installed it; flstr leaves that as it is."""
    return found is not None and found.record is None and found.meta_data is not None


def held_by(found: RegisteredService) -> tuple[NodeName, ...]:
    """The machines that a service which flstr has installed is on, and those where that was begun."""
    if found.record is None:
        return ()
    return tuple(dict.fromkeys((*found.record.nodes, *(one.node for one in found.instances.values()))))


def answers_again_or_is(nodes: Sequence[NodeName]) -> str:
    """`service101 answers again, or is`, or the same of several."""
    one = len(nodes) == 1
    return f"{', '.join(nodes)} {'answers' if one else 'answer'} again, or {'is' if one else 'are'}"


class ServiceState:
    """One service between its manifest and what is registered of it."""

    def __init__(self, service: Service, manifests: Manifests, registered: Registered) -> None:
        self.service = service
        self.name: AppName = service.service
        self.found = registered.services.get(service.service, RegisteredService())
        self.record = self.found.record
        self.is_new = self.found.meta_data is None
        self.source = "" if service.ours is not None else manifests.playbooks
        self._manifests = manifests
        self._registered = registered
        self.wanted = nodes_of(service, manifests.cluster)
        self._instances = instances_of(service, self.wanted, manifests.cluster, registered)
        there = [node for node in self.wanted if node in self._instances]
        self.coming = len(there) < len(self.wanted)
        self.standing = tuple(node for node in there if node not in registered.silent())
        going = [node for node in held_by(self.found) if node not in self.wanted]
        # Whoever is given up, or was destroyed, is told nothing any more.
        self.lost = tuple(node for node in going if node in registered.dead or node not in registered.nodes)
        self.leaving = tuple(node for node in going if node not in self.lost)
        # They are still machines of it, and cannot be told anything just now.
        self.silent = self._silent_of(self._members)

    @property
    def installed(self) -> Service:
        """What is to be removed where it goes: the service as it was brought there."""
        return self.service if self.record is None else self.record.service

    @property
    def restored_before(self) -> str | None:
        """The backup that its data came from; of one whose removal was broken off, too."""
        return None if self.record is None else self.record.restored

    @cached_property
    def _noted_on(self) -> tuple[NodeName, ...]:
        return () if self.record is None else self.record.nodes

    @cached_property
    def _members(self) -> tuple[NodeName, ...]:
        """The same, and those that were silent as it was last brought to something."""
        return () if self.record is None else tuple(dict.fromkeys((*self.record.nodes, *self.record.silent)))

    @property
    def held_on(self) -> tuple[NodeName, ...]:
        """All that it is on while it is installed."""
        return tuple(dict.fromkeys((*self.standing, *self.leaving)))

    @property
    def added(self) -> tuple[NodeName, ...]:
        """Machines that it comes to."""
        return tuple(node for node in self.standing if node not in self._noted_on)

    @cached_property
    def _old_leader(self) -> NodeName | None:
        return None if self.record is None or not self.service.leads else self.record.leader

    @cached_property
    def heir(self) -> NodeName | None:
        """Who is to lead at once in the place of a machine that is gone, of those that hold the data."""
        old = self._old_leader
        if old is None or self.is_new or (old not in self._registered.dead and old in self._registered.nodes):
            return None
        return next((node for node in self.standing if node in self._noted_on), None)

    @cached_property
    def leader_before(self) -> NodeName | None:
        """Who leads until the new machines hold the data."""
        if not self.service.leads:
            return None
        old = self._old_leader
        return old if old in (*self.standing, *self.leaving) else self.heir or next(iter(self.standing), None)

    @cached_property
    def leader(self) -> NodeName | None:
        """Who leads in the end."""
        return self.leader_before if self.leader_before in self.standing else next(iter(self.standing), None)

    @cached_property
    def is_as_told(self) -> bool:
        """Whether its playbook has been told all that there is to tell; a machine that is silent stays told."""
        if self.record is None or self.leaving or self.lost or self.heir is not None:
            return False
        counted = [node for node in self.wanted if node in self.standing or node in self._noted_on]
        silent = self._silent_of([node for node in self.record.silent if node not in self._noted_on])
        return self.record.digest == self.digest(counted, (), self._old_leader, silent)

    @property
    def is_noted(self) -> bool:
        """Whether all that its manifest says is noted; of a backup that is to be restored, that is done by itself."""
        if self.record is None:
            return True
        noted = self.record.service
        return noted == self.service.model_copy(update={"restored": noted.restored})

    @cached_property
    def why_waits(self) -> str:
        """Why nothing can be done for it as things are; empty where something can, or nothing is to be done."""
        silent, on = self._registered.silent(), [node for node in self.wanted if node in self._instances]
        if on and not self.standing:
            return f"service {self.name} waits: {', '.join(on)} {'does' if len(on) == 1 else 'do'} not answer"
        unheard = [node for node in self.leaving if node in silent]
        if unheard:
            return f"service {self.name} cannot leave before {answers_again_or_is(unheard)} given up"
        if not self.standing or self.is_new or self.is_as_told or self.heir is not None:
            return ""
        if away := self._away_with_all_data():
            alone = f"which alone {'holds' if len(away) == 1 else 'hold'} its data"
            waits = f"service {self.name} waits for {' or '.join(away)}, {alone}"
            lost = [node for node in away if node in self.lost]
            return f"{waits}; it begins anew without them after `flstr destroy {lost[0]}`" if lost == away else waits
        old = self._old_leader
        if old is not None and old in silent and old in self.wanted:
            return f"service {self.name} waits for {old}, which leads it"
        return ""

    def _away_with_all_data(self) -> list[NodeName]:
        """The machines that are silent or given up, and not destroyed, where no other holds what it keeps."""
        if not self.installed.has_data or {*self.standing, *self.leaving}.intersection(self._noted_on):
            return []
        return [node for node in self._members if node in self._registered.nodes and node not in self.standing]

    def _silent_of(self, nodes: Iterable[NodeName]) -> tuple[NodeName, ...]:
        stay = {*self.wanted}.intersection(self._instances).difference(self.standing)
        return tuple(node for node in nodes if node in stay)

    def digest(
        self,
        nodes: Sequence[NodeName],
        leaving: Sequence[NodeName],
        leader: NodeName | None,
        silent: Sequence[NodeName],
    ) -> str:
        """What the playbook would be told, in sixteen digits."""
        instances = {node: self._instances[node] for node in nodes if node in self._instances}
        return told_digest(self.service, instances, leaving, leader, silent, self._manifests.playbooks)

    def new_keys(self) -> dict[str, str]:
        """The instances that nobody knew of before this change, whether or not it was tried already."""
        port = self.service.listens_at
        every = self.is_new or self.record is None or self.record.service.listens_at != port
        changed = {*self.added, *self._changed(address_alone=True)}
        return self._keys(node for node in self.standing if every or node in changed)

    def missing_keys(self) -> dict[str, str]:
        """The instances that are not registered as they are."""
        return self._keys(self._changed())

    def instances_on(self, nodes: Sequence[NodeName]) -> list[ServiceInstanceId]:
        """Its registered instances on some machines."""
        return [name for name, one in sorted(self.found.instances.items()) if one.node in nodes]

    def _changed(self, *, address_alone: bool = False) -> list[NodeName]:
        def differs(node: NodeName) -> bool:
            old, new = self.found.instances.get(node), self._instances[node]
            return old is None or old.ip != new.ip or (not address_alone and old != new)

        return [node for node in self.standing if differs(node)]

    def _keys(self, nodes: Iterable[NodeName]) -> dict[str, str]:
        return {service_keys.instance(self.name, node): self._instances[node].to_json() for node in nodes}
