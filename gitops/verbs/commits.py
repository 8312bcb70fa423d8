"""Commits to the cluster repo under the name of whoever asked. The worker sees them like any other."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gitops.lint import check
from gitops.manifests import Manifests
from gitops.repository import Author, ClusterRepo, Edit
from gitops.verbs.desk import Request
from model.errors import Refused


@dataclass(frozen=True)
class Commits:
    """What verbs change in the cluster repo; `wake` has the worker look."""

    repo: ClusterRepo
    wake: Callable[[], None]

    def newest(self) -> Manifests:
        """What the newest revision says. Raises `Refused` where it is faulty."""
        self.repo.fetch()
        return check(self.repo.files(self.repo.branch))

    def make(self, request: Request, write: Edit, subject: str) -> str | None:
        """The revision that has what `write` changes, or None where it changes nothing.

        Raises `Refused` where the manifests would be faulty. The same request twice makes one commit.
        """

        def checked(files: Mapping[str, str]) -> Mapping[str, str | None]:
            changed = write(files)
            check({path: text for path, text in {**files, **changed}.items() if text is not None})
            return changed

        # A controller that was killed between the push and its answer leaves the intent to the next one.
        asked = f"Asked-id: {request.intent.id}"
        self.repo.fetch()
        if done := self.repo.saying(asked):
            return done
        asker = request.intent.asker
        place = f"slack #{asker.channel_name}" if asker.place == "slack" else "shell"
        words = " ".join(request.intent.words.split())[:200]
        trailers = f"Asked-by: {request.person}\nAsked-in: {place}\nAsked-as: {words}\n{asked}\n"
        revision = self.repo.commit(
            checked, f"{subject}\n\n{trailers}", Author(request.author or request.person, request.email)
        )
        self.wake()
        return revision


def text_of(files: Mapping[str, str], path: str) -> str:
    """A manifest's text. Raises `Refused` where it is gone."""
    if path not in files:
        raise Refused(f"{path} was removed by somebody just now.")
    return files[path]
