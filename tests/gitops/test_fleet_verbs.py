"""nodes, apps, services and who: lists of what there is, and of who may do what."""

from model import keys, service_keys
from model.operation import Hold
from model.registered import ServiceInstance
from tests.gitops.flstr import REVIEWER, Flstr
from tests.gitops.scene import CLUSTER_YAML

TEAM = """teams:
  on-call:
    people: [developer]
    groups: [S01ONCALL]
    channels: [night]
    may: [approve, hold]
"""


def test_lists_of_what_there_is(flstr: Flstr) -> None:
    flstr.settle()
    service = ServiceInstance(node="worker101", ip="10.111.0.9", port=6379)
    flstr.store.put(f"{service_keys.SERVICES}redis/instance/1", service.to_json())
    nodes, apps = flstr.ask("nodes", REVIEWER), flstr.ask("apps", REVIEWER)
    assert nodes.startswith("*Nodes*\n• controller001 (controller, 10.77.0.1)")
    assert "• worker101 (worker, 10.77.0.101), 1 instance" in nodes
    assert f"• influencer: `{flstr.app[1][:8]}` on worker101, worker102, public at influencer.flstr.lab:80" in apps
    assert flstr.ask("services") == ("*Services*\n• redis: worker101 at 10.111.0.9:6379, needed by no app")
    waiting = flstr.removal()
    assert waiting.plan.title in flstr.ask("nodes")


def test_who_may_do_what_and_what_is_held(flstr: Flstr) -> None:
    flstr.cluster.push({"cluster.yaml": CLUSTER_YAML + TEAM})
    flstr.settle()
    hold = Hold(id="app-influencer", reason="the <database> moves", person="operator", since=0, until=86400)
    flstr.store.put(keys.hold(hold.id), hold.to_json())
    said = flstr.ask("who", REVIEWER)
    assert "• developer may read, deploy, scale; in on-call" in said
    assert "• team on-call (developer, user group S01ONCALL, channel #night) may approve, hold" in said
    held = "• app-influencer by operator until 1970-01-02 00:00 UTC: the &lt;database&gt; moves"
    assert held in said
    assert flstr.ask("who hold") == "*hold*: operator, team on-call"
    assert held in flstr.ask("who operator")
    assert "Nothing is held." in flstr.ask("who developer")
    assert flstr.ask("who on-call").startswith("• team on-call")
