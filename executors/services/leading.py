"""Another instance of a service leads, and the others follow it: one script a machine, no playbook."""

import contextlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass

from executors.answers import report_the_silent
from executors.remote import Remote
from executors.services.noted import service_record
from executors.services.redis_files import (
    CATCH_UP_SECONDS,
    Leader,
    RedisFiles,
    files_of,
    follow_script,
    hand_over_script,
    lead_script,
    look_script,
)
from gitops.executor import StepContext
from gitops.service_leader import led_by
from gitops.service_roles import Heard, heard_in
from gitops.services import instances_of
from model.errors import StepFailed
from model.names import AppName, NodeName, ServiceInstanceId
from model.registered import ServiceInstance, ServiceRecord
from model.service_steps import LeadService

LOOK_SECONDS = 5.0
SCRIPT_SECONDS = 30.0

FilesOf = Callable[[AppName], RedisFiles]


@dataclass(frozen=True)
class Leading:
    """Carries out `LeadService`."""

    remote: Remote
    files_of: FilesOf = files_of

    def lead(self, step: LeadService, context: StepContext) -> None:
        """Have one lead, note that it does, and have the others follow, as far as they answer.

        One that leads already and is followed by the new one hands over by itself, so that no write is lost; one that
        does not answer is put right once it does.
        """
        record, instances = _told(step, context)
        files, leader = self.files_of(step.service), _leader(step, instances)
        roles = self._look(instances, files, context)
        self._hand_over(_Move(record, instances, leader, files), roles, context)
        context.report(f"{step.leader} begins to lead")
        self._have_lead(step, files, context)
        registry = context.registry
        registry.put_service(led_by(record, step.leader, registry.cluster(), registry.read()))
        others = [node for node in instances if node != step.leader and node in roles]
        follow = follow_script(step.service, files, leader)
        answers = self.remote.run_all(dict.fromkeys(others, follow), context.fence, SCRIPT_SECONDS)
        report_the_silent(answers, (), context)
        silent = sorted(instances.keys() - roles.keys())
        left = f"; {', '.join(silent)} did not answer, and follows once it does" if silent else ""
        context.report(f"{step.leader} leads {step.service}{left}")

    def _have_lead(self, step: LeadService, files: RedisFiles, context: StepContext) -> None:
        """One that leads by now does, however its script ended: a connection may break behind the change."""
        try:
            self.remote.run(step.leader, lead_script(step.service, files), context.fence, SCRIPT_SECONDS)
        except StepFailed:
            said = self.remote.run(step.leader, look_script(files), context.fence, LOOK_SECONDS)
            if heard_in(said).role != "leader":
                raise

    def _look(
        self, instances: Mapping[NodeName, ServiceInstance], files: RedisFiles, context: StepContext
    ) -> dict[NodeName, Heard]:
        """What those say that answer soon; a machine that is lost would have everybody wait for its connection."""
        script, found = look_script(files), dict[NodeName, Heard]()
        pool = ThreadPoolExecutor(max(1, len(instances)), thread_name_prefix="look")
        asked = {node: pool.submit(self.remote.run, node, script, context.fence, LOOK_SECONDS) for node in instances}
        wait(asked.values(), LOOK_SECONDS)
        pool.shutdown(wait=False, cancel_futures=True)
        for node, answer in asked.items():
            if answer.done():
                with contextlib.suppress(StepFailed):
                    found[node] = heard_in(answer.result())
        return found

    def _hand_over(self, move: "_Move", roles: Mapping[NodeName, Heard], context: StepContext) -> None:
        """Nothing is to be handed over where nobody leads any more, or the new one does already."""
        service, leader = move.record.service.service, move.leader
        new = roles.get(leader.node)
        if new is None or new.role == "down":
            raise StepFailed(f"{leader.node}: the Redis of {service} does not answer, so it cannot lead")
        if new.role == "leader":
            return
        leading = {f"{one.ip}:{one.port}": node for node, one in move.instances.items() if _leads(roles.get(node))}
        old = leading.get(new.follows) if new.linked else None
        if old is None and move.record.leader in leading.values():
            raise StepFailed(f"{leader.node} does not follow {move.record.leader}, so it cannot take {service} over")
        if old is None and new.linked:
            raise StepFailed(f"{leader.node} hears {new.follows} lead {service}, which does not answer flstr")
        if old is None:
            _check_has_most(move, new, roles, context)
        if old is not None:
            context.report(f"{old} hands over to {leader.node}")
            script = hand_over_script(service, move.files, leader)
            self.remote.run(old, script, context.fence, SCRIPT_SECONDS + CATCH_UP_SECONDS)


@dataclass(frozen=True)
class _Move:
    """A service as it is noted, and who is to lead it."""

    record: ServiceRecord
    instances: Mapping[ServiceInstanceId, ServiceInstance]
    leader: Leader
    files: RedisFiles


def _check_has_most(move: "_Move", new: Heard, roles: Mapping[NodeName, Heard], context: StepContext) -> None:
    """Nobody leads in the place of one that is lost while another one has more, or while it may come back with all."""
    service, node = move.record.service.service, move.leader.node
    beside = {other: said.offset for other, said in roles.items() if said.follows == new.follows}
    best = max(beside, key=lambda other: beside[other], default=node)
    if beside.get(best, new.offset) > new.offset:
        raise StepFailed(f"{best} has more of what was written to {service} than {node}, which cannot lead")
    old = move.record.leader
    if new.offset < 0 and old != node and old in context.registry.read().nodes:
        raise StepFailed(f"{node} does not say what it has of {service}, so it does not lead while {old} may come back")


def _leads(said: Heard | None) -> bool:
    return said is not None and said.role == "leader"


def _told(step: LeadService, context: StepContext) -> tuple[ServiceRecord, Mapping[ServiceInstanceId, ServiceInstance]]:
    registry, record = context.registry, service_record(step.service, context)
    nodes = tuple(dict.fromkeys((*record.nodes, step.leader)))
    return record, instances_of(record.service, nodes, registry.cluster(), registry.read())


def _leader(step: LeadService, instances: Mapping[ServiceInstanceId, ServiceInstance]) -> Leader:
    there = instances.get(step.leader)
    if there is None:
        raise StepFailed(f"{step.leader} has no address in the apps' network, so it cannot lead {step.service}")
    return Leader(step.leader, there.ip, there.port)
