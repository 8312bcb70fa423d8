"""Records as the worker writes them, and a room where people and a bot meet."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bot import intake
from gitops.store import Store
from lab.slack.background import BackgroundSlack
from lab.slack.server import SlackApi
from lab.slack.settings import SlackSettings as LabSettings
from model import keys
from model.cluster import Cluster
from model.operation import Approval, Operation, Origin, StepState
from model.steps import DestroyNode, Losses, Plan, PlannedStep
from tests.bot.room import DEVELOPER, ETCD_PATIENCE_SECONDS, OPERATOR, PATIENT, Room
from tests.bot.sending import Clock, Desk, Slack

MakeOperation = Callable[..., Operation]


def _operation(
    states: tuple[StepState, ...] = (StepState(), StepState()),
    status: str = "running",
    titles: tuple[str, ...] = (),
    **changes: Any,
) -> Operation:
    names = titles or tuple(f"Destroy worker{101 + index}" for index in range(len(states)))
    steps = tuple(
        PlannedStep(id=f"step-{index}", title=name, step=DestroyNode(node=f"worker{101 + index}"))
        for index, name in enumerate(names)
    )
    values: dict[str, Any] = {
        "id": "7f3a",
        "revision": "a1b2c3d4" * 5,
        "plan": Plan(title="Scale worker to 2", steps=steps),
        "origin": Origin(person="developer", place="slack #flstr", words="/flstr scale worker 2"),
        "status": status,
        "steps": {step.id: state for step, state in zip(steps, states, strict=True)},
        "created": 1_700_000_000.0,
        "started": 1_700_000_005.0,
    }
    return Operation.model_validate(values | changes)


def _approval(**changes: Any) -> Approval:
    values: dict[str, Any] = {
        "id": "appr-1",
        "operation": "7f3a",
        "digest": "0" * 16,
        "requesters": ["developer"],
        "needed": 1,
        "asked": 1_700_000_000.0,
        "expires": 1_700_003_600.0,
    }
    return Approval.model_validate(values | changes)


@pytest.fixture(scope="session")
def make_operation() -> MakeOperation:
    """`make_operation(states, status, titles, **fields)`."""
    return _operation


@pytest.fixture(scope="session")
def make_approval() -> Callable[..., Approval]:
    return _approval


@pytest.fixture(scope="session")
def asking(make_operation: MakeOperation) -> Operation:
    """An operation that waits for leave to destroy a machine."""
    losses = Losses(nodes=("worker103",), moved=("influencer 2-ab12cd34",), remaining=("worker101", "worker102"))
    steps = make_operation((StepState(),), titles=("Destroy worker103",)).plan.steps
    plan = Plan(title="Scale worker to 2", steps=steps, losses=losses)
    return make_operation((StepState(),), "awaiting_approval", plan=plan, started=None, approval="appr-1")


@pytest.fixture
def lab_settings() -> LabSettings:
    """A test module that needs other settings has a fixture of this name."""
    return PATIENT


@pytest.fixture
def slack(lab_settings: LabSettings) -> Iterator[BackgroundSlack]:
    """A workspace."""
    with BackgroundSlack(SlackApi(settings=lab_settings)) as running:
        yield running


@pytest.fixture
def room(store: Store, slack: BackgroundSlack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    monkeypatch.setattr(intake, "ETCD_SECONDS", ETCD_PATIENCE_SECONDS)
    people = {
        "operator": {"slack": OPERATOR, "email": "operator@flstr.lab", "may": ["read", "approve"]},
        "developer": {"slack": DEVELOPER, "email": "developer@flstr.lab", "may": ["read", "approve", "scale"]},
    }
    pools = {"worker": {"role": "worker", "count": 2}}
    cluster = Cluster.model_validate({"cluster": "flstr-lab", "channel": "flstr", "pools": pools, "people": people})
    store.put(keys.CLUSTER, cluster.to_json())
    room = Room(store, slack.api)
    yield room
    room.stop_bots()


@pytest.fixture
def slack_double() -> Slack:
    """A Slack that writes down what it is asked."""
    return Slack(Clock())


@pytest.fixture
def desk(store: Store, slack_double: Slack) -> Desk:
    """An outbox whose clock a test turns."""
    return Desk(store, slack_double)
