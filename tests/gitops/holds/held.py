"""What tests of holds look at, and the holds that they begin with."""

from model import keys
from model.operation import Hold, Notice
from tests.gitops.flstr import Flstr, assemble
from tests.gitops.scene import CLUSTER_YAML, app_yaml

FROZEN = Hold(id="freeze", reason="holidays", person="operator", since=1.0, until=1800.0)
LOCKED = Hold(
    id="app-influencer", reason="the database moves", person="operator", since=1.0, until=1800.0, revision="r"
)
POOL = LOCKED.model_copy(update={"id": "pool-worker"})
SUSPENDED = Hold(id="suspend", reason="hands off", person="operator", since=1.0)
FOURTH = CLUSTER_YAML.replace("    count: 2\n    first: 101", "    count: 4\n    first: 101")


def commits(flstr: Flstr) -> set[str]:
    return {item.commit for item in flstr.registry.read().apps["backend", "influencer"].instances.values()}


def workers(flstr: Flstr) -> list[str]:
    return sorted(name for name in flstr.registry.read().nodes if name.startswith("worker"))


def texts(flstr: Flstr) -> list[str]:
    found = [Notice.model_validate_json(value) for value in flstr.store.prefix(keys.NOTICES).values()]
    return [notice.text for notice in sorted(found, key=lambda notice: (notice.at, notice.id))]


def second(flstr: Flstr) -> dict[str, str | None]:
    """The app's manifest at its second commit."""
    return {"apps/influencer.yaml": app_yaml(flstr.app[0].url, flstr.app[2])}


def restarted(flstr: Flstr, *, at: str) -> Flstr:
    """Another flstr on the same etcd, as after a crash."""
    folder = flstr.cluster.work.parent / at
    folder.mkdir()
    after = assemble(flstr.store, flstr.cluster, flstr.app, folder)
    after.now[0] = flstr.now[0]
    return after
