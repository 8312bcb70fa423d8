"""A machine's host files of a mesh against what is registered. Pure."""

from collections.abc import Iterator

from executors.doctor.facts import HostFile, MeshFacts
from executors.doctor.journal import Sign, Symptom
from executors.mesh_files import Place
from executors.mesh_keys import fingerprint
from model.registered import MeshMember


def wrong_files(place: Place, facts: MeshFacts) -> Iterator[Symptom]:
    """Where the files, its own among them, are not what flstr writes. Said as the journal would say it."""
    for member in (place.me, *place.peers):
        file = facts.hosts.get(member.node)
        if file is None:
            yield Symptom(place.me.node, Sign.NO_HOST_FILE, member.node)
        else:
            yield from _wrong_file(place, member, file)
    known = {place.me.node, *(peer.node for peer in place.peers)}
    yield from (Symptom(place.me.node, Sign.STRANGER, node) for node in sorted(facts.hosts.keys() - known))


def _wrong_file(place: Place, member: MeshMember, file: HostFile) -> Iterator[Symptom]:
    me = place.me.node
    if not file.key:
        yield Symptom(me, Sign.NO_KEY, member.node)
    elif file.key != fingerprint(member):
        yield Symptom(member.node, Sign.KEY_DIFFERS, me)
    if not file.address:
        yield Symptom(me, Sign.NO_ADDRESS, member.node)
    elif file.address != member.endpoint:
        yield Symptom(me, Sign.ADDRESS, member.node)
    if file.port != str(place.mesh.port):
        yield Symptom(me, Sign.PORT, member.node, file.port or "655")
    for subnet in sorted(written(place.subnets(member)) - written(file.subnets)):
        yield Symptom(me, Sign.SUBNET, member.node, subnet)


def written(subnets: tuple[str, ...] | frozenset[str]) -> frozenset[str]:
    """As tinc logs them: a single address has no length."""
    return frozenset(subnet.removesuffix("/32") for subnet in subnets)
