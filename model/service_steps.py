"""The steps of a plan that are about a service. Each may be carried out twice."""

from typing import Literal

from pydantic import Field

from model.base import Frozen
from model.names import AppName, NodeName
from model.service import Service


class ApplyService(Frozen):
    """Run a service's playbook on its machines, and note what it was brought to."""

    kind: Literal["service.apply"] = "service.apply"
    service: Service
    nodes: tuple[NodeName, ...] = Field(description="Where it is to run")
    leaving: tuple[NodeName, ...] = Field((), description="Where it still runs meanwhile, and is to go from")
    silent: tuple[NodeName, ...] = Field((), description="Where it is to stay, and is told nothing while they are away")
    leader: NodeName | None = None
    source: str = Field("", description="Git's id of the cluster repo's folder of playbooks, for one that is there")
    digest: str = Field(description="Of all that the playbook is told, as `gitops.services` makes it")


class NoteService(Frozen):
    """Note what else a service's manifest says, where its playbook is told nothing new."""

    kind: Literal["service.note"] = "service.note"
    service: Service


class LeadService(Frozen):
    """Have another instance of a service lead, and the others follow it, as far as they answer."""

    kind: Literal["service.lead"] = "service.lead"
    service: AppName
    leader: NodeName


class BackUpService(Frozen):
    """Copy a service's data away, encrypted, to where the cluster's backups are kept."""

    kind: Literal["service.back_up"] = "service.back_up"
    service: AppName


class RestoreService(Frozen):
    """Put a backup of a service in the place of what it holds."""

    kind: Literal["service.restore"] = "service.restore"
    service: AppName
    backup: str


class RemoveService(Frozen):
    """Take a service off machines, its data with it."""

    kind: Literal["service.remove"] = "service.remove"
    service: Service
    nodes: tuple[NodeName, ...]
    source: str = ""


ServiceStep = ApplyService | NoteService | LeadService | BackUpService | RestoreService | RemoveService
