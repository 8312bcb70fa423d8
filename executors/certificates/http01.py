"""HTTP-01: a file that every ingress answers under `/.well-known/acme-challenge/`, while its apps serve on."""

import http.client
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from executors.certificates.proofs import ChallengeKind, Proof
from executors.nginx_files import ACME_FOLDER, ACME_PATH
from executors.remote import Remote
from executors.templates import render
from gitops.executor import HostFence
from model.app import HTTP_PORT
from model.errors import StepFailed
from model.names import NodeName

SCRIPT_SECONDS = 30.0
FETCH_SECONDS = 4.0
PAUSE_SECONDS = 0.5


def put_script(proofs: Sequence[Proof], folder: str = ACME_FOLDER) -> str:
    """The script that writes the files on one ingress."""
    return render("certificates/put-challenges.sh.j2", proofs=proofs, folder=_challenge_folder(folder))


def drop_script(proofs: Sequence[Proof], folder: str = ACME_FOLDER) -> str:
    """The script that removes them."""
    return render("certificates/drop-challenges.sh.j2", proofs=proofs, folder=_challenge_folder(folder))


@dataclass(frozen=True)
class Http01Solver:
    """A `Solver`. `ingresses` are all that DNS may lead the authority to, with their public addresses."""

    remote: Remote
    fence: HostFence
    ingresses: Mapping[NodeName, str]
    port: int = HTTP_PORT
    folder: str = ACME_FOLDER
    pause: Callable[[float], None] = time.sleep

    @property
    def kind(self) -> ChallengeKind:
        """Which challenges it answers."""
        return "http-01"

    def put(self, proofs: Sequence[Proof]) -> None:
        """Write the files on every ingress."""
        if not self.ingresses:
            raise StepFailed("no ingress is registered that could answer the authority; add one to cluster.yaml")
        self._run_all(put_script(proofs, self.folder))

    def await_seen(self, proofs: Sequence[Proof], within: float) -> None:
        """Ask every ingress by its own address until it answers as it should."""
        deadline = time.monotonic() + within
        for node, address in self.ingresses.items():
            for proof in proofs:
                while (answer := _fetch(address, self.port, proof)) != proof.content:
                    if time.monotonic() >= deadline:
                        raise StepFailed(_unseen(node, proof, answer))
                    self.pause(PAUSE_SECONDS)

    def take_away(self, proofs: Sequence[Proof]) -> None:
        """Remove the files from every ingress."""
        self._run_all(drop_script(proofs, self.folder))

    def _run_all(self, script: str) -> None:
        scripts = dict.fromkeys(self.ingresses, script)
        answers = self.remote.run_all(scripts, self.fence, SCRIPT_SECONDS)
        failed = [answer for answer in answers.values() if isinstance(answer, StepFailed)]
        if failed:
            raise StepFailed("; ".join(error.sentence for error in failed), failed[0].output)


def _challenge_folder(folder: str) -> str:
    return f"{folder}{ACME_PATH}".rstrip("/")


def _fetch(address: str, port: int, proof: Proof) -> str:
    """What the ingress answers, or why it does not."""
    connection = http.client.HTTPConnection(address, port, timeout=FETCH_SECONDS)
    try:
        connection.request("GET", f"{ACME_PATH}{proof.token}", headers={"Host": proof.host, "Connection": "close"})
        answer = connection.getresponse()
        content = answer.read(1000).decode(errors="replace")
        return content.rstrip() if answer.status == 200 else f"status {answer.status}"
    except (OSError, http.client.HTTPException) as error:
        return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
    finally:
        connection.close()


def _unseen(node: NodeName, proof: Proof, answer: str) -> str:
    said = answer if len(answer) <= 60 and answer.isprintable() else "something else"
    return (
        f"{node} does not answer the authority's question for {proof.host} ({said}); see that nginx serves "
        f"{ACME_PATH} there on port 80"
    )
