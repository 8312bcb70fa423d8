"""Each sign in words, with what to do about it. Pure."""

from dataclasses import dataclass

from executors.doctor.findings import Finding
from executors.doctor.journal import VAGUE, Sign, Symptom
from executors.findings import Level
from model.names import MeshName, NodeName


@dataclass(frozen=True)
class Phrase:
    """`mends` says which end's files are to be written again; without one, `mend` is for a person."""

    text: str
    mend: str = ""
    mends: tuple[str, ...] = ()
    level: Level = "error"
    restart: bool = False


_AGAIN = "`doctor {0} --fix` writes its host file again"
_HANDSHAKE = "{about} does not end the handshake with {node} in {mesh}"

PHRASES: dict[Sign, Phrase] = {
    Sign.NO_KEY: Phrase("{node} has no public key of {about} in {mesh}", mends=("node",)),
    Sign.NO_HOST_FILE: Phrase("{node} has no host file of {about} in {mesh}", mends=("node",)),
    Sign.STRANGER: Phrase(
        "{node} has a host file of {about} in {mesh}, which it should not",
        "`doctor {node} --fix` takes it away",
        ("node",),
    ),
    Sign.NO_ADDRESS: Phrase("{node} has no address of {about} in {mesh}", mends=("node",)),
    Sign.KEY_DIFFERS: Phrase("{about} has a public key of {node} in {mesh} that is not {node}'s", mends=("about",)),
    Sign.ADDRESS: Phrase("{node} has another address of {about} in {mesh} than is registered{detail}", mends=("node",)),
    Sign.PORT: Phrase("{node} has port {detail} of {about} in {mesh}, which is not the mesh's", mends=("node",)),
    Sign.WRONG_MACHINE: Phrase(
        "{detail} answers {node} at the address of {about} in {mesh}",
        "see which machine has that address now, such as a floating one",
    ),
    Sign.VERSION: Phrase(
        "{about} speaks version {detail} of tinc's protocol to {node} in {mesh}, which {node} does not",
        "have the same tinc on both",
    ),
    Sign.CLONE: Phrase(
        "another machine calls itself {node} in {mesh}",
        "find the copy of {node} and stop its tincd; a copied machine is to be rented anew",
    ),
    Sign.SUBNET: Phrase(
        "{node} does not let {about} have {detail} in {mesh}",
        "`doctor {node} --fix` writes the host files of both again",
        ("node", "about"),
        restart=True,
    ),
    Sign.REFUSED: Phrase(
        "nothing listens for {node} at {about}'s address in {mesh}",
        "`doctor {about} --fix` starts its daemon again",
        ("about",),
    ),
    Sign.UNSTABLE: Phrase(
        "the connection of {node} with {about} in {mesh} breaks",
        "see whether {about} is overloaded, or its network loses packets",
        level="warning",
    ),
    Sign.UNHEARD: Phrase(
        _HANDSHAKE + ": the fault is on the other side, {about}",
        "`doctor {about} --fix` writes its host file of {node} again",
        ("about",),
    ),
    Sign.UNFINISHED: Phrase(
        _HANDSHAKE + ": a key of one is stale on the other",
        "`doctor {node} --fix` writes the host files of both again",
        ("node", "about"),
    ),
    Sign.SILENT: Phrase(
        _HANDSHAKE + ": the fault is on the other side, {about}",
        "`doctor {about} --fix` writes its host file of {node} again",
        ("about",),
    ),
}


def told(symptom: Symptom, mesh: MeshName) -> Finding:
    """A symptom as a finding on the machine that is at fault."""
    phrase = PHRASES[symptom.sign]
    ends = {"node": symptom.node, "about": symptom.about}
    words = {**ends, "mesh": mesh, "detail": symptom.detail}
    mends: frozenset[NodeName] = frozenset(ends[end] for end in phrase.mends)
    at_fault = ends[phrase.mends[0]] if phrase.mends else symptom.node
    other = symptom.about if at_fault == symptom.node else symptom.node
    mend = phrase.mend.format(**words) or _AGAIN.format(at_fault)
    tend = (f"restart-tinc@{mesh}",) if phrase.restart else ()
    return Finding(phrase.level, at_fault, phrase.text.format(**words), mend, other, mesh, mends, tend, _fault(symptom))


def _fault(symptom: Symptom) -> str:
    """Of a handshake that does not end either machine may tell, and how far it came differs from time to time."""
    if symptom.sign in VAGUE:
        return "handshake"
    # A machine may be refused one subnet and let have another one; what else is named only describes the fault.
    detail = symptom.detail if symptom.sign is Sign.SUBNET else ""
    return f"{symptom.sign.name} {symptom.node} {detail}"
