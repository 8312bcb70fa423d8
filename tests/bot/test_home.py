"""What App Home shows of the fleet, and whom it asks."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from bot.home.page import Fleet, home_blocks, no_home
from lab.slack.blocks import HOME, accepted
from model.certificates import CertificateRecord, IssuedCertificate
from model.cluster import Cluster
from model.operation import Approval, Hold, Operation
from model.registered import (
    InstanceRecord,
    MetaData,
    NodeRecord,
    Registered,
    RegisteredApp,
    RegisteredService,
    ServiceInstance,
    ServiceRecord,
)
from model.service import Service
from tests.bot.conftest import MakeOperation

NOW = 1_700_000_000.0
CLUSTER = Cluster.model_validate({"cluster": "flstr-lab", "pools": {"worker": {"role": "worker", "count": 2}}})


def node(name: str) -> NodeRecord:
    return NodeRecord(name=name, ip="10.77.0.101", services=(), role="worker", pool="worker")


def certificate(name: str, days: float) -> CertificateRecord:
    end = datetime.fromtimestamp(NOW + days * 86400, UTC)
    begin = datetime.fromtimestamp(NOW - 86400, UTC)
    issued = IssuedCertificate(
        names=(name,),
        chain="a chain",
        sealed_key="-----BEGIN AGE ENCRYPTED FILE-----\nAAAA\n-----END AGE ENCRYPTED FILE-----\n",
        serial="1",
        not_before=begin,
        not_after=end,
        issued_at=begin,
        directory="https://acme.example/directory",
    )
    return CertificateRecord(name=name, issued=issued)


def text(fleet: Fleet, *mine: Approval) -> str:
    blocks = home_blocks(fleet, mine, NOW)
    assert accepted(list(blocks), HOME), "Slack takes it"
    return "\n".join(str(block.get("text", {}).get("text", "")) for block in blocks)


def test_nodes_and_apps_with_their_state() -> None:
    instance = InstanceRecord(node="worker101", ip="10.111.0.9", port=20000, commit="a" * 40)
    registered = Registered(
        nodes={name: node(name) for name in ("worker101", "worker103", "worker104")},
        apps={
            ("backend", "influencer"): RegisteredApp(instances={"1-0a1b2c3d": instance}),
            ("backend", "shop"): RegisteredApp(),
        },
        dead={"worker104": NOW},
        not_ready={"worker103": NOW, "worker104": NOW},
    )
    shown = text(Fleet(CLUSTER, registered))
    assert ":large_green_circle: *worker101*: worker, 10.77.0.101, 1 instance" in shown
    assert ":white_circle: *worker102*: not there yet" in shown
    assert ":red_circle: *worker103*: worker, 10.77.0.101, no longer wanted, NotReady since" in shown
    assert ":red_circle: *worker104*: worker, 10.77.0.101, no longer wanted, silent since" in shown
    assert ":large_green_circle: *influencer*: 1 instance of `aaaaaaa`" in shown
    assert ":white_circle: *shop*: none" in shown


def service(*nodes: str, leader: str | None = None) -> RegisteredService:
    manifest = Service.model_validate(
        {"service": "cache", "playbook": "redis", "pool": "service", "publish": {"port": 6379}, "env_prefix": "CACHE"}
    )
    return RegisteredService(
        meta_data=MetaData(publish=manifest.publish, env_prefix=manifest.env_prefix, env=manifest.env),
        instances={name: ServiceInstance(node=name, ip="10.5.1.1", port=6379) for name in nodes},
        record=ServiceRecord(service=manifest, nodes=nodes, leader=leader),
    )


def test_services_with_their_machines_and_who_leads() -> None:
    cache = service("service101", "service102", leader="service101")
    lines = text(Fleet(CLUSTER, Registered(services={"store": RegisteredService(), "cache": cache}))).splitlines()
    assert lines[lines.index("*Services*") + 1 :] == [
        ":large_green_circle: *cache*: service101 at 10.5.1.1:6379, service102 at 10.5.1.1:6379, led by service101, "
        "installed by redis",
        ":white_circle: *store*: no instance serves",
    ]
    lost = Registered(services={"cache": service("service102", leader="service101")})
    assert ":white_circle: *cache*: service102" in text(Fleet(CLUSTER, lost))
    assert "*Services*" not in text(Fleet(CLUSTER, Registered()))


def test_what_is_under_way_and_what_is_held(make_operation: MakeOperation) -> None:
    ended = make_operation(status="done", id="0ld0", ended=NOW)
    held = Hold(id="app-shop", reason="the database moves", person="operator", since=NOW, until=NOW + 60)
    past = held.model_copy(update={"id": "freeze", "until": NOW - 1})
    shown = text(Fleet(CLUSTER, Registered(), [make_operation(), ended], holds=[held, past]))
    assert "*Scale worker to 2* `7f3a`: running, 0 of 2 steps done" in shown
    assert "0ld0" not in shown
    assert "*app shop is locked* until" in shown
    assert "by operator: the database moves" in shown
    assert "freeze" not in shown


def test_certificates_by_the_days_that_are_left() -> None:
    records = [certificate("b.flstr.lab", 60.5), certificate("a.flstr.lab", 3.5), certificate("c.flstr.lab", -1)]
    registered = Registered(certificates={record.name: record for record in records})
    lines = text(Fleet(CLUSTER, registered)).splitlines()
    assert lines[lines.index("*Certificates*") + 1 :] == [
        ":x: *c.flstr.lab*: has ended",
        ":warning: *a.flstr.lab*: 3 days left",
        ":large_green_circle: *b.flstr.lab*: 60 days left",
    ]


def test_what_waits_for_me_has_buttons(asking: Operation, make_approval: Callable[..., Approval]) -> None:
    blocks = home_blocks(Fleet(CLUSTER, Registered(), [asking]), [make_approval()], NOW)
    buttons = [(e["action_id"], e.get("value")) for b in blocks if b["type"] == "actions" for e in b["elements"]]
    assert buttons == [("modal.open", None), ("approval.approve", "appr-1"), ("approval.deny", "appr-1")]
    assert "Scale worker to 2" in str(blocks)


@pytest.mark.parametrize("count", [0, 1, 500])
def test_it_is_never_larger_than_slack_takes(count: int, make_operation: MakeOperation) -> None:
    name = "x" * 30
    apps = {("backend", f"a{number}"): RegisteredApp() for number in range(count)}
    nodes = {f"worker{number}": node(f"worker{number}") for number in range(101, 101 + count)}
    operations = [make_operation(id=f"op{number}") for number in range(count)]
    certificates = {f"{name}{number}.flstr.lab": certificate("a.flstr.lab", number) for number in range(count)}
    services = {f"s{number}": service(*nodes) for number in range(count)}
    registered = Registered(apps=apps, nodes=nodes, certificates=certificates, services=services)
    mine = [Approval(id=f"a{n}", operation="7f3a", digest="0", needed=1, asked=0, expires=NOW) for n in range(count)]
    blocks = home_blocks(Fleet(CLUSTER, registered, operations), mine, NOW)
    assert accepted(list(blocks), HOME)
    assert len(blocks) <= 100


def test_a_cluster_without_a_revision_says_so() -> None:
    assert "nothing to show" in str(no_home())
