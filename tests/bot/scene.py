"""A whole flstr with pretend machines, and the workspace where people work with it."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from bot.service import Bot
from gitops.audit.pushing import AuditPushing
from gitops.audit.recorder import Recorder
from gitops.etcd_server import EmbeddedEtcd
from gitops.pickers import Pickers
from gitops.store import Store
from gitops.verbs.commits import Commits
from lab.slack.background import BackgroundSlack
from lab.slack.server import SlackApi
from lab.slack.settings import SlackSettings as LabSettings
from tests.bot.room import Room, eventually
from tests.gitops.flstr import Flstr, assemble
from tests.gitops.remote import Remote, git
from tests.gitops.scene import CLUSTER_YAML, app_yaml

PRICE = Decimal("4.51")


@dataclass
class Scene:
    """Everything runs as `flstr serve` has it run; only the machines are pretended."""

    flstr: Flstr
    room: Room
    bot: Bot
    recorder: Recorder
    audit_pushing: AuditPushing
    pickers: Pickers
    ends: list[Callable[[], object]]

    def new_commit(self, subject: str) -> str:
        """Somebody commits to the app's repository; the commit."""
        return self.flstr.app[0].push({"run.sh": subject}, subject)

    def followed(self) -> None:
        """Wait until the newest revision of the cluster repo was looked at."""
        newest = git(self.flstr.cluster.bare, "rev-parse", "main")
        eventually(lambda: self.flstr.worker.state().revision == newest)

    def work(self) -> None:
        """Begin to follow Git, to answer, and to keep the audit."""
        self.recorder.start()
        self.pickers.start()
        self.flstr.desk.start()
        for loop in (self.flstr.worker.run, self.flstr.worker.failover.run):
            threading.Thread(target=loop, daemon=True).start()

    def close(self) -> None:
        """Stop all of it, the bots first."""
        self.room.stop_bots()
        self.flstr.worker.stop()
        self.flstr.desk.stop()
        self.pickers.stop()
        self.recorder.stop()
        for end in reversed(self.ends):
            end()


def open_scene(folder: Path, cluster_yaml: str = CLUSTER_YAML, slack_settings: LabSettings | None = None) -> Scene:
    """A scene with an etcd, Git remotes and a workspace of its own; its bot listens, and nothing works yet.

    The etcd ends with the thread that opened it.
    """
    for part in ("etcd", "cluster", "app", "state"):
        (folder / part).mkdir(parents=True)
    etcd = EmbeddedEtcd(folder / "etcd")
    store = Store([etcd.start()])
    slack = BackgroundSlack(SlackApi(settings=slack_settings))
    slack.__enter__()
    app, cluster = Remote(folder / "app"), Remote(folder / "cluster")
    first = app.push({"run.sh": "one"}, "Serve the first page")
    cluster.push({"cluster.yaml": cluster_yaml, "apps/influencer.yaml": app_yaml(app.url, first)})
    room = Room(store, slack.api)
    bot = room.start_bot(speaks=False)
    flstr = assemble(store, cluster, (app, first, first), folder / "state", time.time, bot.directory)
    flstr.worker.leave.consult(flstr.parts.rights, lambda _, nodes: dict.fromkeys(nodes, PRICE))
    audit_pushing = AuditPushing(store, flstr.audit_branch)
    recorder = Recorder(store, last_in_git=audit_pushing.last)
    pickers = Pickers(store, flstr.parts.app_repos, Commits(flstr.parts.revisions.repo, flstr.worker.wake).repo_of)
    ends: list[Callable[[], object]] = [lambda: slack.__exit__(None, None, None), etcd.stop, store.close]
    return Scene(flstr, room, bot, recorder, audit_pushing, pickers, ends)
