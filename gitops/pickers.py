"""What people pick from, out of etcd: the apps and pools there are, and the newest commits of an app."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import structlog
from pydantic import ValidationError

from gitops.app_repos import AppRepos
from gitops.etcd_following import Following
from gitops.registered_tree import KINDS
from gitops.registry import Registry
from gitops.store import Store
from model import keys
from model.commits import RecentCommits
from model.errors import Refused

log = structlog.get_logger()

MOST = 50
AT_ONCE = 2
# Commits that were read less long ago are new enough for whoever picks one.
FRESH_SECONDS = 20.0
LOOK_SECONDS = 0.05


def app_names(store: Store) -> tuple[str, ...]:
    """The apps that are registered."""
    found = store.prefixes([f"{kind}/" for kind in KINDS])
    return tuple(sorted({key.split("/")[1] for key in found}))


def pool_names(registry: Registry) -> tuple[str, ...]:
    """The pools of the last accepted manifest."""
    return tuple(sorted(registry.cluster().pools))


def commits_of(store: Store, app: str, within: float, clock: Callable[[], float] = time.time) -> RecentCommits | None:
    """An app's newest commits, as of now where the leader brings them within so many seconds; else as they are kept."""
    known = _read(store, app)
    if known is not None and clock() - known.at < FRESH_SECONDS:
        return known
    store.put(keys.wanted_commits(app), str(clock()))
    until = time.monotonic() + within
    while time.monotonic() < until:
        newer = _read(store, app)
        if newer is not None and newer != known:
            return newer
        time.sleep(LOOK_SECONDS)
    return known


def _read(store: Store, app: str) -> RecentCommits | None:
    text = store.get(keys.commits(app))
    try:
        return None if text is None else RecentCommits.model_validate_json(text)
    except ValidationError:
        return None


class Pickers:
    """On the leader: brings the commits that somebody wants to pick from."""

    def __init__(
        self,
        store: Store,
        app_repos: AppRepos,
        repo_of: Callable[[str], str],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._app_repos = app_repos
        self._repo_of = repo_of
        self._clock = clock
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="recent commits")
        self._lock = threading.Lock()
        self._under_way: set[str] = set()
        self._following: Following | None = None

    def start(self) -> None:
        """Bring what is wanted, from now on."""
        self._following = self._store.follow(keys.WANTED_COMMITS, self._wanted)

    def stop(self) -> None:
        """Bring nothing more."""
        if self._following is not None:
            self._following.stop()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _wanted(self, key: str, value: str | None) -> None:
        app = key.removeprefix(keys.WANTED_COMMITS)
        known = _read(self._store, app)
        if value is None or (known is not None and self._clock() - known.at < FRESH_SECONDS):
            return
        with self._lock:
            if app in self._under_way:
                return
            self._under_way.add(app)
        self._pool.submit(self._bring, app, known)

    def _bring(self, app: str, known: RecentCommits | None) -> None:
        kept = known.commits if known is not None else ()
        try:
            commits, trouble = self._app_repos.recent(self._repo_of(app), MOST), ""
        except Refused as refused:
            commits, trouble = kept, refused.sentence
            log.warning("the commits of an app cannot be read", app=app, reason=trouble)
        except Exception:
            log.exception("the commits of an app cannot be read", app=app)
            commits, trouble = kept, "flstr itself failed at it; its log says more"
        finally:
            with self._lock:
                self._under_way.discard(app)
        record = RecentCommits(app=app, commits=commits, at=self._clock(), trouble=trouble)
        try:
            self._store.put(keys.commits(app), record.to_json())
        except Refused as refused:
            log.warning("the commits of an app cannot be kept", app=app, reason=refused.sentence)
