"""`flstr restore`: flstr's state made anew, from a backup of etcd or from nothing but Git, the cloud and the hosts.

Where controllers carried the cluster, `flstr bootstrap` goes on from that state.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cli import cluster_repo
from cli.ask import plain
from cli.backups import place_of
from cli.etcd import endpoint_file
from cli.executors import cloud_settings
from cli.own_keys import IDENTITY_FILE, KEY_FILE
from cli.settings import Settings
from cli.tunnel import ACCESS_FOLDER, access_of
from executors.adopting.inventory import take_inventory
from executors.adopting.look import look_at
from executors.adopting.prepare import prepare
from executors.adopting.records import Terms
from executors.adopting.survey import Survey
from gitops import describe
from gitops.audit.branch import AuditBranch
from gitops.audit.restored import go_on_from_git
from gitops.backups.backups import fetch, newest
from gitops.backups.snapshot import opened
from gitops.backups.unpacking import unpack
from gitops.certificates import key_safe
from gitops.control import is_bootstrapped
from gitops.etcd_server import EmbeddedEtcd
from gitops.lint import check
from gitops.manifests import Manifests
from gitops.plan import plan
from gitops.registry import Registry
from gitops.repository import ClusterRepo
from gitops.secrets import Identities, read_identities
from gitops.store import Store
from model.cluster import Cluster
from model.errors import Refused, StepFailed

Say = Callable[[str], None]

ETCD_FOLDER = "etcd"


@dataclass(frozen=True)
class Wish:
    """What is to be restored: a backup by its name, `latest` or a file, or None for what runs; by which manifests, a
    folder or the address of a Git repository; and by which keys, where they are not in the state already. `here` says
    that flstr goes on on this machine, whoever carried the cluster before."""

    backup: str | None
    manifests: str
    identity: Path | None = None
    ssh_key: Path | None = None
    here: bool = False


def restore(settings: Settings, wish: Wish, say: Say) -> bool:
    """Make the state in `settings.state`, so that `flstr serve` goes on from there, or `flstr bootstrap`: whether that
    is to, because controllers carried the cluster. Raises `Refused`, and leaves the state as it was then.

    Nothing is changed on machines or in the cloud.
    """
    settings.require("hcloud_token")
    os.umask(0o077)
    settings.state.mkdir(parents=True, exist_ok=True, mode=0o700)
    _refuse_what_runs(settings)
    _take_key(wish.ssh_key, settings.state / KEY_FILE, "--ssh-key")
    _take_key(wish.identity, settings.state / IDENTITY_FILE, "--identity")
    identities = read_identities(settings.state / IDENTITY_FILE)
    manifests, revision = _manifests(settings, wish.manifests)
    say(f"{wish.manifests} describes {cluster_repo.counted(manifests)}")
    survey = _survey(settings, manifests, say)
    settings = settings.model_copy(update={"cluster_repo": wish.manifests})
    with _new_folder(settings.state) as folder:
        if wish.backup is not None:
            _unpack(settings, wish.backup, manifests, identities, folder, say)
        terms = Terms(key_safe(identities), settings.acme_directory, time.time(), revision)
        made = _prepare(settings, folder, manifests, survey, terms)
        carried = not wish.here and (made.had_members or survey.is_carried or bool(access_of(settings).controllers()))
        _take_the_place(folder, settings.state, say)
    for sentence in (*made.said, *who_may_come_back(survey, manifests.cluster)):
        say(f"! {sentence}")
    if carried:
        say("Restored here. Controllers carried this cluster: they are to carry it again")
    else:
        say(plain(made.plan))
        say(f"Restored. `flstr serve` goes on from {settings.state}, and so does `flstr bootstrap`")
    return carried


@dataclass(frozen=True)
class _Made:
    """What is to be known, the plan that is left, and whether the etcd that is lost was carried by controllers."""

    said: list[str]
    plan: str
    had_members: bool


def _prepare(settings: Settings, folder: Path, manifests: Manifests, survey: Survey, terms: Terms) -> _Made:
    etcd = EmbeddedEtcd(folder)
    store = Store([etcd.start()])
    try:
        had_members = is_bootstrapped(Registry(store).read())
        said = prepare(store, manifests, survey, terms)
        if terms.revision:
            go_on_from_git(store, AuditBranch(settings.cluster_repo, settings.state / "cluster.git"))
        both = plan(manifests, Registry(store).read())
    finally:
        store.close()
        etcd.stop()
    return _Made(said, describe.plans(terms.revision[:8] or "the manifests", both), had_members)


def _refuse_what_runs(settings: Settings) -> None:
    if settings.etcd_endpoints:
        raise Refused("a restore makes an etcd of flstr's own; unset FLSTR_ETCD_ENDPOINTS for it")
    try:
        store = Store([endpoint_file(settings).read_text().strip()])
    except OSError:
        return
    try:
        store.get("flstr")
    except Refused:
        return
    finally:
        store.close()
    raise Refused(f"a flstr serve runs with its state in {settings.state}; stop it first")


def _take_key(given: Path | None, to: Path, option: str) -> None:
    """Have a key in the state, where another one never takes the place of what is there."""
    if given is None:
        if not to.exists():
            raise Refused(f"{to} is not there; put it back, or name a copy of it by {option}")
        return
    try:
        content = given.read_bytes()
    except OSError as error:
        raise Refused(f"{given} cannot be read: {(error.strerror or str(error)).lower()}") from error
    if to.exists():
        if to.read_bytes() != content:
            raise Refused(f"{to} holds another key than {given}; take it away first if it is of no use")
        return
    to.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    unfinished = to.with_suffix(".new")
    unfinished.write_bytes(content)
    unfinished.rename(to)


def _manifests(settings: Settings, named: str) -> tuple[Manifests, str]:
    """What is desired, and by which revision; a folder on disk has none."""
    if named and Path(named).is_dir():
        return check(cluster_repo.read(Path(named))), ""
    repo = ClusterRepo(cluster_repo.address(named), settings.state / "cluster.git", settings.branch)
    head = repo.head()
    repo.fetch()
    return check(repo.files(head)), head


def _survey(settings: Settings, manifests: Manifests, say: Say) -> Survey:
    try:
        inventory = take_inventory(cloud_settings(settings), manifests.cluster.cluster)
    except StepFailed as error:
        raise Refused(error.sentence) from error
    say(f"the cloud has {len(inventory.servers)} servers of cluster {manifests.cluster.cluster}")
    survey = look_at(inventory, settings.state / KEY_FILE, report=say)
    if survey.silent and not survey.facts:
        raise Refused(f"no machine could be looked at: {next(iter(survey.silent.values()))}")
    if (why := why_nothing_is_lost(survey)) is not None:
        raise Refused(why)
    return survey


def why_nothing_is_lost(survey: Survey) -> str | None:
    """Why there is nothing to restore, or None: two that lead by different etcds would both change the cloud. Pure."""
    living = sorted(node for node, facts in survey.facts.items() if facts.etcd_answers)
    if not living:
        return None
    return (
        f"the cluster's etcd answers on {', '.join(living)}, and whoever leads by it goes on; if it is to be replaced "
        "all the same, say `systemctl disable --now flstr flstr-etcd` on every controller first"
    )


def _unpack(
    settings: Settings, wanted: str, manifests: Manifests, identities: Identities, folder: Path, say: Say
) -> None:
    with tempfile.TemporaryDirectory(prefix="restore-", dir=settings.state) as temporary:
        sealed, snapshot = Path(temporary, "sealed"), Path(temporary, "snapshot.db")
        if Path(wanted).is_file():
            sealed = Path(wanted)
            say(f"taking the backup {wanted}")
        elif manifests.cluster.backups is None:
            raise Refused(f"{wanted} is no file, and cluster.yaml does not say where backups are; name a file")
        else:
            place = place_of(settings)(manifests.cluster.backups)
            name = newest(place, manifests.cluster.cluster, wanted)
            say(f"fetching {name} from {manifests.cluster.backups.to}")
            fetch(place, name, sealed)
        opened(sealed, snapshot, identities)
        say("decrypted, and whole; unpacking it")
        unpack(snapshot, folder)


def who_may_come_back(survey: Survey, cluster: Cluster) -> list[str]:
    """What is to be known of controllers that were not looked at: they may lead by the etcd before. Pure."""
    return [
        f"{node} does not answer; if flstr runs there, it would go on once it comes back: give its server back, or say "
        "`systemctl disable --now flstr flstr-etcd` there before anything else"
        for node in sorted(survey.silent)
        if (pool := cluster.nodes().get(node)) is not None and pool.role == "controller"
    ]


@contextmanager
def _new_folder(state: Path) -> Iterator[Path]:
    """Where the new etcd comes to be; what was left there is of no use, and what is left there goes."""
    folder = state / "etcd.new"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _take_the_place(folder: Path, state: Path, say: Say) -> None:
    """The controllers that this machine knew carried the etcd that is lost; whoever bootstraps founds it anew."""
    for name in (ACCESS_FOLDER, ETCD_FOLDER):
        old, at = state / name, time.strftime("%Y%m%dT%H%M%S")
        if old.exists():
            old.rename(kept := old.with_name(f"{name}.before-{at}"))
            say(f"{name} as it was is kept as {kept}")
    folder.rename(state / ETCD_FOLDER)
