"""Whether a new revision of the cluster repo may be followed: read, checked, and nothing destroyed by a mistake."""

from dataclasses import dataclass

from gitops.app_repos import AppRepos
from gitops.hands import Hands, hands
from gitops.lint import check
from gitops.lint_units import undecryptable
from gitops.manifests import CLUSTER_FILE, FaultyManifests, Manifests, app_path, service_path
from gitops.repository import ClusterRepo, Revision
from gitops.secrets import Decrypt
from gitops.standing import check_standing
from model.cluster import Cluster
from model.errors import Refused, Unreadable
from model.operation import Origin
from model.registered import Registered
from model.steps import Losses


@dataclass(frozen=True)
class Revisions:
    """Reads revisions of the cluster repo; `decrypt` opens the apps' secrets."""

    repo: ClusterRepo
    app_repos: AppRepos
    decrypt: Decrypt

    def accept(
        self, head: str, last: str, accepted_rewrite: bool, known: Manifests | None, registered: Registered
    ) -> Manifests:
        """The manifests of `head`, after `last`, which said what is `known`, was followed.

        Raises `Refused` with what is wrong, and `Unreadable` where that cannot be said now.
        """
        self.repo.fetch()
        if last and not accepted_rewrite and not self.repo.follows(head, last):
            raise Refused(
                f"the history of {self.repo.branch} was rewritten: {head[:8]} does not come after {last[:8]}; "
                f"look at it, then say `/flstr sync {head[:8]}` to follow it"
            )
        files = self.repo.files(head)
        manifests = check(files)
        check_standing(files, manifests, registered, None if known is None else known.cluster)
        if unreadable := [*undecryptable(files, manifests, self.decrypt)]:
            raise FaultyManifests(unreadable)
        self._commits_exist(manifests, known)
        return manifests

    def manifests(self, revision: str) -> Manifests:
        """The manifests of a revision, checked. Raises `Refused`."""
        return check(self.repo.files(revision))

    def origin(self, revision: str, cluster: Cluster) -> Origin:
        """Who is behind a revision: its author, and where they asked if flstr wrote the commit for them."""
        return origin(self.repo.revision(revision), cluster)

    def hands(self, revision: str, since: str, losses: Losses, cluster: Cluster) -> Hands:
        """Everybody who had a hand in losing this since a revision; where that cannot be told, in the newest one."""
        if losses == Losses(orphans=losses.orphans):
            # No revision says anything of them.
            return Hands()
        of_cluster = losses.nodes or losses.floating_ips or losses.cluster
        services = (*losses.services, *(one.partition(" ")[0] for one in losses.restored))
        paths = [*([CLUSTER_FILE] if of_cluster else []), *map(app_path, losses.apps), *map(service_path, services)]
        try:
            changes = self.repo.changes(revision, since, paths) if since else ()
        except Unreadable:
            changes = ()
        return hands(changes or (self.repo.change(revision),), cluster)

    def _commits_exist(self, manifests: Manifests, known: Manifests | None) -> None:
        before = {app.app: app.commit for app in known.apps.values()} if known else {}
        for app in manifests.apps.values():
            if before.get(app.app) != app.commit:
                try:
                    self.app_repos.resolve(app.repo, app.commit)
                except Unreadable as error:
                    raise Unreadable(f"apps/{app.app}.yaml: {error.sentence}") from error
                except Refused as error:
                    raise Refused(f"apps/{app.app}.yaml: {error.sentence}") from error


def origin(revision: Revision, cluster: Cluster) -> Origin:
    """Who is behind a revision, from its author and trailers."""
    person = cluster.person_by_email(revision.author.email)
    return Origin(
        person=person[0] if person else None,
        display=person[0] if person else revision.author.name,
        place=revision.trailers.get("Asked-in", "git"),
        words=revision.trailers.get("Asked-as", revision.subject),
    )
