"""Commits that take a failed release back in the cluster repo, so that Git says what runs."""

from collections.abc import Mapping

import structlog

from gitops import edit
from gitops.lint import check
from gitops.manifests import FaultyManifests, app_path, load_app
from gitops.notices import say
from gitops.releases import Wanted
from gitops.repository import Author, ClusterRepo
from gitops.store import Store
from model.app import App
from model.errors import Refused, Unreadable
from model.mrkdwn import escape
from model.registered import Quarantine

log = structlog.get_logger()

AUTHOR = Author("flstr", "flstr@localhost")
# How far back the release before is looked for.
VERSIONS = 50


class Reverts:
    """Makes a commit for each app whose release failed; where that cannot be made, the channel is told once."""

    def __init__(self, repo: ClusterRepo, store: Store) -> None:
        self._repo = repo
        self._store = store
        self._refused: set[tuple[str, str]] = set()

    def make(self, wanted: Wanted | None, revision: str) -> bool:
        """Take back what of `revision` has failed; says whether there was anything. Raises `Unreadable`."""
        if wanted is None:
            return False
        made = False
        for (kind, name), failed in wanted.reverted.items():
            if (revision, name) in self._refused:
                continue
            app = wanted.manifests.apps[kind, name]
            try:
                made = self._revert(app, failed) or made
            except Unreadable:
                raise
            except Refused as error:
                self._refused.add((revision, name))
                log.warning("no revert commit", app=name, sentence=error.sentence)
                end = f"Git still says otherwise: {escape(error.sentence)}."
                self._say(f"revert-{revision}-{name}", app, failed, end)
        return made

    def _revert(self, before: App, failed: Quarantine) -> bool:
        path, name = app_path(before.app), before.app

        def take_back(files: Mapping[str, str]) -> Mapping[str, str]:
            now = files.get(path)
            # Somebody may have pushed something else meanwhile, which is not ours to change.
            if now is None or load_app(path, now).commit != failed.commit:
                return {}
            taken_back = {path: self._taken_back(path, now, before)}
            check({**files, **taken_back})
            return taken_back

        subject = f"Revert {name} to {before.commit[:12]} ({failed.commit[:12]} failed)"
        reason = " ".join(failed.reason.split())
        revision = self._repo.commit(take_back, f"{subject}\n\n{reason}\n\nOperation: {failed.operation}\n", AUTHOR)
        if revision is None:
            return False
        self._say(f"revert-{revision}", before, failed, f"Git says so since `{revision[:8]}`.")
        return True

    def _taken_back(self, path: str, now: str, before: App) -> str:
        app = load_app(path, now)
        if app.model_copy(update={"commit": before.commit}).runs() == before.runs():
            return edit.set_value(now, ["commit"], f'"{before.commit}"')
        older = self._text_of(path, before)
        was = load_app(path, older)
        if (was.ingress, was.update) != (app.ingress, app.update):
            raise Refused(f"{path} has changed in more than its release since; take that back by hand")
        if was.instances != app.instances:
            older = edit.set_value(older, ["instances"], str(app.instances))
        if was.stopped != app.stopped:
            older = edit.set_value(older, ["stopped"], "true" if app.stopped else "false")
        return older

    def _text_of(self, path: str, before: App) -> str:
        """The newest text of an app's file that says to run what ran before."""
        for revision in self._repo.history(path, VERSIONS):
            text = self._repo.text(revision, path)
            try:
                if text is not None and load_app(path, text).runs() == before.runs():
                    return text
            except FaultyManifests:
                continue
        raise Refused(f"no revision of {path} says what {before.app} ran before; change its commit by hand")

    def _say(self, notice: str, app: App, failed: Quarantine, end: str) -> None:
        bad = f"`{failed.commit[:8]}` failed and is in quarantine ({escape(failed.reason)})"
        again = ""
        if failed.commit != app.commit:
            again = f" `/flstr deploy {app.app}@{failed.commit[:8]} --anyway` tries it once more."
        back = f":leftwards_arrow_with_hook: *{app.app}* is back at `{app.commit[:8]}`"
        say(self._store, notice, f"{back}: {bad}. {end}{again}")
