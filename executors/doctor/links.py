"""The two ends of each tunnel together: a cause on one end explains what the other one complains of. Pure."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from executors.doctor.facts import Facts, MeshFacts
from executors.doctor.files import written, wrong_files
from executors.doctor.findings import Finding
from executors.doctor.journal import PASSING, VAGUE, Sign, Symptom, flapping, symptoms
from executors.doctor.phrases import told
from executors.doctor.reach import of_reach, through
from executors.mesh_files import Place
from model.names import MeshName, NodeName

RECENT_SECONDS = 1000.0

# Of what the journals say of one tunnel, the first of these explains the rest.
_RANKS: tuple[frozenset[Sign], ...] = (
    frozenset({Sign.NO_KEY, Sign.NO_HOST_FILE, Sign.NO_ADDRESS}),
    frozenset({Sign.KEY_DIFFERS}),
    frozenset({Sign.WRONG_MACHINE}),
    frozenset({Sign.REFUSED}),
    frozenset({Sign.UNSTABLE}),
    VAGUE,
)
# What is wrong beside a tunnel that may work otherwise.
_APART = frozenset({Sign.SUBNET, Sign.VERSION, Sign.CLONE})


@dataclass(frozen=True)
class Ends:
    """The machines of one mesh: the places they should have, and what was seen there.

    The daemons of those that are `down` do not run; those that are `cut` do not carry everything, for a reason that is
    told of by itself.
    """

    mesh: MeshName
    places: Mapping[NodeName, Place]
    seen: Mapping[NodeName, Facts]
    down: Collection[NodeName]
    cut: Collection[NodeName]


def of_links(ends: Ends) -> Iterator[Finding]:
    """What is wrong with the tunnels of a mesh. One whose end is `down` is explained by that."""
    filed = [symptom for place, facts in _looked_at(ends) for symptom in wrong_files(place, facts)]
    logged = [symptom for place, facts in _looked_at(ends) for symptom in _logged(ends, place, facts)]
    copied = {one.node for one in logged if one.sign is Sign.CLONE}
    logged = [one for one in logged if one.sign is not Sign.UNSTABLE or not copied.intersection({one.node, one.about})]
    pairs = dict.fromkeys(frozenset({one.node, one.about} - {""}) for one in (*filed, *logged))
    for pair in pairs:
        of_files = [one for one in filed if {one.node, one.about} == pair]
        of_logs = [one for one in logged if {one.node, one.about} - {""} == pair]
        for symptom in _causes(of_files, of_logs, bool(pair.intersection(ends.down))):
            yield from _told(symptom, ends)
    yield from of_reach(
        ends.mesh,
        ends.seen,
        lambda pair: pair in pairs or not pair.isdisjoint(ends.cut),
        lambda node, about: _silence(node, about, ends.mesh),
    )


def _looked_at(ends: Ends) -> Iterator[tuple[Place, MeshFacts]]:
    for node, place in ends.places.items():
        if node in ends.seen and ends.mesh in ends.seen[node].meshes:
            yield place, ends.seen[node].meshes[ends.mesh]


def _logged(ends: Ends, place: Place, facts: MeshFacts) -> tuple[Symptom, ...]:
    node = place.me.node
    begin = ends.seen[node].now - RECENT_SECONDS
    recent_lines = [line.text for line in facts.log if line.at >= begin]
    recent = symptoms(node, recent_lines)
    lasting = symptoms(node, (line.text for line in facts.log))
    peers = {peer.node for peer in place.peers}
    # Of one that is gone no line ever says that it is over.
    found = [one for one in lasting if one in recent or (one.sign not in PASSING and one.about in peers)]
    blamed = (_blamed(one, place) for one in (*found, *flapping(node, recent_lines)))
    return tuple(dict.fromkeys(one for one in blamed if one is not None))


def _blamed(symptom: Symptom, place: Place) -> Symptom | None:
    """tincd names who sent a subnet on, which need not be who has it.

    That a machine refuses what none of its files is to have is as it should be: a member hears of the other members
    from its hubs, and a hub of the whole mesh from members, who send that to any hub that is up.
    """
    if symptom.sign is not Sign.SUBNET:
        return symptom
    subnet = symptom.detail.removesuffix("/32")
    owners = [peer.node for peer in place.peers if subnet in written(place.subnets(peer))]
    return replace(symptom, about=owners[0], detail=subnet) if owners else None


def _causes(of_files: list[Symptom], of_logs: list[Symptom], explained: bool) -> list[Symptom]:
    """What is to be told of one tunnel; `explained` where a daemon at one of its ends does not run."""
    apart = [one for one in of_logs if one.sign in _APART and one not in of_files]
    if of_files:
        other = next((one.detail for one in of_logs if one.sign is Sign.WRONG_MACHINE), "")
        return [*(_with_answering(one, other) for one in of_files), *apart]
    for rank in _RANKS:
        first = [one for one in of_logs if one.sign in rank]
        if first and rank is VAGUE:
            # Both ends may wait for each other; it is one fault.
            first = first[:1]
        if first:
            return [*apart, *(one for one in first if not explained or rank is _RANKS[0])]
    return apart


def _with_answering(symptom: Symptom, other: NodeName) -> Symptom:
    if symptom.sign is Sign.ADDRESS and other:
        return replace(symptom, detail=f"; {other} answers there")
    return symptom


def _told(symptom: Symptom, ends: Ends) -> Iterable[Finding]:
    peers = ends.places[symptom.node].peers if symptom.node in ends.places else ()
    if symptom.sign is Sign.STRANGER or symptom.about in {"", symptom.node, *(peer.node for peer in peers)}:
        yield told(symptom, ends.mesh)
    elif symptom.sign is Sign.NO_HOST_FILE:
        text = f"{symptom.about}, which is not in {ends.mesh}, connects to {symptom.node}"
        yield Finding("warning", symptom.node, text, f"stop its tincd on {symptom.about}", symptom.about, ends.mesh)


def _silence(node: NodeName, about: NodeName, mesh: MeshName) -> Finding:
    text, mend = f"{about} does not answer {node} {through(mesh)}", f"`doctor {node} --fix` connects them anew"
    return Finding("error", node, text, mend, about, mesh, frozenset({node, about}), fault="silence")
