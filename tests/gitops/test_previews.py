"""What `plan` says of the playbooks that would run."""

from collections.abc import Sequence

from gitops.executor import StepPreview
from gitops.plan import Plans
from gitops.registry import Registry
from gitops.releases import wanted
from gitops.store import Store
from gitops.verbs.previews import previewed
from model import keys
from model.errors import StepFailed
from model.locks import service_lock
from model.registered import NodeRecord, Registered
from model.service import Service
from model.service_steps import ApplyService
from model.steps import Plan, PlannedStep
from tests.gitops.scene import manifests

SERVICE = Service.model_validate(
    {
        "service": "cache",
        "playbook": "redis",
        "nodes": ["service101"],
        "publish": {"port": 6379},
        "env_prefix": "CACHE",
    }
)
STEP = ApplyService(service=SERVICE, nodes=("service101",), digest="0" * 16)
PLANS = Plans(
    (Plan(title="cache", steps=(PlannedStep(id="a", title="a", step=STEP),)),),
    Plan(title=""),
    wanted(manifests(), Registered()),
)
NODE = NodeRecord(name="service101", ip="192.0.2.1", services=(), role="service", pool="service")
JOINED = Registered(nodes={"service101": NODE})


def said(store: Store, preview: StepPreview | None, registered: Registered = JOINED) -> list[str]:
    return previewed(PLANS, registered, Registry(store), preview)


def answering(*lines: str) -> StepPreview:
    def preview(step: ApplyService, registry: Registry) -> Sequence[str]:
        assert step == STEP
        return lines

    return preview


def test_each_machine_has_a_line_with_the_tasks_that_would_change_it(store: Store) -> None:
    title = "*What the playbook of cache would change*"
    lines = said(store, answering("service101: Write <its> configuration"))
    assert lines == ["", title, "• service101: Write &lt;its&gt; configuration"]
    assert said(store, answering()) == ["", title, "• nothing"]
    assert not {"*", "`", "~"}.intersection(said(store, answering("service101: +save * ~ `a`"))[-1])


def test_machines_that_are_yet_to_come_are_not_asked(store: Store) -> None:
    assert said(store, answering("never"), Registered()) == []
    assert said(store, None) == []


def test_why_it_could_not_be_asked_is_one_sentence(store: Store) -> None:
    def preview(step: ApplyService, registry: Registry) -> Sequence[str]:
        raise StepFailed("service101: no answer")

    assert said(store, preview)[-1] == "• it could not be asked: service101: no answer"


def test_one_that_is_being_changed_is_not_asked_meanwhile(store: Store) -> None:
    store.put(keys.lock(service_lock("cache")), "op")
    (_, _, line) = said(store, answering("never"))
    assert line == "• it is being changed just now; its card says how"
