"""What a look at an unchanged cluster repo costs."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from bench import servers
from bench.counting import CountingClient, git_calls
from bench.figures import Figure, Group, in_turn
from gitops.app_repos import AppRepos
from gitops.locks import Locks
from gitops.operations import Operations
from gitops.registry import Registry
from gitops.repository import ClusterRepo
from gitops.revisions import Revisions
from gitops.runner import Runner
from gitops.secrets import read_identities
from gitops.store import Store
from gitops.worker import Worker
from model.operation import Origin
from tests.gitops.pretend import Pretend
from tests.gitops.remote import Remote
from tests.gitops.scene import CLUSTER_YAML, app_yaml

RUNS = 15
PAST = (1, 500)


def measure(folder: Path) -> Iterator[Group]:
    """Wall time, CPU time and calls of a poll, with few and with many operations in etcd, over `git ls-remote`."""
    app, cluster = (_remote(folder / name) for name in ("app", "cluster"))
    commit = app.push({"run.sh": "one", "build.sh": ""})
    cluster.push({"cluster.yaml": CLUSTER_YAML, "apps/influencer.yaml": app_yaml(app.url, commit)})

    def ls_remote() -> None:
        subprocess.run(["git", "ls-remote", cluster.url, "refs/heads/main"], check=True, capture_output=True)

    figures = []
    with servers.etcd(folder) as endpoint:
        for past in PAST:
            client = CountingClient(endpoint)
            worker = _settled(Store([endpoint], client=client), cluster, folder, past)
            looking, floor = in_turn([worker.look, ls_remote], RUNS)
            figures.append(Figure(f"{past} past operations", looking, note=_cost(worker, client)))
            worker.stop()
    yield Group("a poll of an unchanged cluster repo", (*figures, Figure("git ls-remote", floor, "floor")))


def _remote(folder: Path) -> Remote:
    folder.mkdir()
    return Remote(folder)


def _settled(store: Store, cluster: Remote, folder: Path, past: int) -> Worker:
    registry, operations = Registry(store), Operations(store)
    repo, app_repos = ClusterRepo(cluster.url, folder / "cluster.git"), AppRepos(folder / "apps")
    revisions = Revisions(repo, app_repos, read_identities(folder / "identity").decrypt)
    runner = Runner(operations, registry, Pretend().executors(), token=1)
    worker = Worker(revisions, registry, operations, runner, Locks(store))
    while worker.look() or worker.dispatch.running:
        worker.dispatch.wait(10)
    first = operations.all()[0]
    for _ in range(past - len(operations.all())):
        operations.end(operations.create(first.plan, first.revision, Origin()), "done", "done in 1 s")
    while worker.look():
        pass
    return worker


def _cost(worker: Worker, client: CountingClient) -> str:
    client.calls.clear()
    began = time.process_time()
    with git_calls() as called:
        worker.look()
    spent = (time.process_time() - began) * 1000
    calls = client.calls
    return f"{spent:.1f} ms CPU; etcd {calls['reads']} reads, {calls['writes']} writes; git {' '.join(called)}"
