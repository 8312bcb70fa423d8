"""The plan by which another instance of a service leads, or the others follow the one that does."""

from gitops.plan.rollout import StepList
from gitops.service_failover import Verdict
from model.locks import service_lock
from model.service_steps import LeadService
from model.steps import ApplyRouting, Plan


def lead_plan(verdict: Verdict) -> Plan:
    """Have somebody lead, and route to whoever leads."""
    steps, name, leader = StepList(), verdict.service, verdict.leader
    if verdict.instead_of is None:
        title = f"have {', '.join(verdict.wrong)} do as {leader} leads {name}"
    else:
        title = f"have {leader} lead {name} in the place of {verdict.instead_of}, which is lost"
    steps.add("lead", title, LeadService(service=name, leader=leader))
    steps.add("route", f"route to {name} on {leader}", ApplyRouting(), ["lead"])
    return Plan(title=title, steps=steps.all(), locks=(service_lock(name),))


def is_lead(plan: Plan) -> bool:
    """Whether a plan is about who leads a service alone, and so waits for nobody."""
    kinds = {planned.step.kind for planned in plan.steps}
    return "service.lead" in kinds and kinds <= {"service.lead", "routing.apply"}
