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
        return check(self.files())

    def files(self) -> dict[str, str]:
        """The files of the newest revision that was fetched."""
        return self.repo.files(self.repo.branch)

    def made(self, request: Request) -> str | None:
        """The revision that was made of a request, where one was."""
        return self.repo.saying(_asked(request))

    def repo_of(self, name: str) -> str:
        """Where the commits of an app come from. Raises `Refused` where there is no such app."""
        app = self.newest().app_named(name)
        if app is None:
            raise Refused(f"There is no app called {name}.")
        return app.repo

    def make(self, request: Request, write: Edit, subject: str) -> str | None:
        """The revision that has what `write` changes, or None where it changes nothing.

        Raises `Refused` where the manifests would be faulty. The same request twice makes one commit.
        """

        def checked(files: Mapping[str, str]) -> Mapping[str, str | None]:
            changed = write(files)
            check({path: text for path, text in {**files, **changed}.items() if text is not None})
            return changed

        self.repo.fetch()
        if done := self.made(request):
            return done
        words = " ".join(request.intent.words.split())[:200]
        trailers = f"Asked-by: {request.person}\nAsked-in: {request.place}\nAsked-as: {words}\n{_asked(request)}\n"
        author = Author(request.author or request.person, request.email)
        revision = self.repo.commit(checked, f"{subject}\n\n{trailers}", author)
        self.wake()
        return revision


def _asked(request: Request) -> str:
    return f"Asked-id: {request.intent.id}"


def text_of(files: Mapping[str, str], path: str) -> str:
    """A manifest's text. Raises `Refused` where it is gone."""
    if path not in files:
        raise Refused(f"{path} was removed by somebody just now.")
    return files[path]
