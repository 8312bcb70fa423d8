"""A suspended flstr begins nothing, not even by itself."""

from model import keys
from model.operation import Operation
from tests.gitops.flstr import THREE_WORKERS, Flstr
from tests.gitops.holds.held import commits, restarted, second, texts
from tests.gitops.scene import CLUSTER_YAML


def test_a_suspended_flstr_begins_nothing_but_moves_floating_ips(flstr: Flstr) -> None:
    floating = "floating_ips:\n  public: {pool: ingress}\n"
    two = CLUSTER_YAML.replace("    count: 1\n    first: 16", "    count: 2\n    first: 16") + floating
    flstr.cluster.push({"cluster.yaml": two})
    flstr.settle()
    holder = flstr.registry.read().floating_ips["public"].node
    offered = flstr.answered("suspend somebody works on the machines")
    assert "Nothing is done yet;" in offered.answer
    assert offered.instead == "suspend somebody works on the machines --yes"
    assert flstr.store.prefix(keys.HOLDS) == {}
    flstr.ask(offered.instead)
    flstr.store.put(keys.dead("worker101"), "1")
    flstr.cluster.push(second(flstr), "Deploy the second")
    before = len(flstr.operations.all())
    flstr.settle()
    assert len(flstr.operations.all()) == before
    flstr.store.put(keys.unreachable(holder or ""), "1")
    flstr.settle()
    assert [one.status for one in flstr.operations.all()[before:]] == ["done"]
    assert flstr.registry.read().floating_ips["public"].node not in (None, holder)
    (notice,) = [text for text in texts(flstr) if "suspended" in text]
    assert "but that floating IPs move" in notice
    assert "• waits: Deploy the second" in notice
    assert flstr.ask("resume") == "flstr goes on."
    flstr.settle()
    assert commits(flstr) == {flstr.app[2]}


def test_what_runs_goes_to_its_end_when_suspended_also_after_a_crash(flstr: Flstr) -> None:
    flstr.settle()
    flstr.cluster.push({"cluster.yaml": THREE_WORKERS})
    asked: list[str] = []
    flstr.pretend.before = lambda _: asked.append(flstr.ask("suspend hands off --yes"))
    while not flstr.worker.dispatch.running:
        flstr.look()
    flstr.worker.dispatch.wait(10)
    flstr.settle()
    assert flstr.operations.all()[-1].status == "done"
    flstr.pretend.before = lambda _: None
    # As a controller leaves it that is killed in the middle; and one that has not begun.
    last = flstr.operations.all()[-1]
    killed = last.model_copy(update={"status": "running", "ended": None, "created": last.created + 1})
    queued = Operation(**{**dict(killed), "id": "queued", "status": "queued", "created": last.created + 2})
    flstr.operations.save(killed)
    flstr.operations.save(queued)
    after = restarted(flstr, at="again")
    after.settle()
    assert [one.status for one in after.operations.all()[-2:]] == ["done", "queued"]


def test_the_doctor_mends_nothing_while_suspended(flstr: Flstr) -> None:
    flstr.settle()
    flstr.ask("suspend hands off --yes")
    assert flstr.ask("doctor --fix") == (
        "flstr is suspended by operator (hands off); it mends nothing until somebody says `resume`."
    )
