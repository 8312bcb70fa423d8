"""What machines print becomes what etcd holds of them: all of it, or what is left out is named."""

import base64
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executors.adopting.adopted import Adopted
from executors.adopting.facts import parse as parse_facts
from executors.adopting.records import Terms, adopt
from executors.adopting.survey import Survey
from gitops.certificates import key_safe
from gitops.plan import plan
from gitops.registered_tree import parse
from model import keys
from model.errors import StepFailed
from tests.executors.adopting.printing import NOW, REVISION, Machine, machine, running, survey
from tests.executors.issued import pair_for
from tests.gitops.scene import DIRECTORY, manifests
from tests.identity import IDENTITIES

FOUND = running()
TERMS = Terms(key_safe(IDENTITIES), DIRECTORY, NOW, REVISION)


def adopted(seen: Survey) -> Adopted:
    return adopt(manifests(), seen, TERMS)


def printed(node: str) -> Machine:
    return machine(node, manifests().cluster, parse(FOUND))


def without(node: str, start: str) -> Machine:
    """A machine that does not say some lines."""
    return Machine([line for line in printed(node).lines if not line.startswith(start.replace(" ", "\t"))])


def instead(node: str, old: str, new: str) -> Machine:
    """A machine that says something else."""
    before = printed(node).lines
    after = [line.replace(old, new) for line in before]
    assert before != after
    return Machine(after)


def titles(done: Adopted) -> list[str]:
    both = plan(manifests(), parse(done.puts))
    assert not both.removal.steps
    return [change.title for change in both.changes]


def test_of_a_cluster_that_runs_everything_is_known_again_and_nothing_is_left_to_do() -> None:
    done = adopted(survey(FOUND))
    assert done.puts == FOUND
    assert done.left_out == []
    assert titles(done) == []


@pytest.mark.parametrize(
    ("node", "path", "lost", "title"),
    [
        (
            "worker101",
            "file /etc/tinc/vpn_ingr/hosts/ingress016",
            keys.meshed("worker101"),
            "bring the meshes up to date",
        ),
        ("worker102", "active wg-quick", keys.overlaid("worker102"), "bring the overlay up to date"),
        ("ingress016", "active nginx", keys.routed("ingress016"), "bring the routing up to date"),
        ("controller001", "active firewalld", keys.walled("controller001"), "bring the firewall up to date"),
    ],
)
def test_what_is_not_as_it_would_be_written_is_left_to_the_plan(node: str, path: str, lost: str, title: str) -> None:
    about, what = path.split()
    lines = [line for line in printed(node).lines if not (line.startswith(about) and what in line)]
    assert len(lines) < len(printed(node).lines)
    done = adopted(survey(FOUND, {node: Machine(lines)}))
    assert FOUND.keys() - done.puts.keys() == {lost}
    assert titles(done) == [title]


def test_of_a_machine_that_was_in_the_middle_of_something_no_note_is_made() -> None:
    busy = printed("worker101")
    busy.say("pending", "haproxy")
    gone = FOUND.keys() - adopted(survey(FOUND, {"worker101": busy})).puts.keys()
    assert gone == {of("worker101") for of in (keys.meshed, keys.overlaid, keys.routed, keys.walled)}


def test_an_instance_that_does_not_run_serves_nobody_and_keeps_its_port() -> None:
    stopped = instead("worker101", "service\tyes", "service\tno")
    done = adopted(survey(FOUND, {"worker101": stopped}))
    instance = next(key for key in FOUND if "/instance/1-" in key)
    assert instance not in done.puts
    assert keys.port("worker101", 20000) in done.puts
    assert any("does not run" in sentence for sentence in done.left_out)


def test_of_two_that_say_the_same_of_themselves_the_second_is_left_out_and_named() -> None:
    address = parse(FOUND).nodes["worker101"].addresses
    mesh = parse(FOUND).nodes["worker102"].addresses["vpn_ctrl"]
    same = instead("worker102", f"{mesh}/32", f"{address['vpn_ctrl']}/32")
    done = adopted(survey(FOUND, {"worker102": same}))
    assert keys.mesh_member("vpn_ctrl", "worker102") not in done.puts
    assert (
        f"worker102 is left out of mesh vpn_ctrl: worker101 has its address {address['vpn_ctrl']} as well"
        in done.left_out
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("\t-\tyes", "\t-\tno", "its private key is not that of its public one"),
        ("vpn_ctrl\tworker102", "vpn_ctrl\tanother", "its tinc calls itself another"),
        ("10.110.0.", "10.9.0.", "is not in 10.110.0.0/24"),
    ],
)
def test_a_mesh_that_contradicts_itself_is_left_out(old: str, new: str, said: str) -> None:
    done = adopted(survey(FOUND, {"worker102": instead("worker102", old, new)}))
    assert keys.mesh_member("vpn_ctrl", "worker102") not in done.puts
    assert any(said in sentence for sentence in done.left_out)


def test_a_machine_that_no_pool_wants_is_known_as_rented_and_no_more() -> None:
    seen = survey(FOUND)
    other = replace(seen.inventory.servers[-1], node="worker199")
    inventory = replace(seen.inventory, servers=(*seen.inventory.servers, other))
    more = replace(seen, inventory=inventory, host_keys={**seen.host_keys, "worker199": "ssh-ed25519 other"})
    done = adopted(more)
    assert done.puts.keys() - FOUND.keys() == {keys.host("worker199")}
    assert any("worker199 is in no pool" in sentence for sentence in done.left_out)


def test_a_machine_that_is_silent_is_named() -> None:
    seen = survey(FOUND)
    facts = {node: one for node, one in seen.facts.items() if node != "worker102"}
    done = adopted(replace(seen, facts=facts, silent={"worker102": "worker102: no SSH connection"}))
    assert keys.node("worker102") not in done.puts
    assert "worker102: no SSH connection; what runs there is not known" in done.left_out


def test_a_certificate_comes_with_its_key_sealed_and_one_of_another_host_does_not_come() -> None:
    pair, ingress = pair_for("influencer.flstr.lab"), printed("ingress016")
    for name in ("influencer.flstr.lab", "other.flstr.lab"):
        ingress.say("certificate", f"{name}.pem", base64.b64encode(pair.content.encode()).decode())
    done = adopted(survey(FOUND, {"ingress016": ingress}))
    issued = parse(done.puts).certificates["influencer.flstr.lab"].issued
    assert issued is not None
    assert (issued.chain, IDENTITIES.decrypt(issued.sealed_key).decode()) == (pair.chain, pair.key)
    assert parse(done.puts).certified == {"ingress016": {"influencer.flstr.lab": issued.serial}}
    assert any("other.flstr.lab on ingress016 is left out" in sentence for sentence in done.left_out)
    assert pair.key not in "".join([*done.puts.values(), *done.left_out])


def test_whether_the_clusters_etcd_answers_and_who_was_told_of_it() -> None:
    carrier, member = printed("controller001"), printed("worker101")
    assert not survey(FOUND).is_carried
    member.say("active", "flstr-node.service")
    carrier.say("etcd", "answers")
    seen = survey(FOUND, {"controller001": carrier, "worker101": member})
    assert seen.is_carried
    assert [node for node, facts in seen.facts.items() if facts.etcd_answers] == ["controller001"]


def test_who_does_not_come_to_the_end_has_said_nothing() -> None:
    with pytest.raises(StepFailed, match="did not say everything"):
        parse_facts("\n".join(printed("worker101").lines))


def test_what_cannot_be_is_named_and_the_rest_is_taken() -> None:
    odd = printed("worker101")
    odd.say("instance", "flstr-backend-x;rm.service", "yes", "x;rm", "1-ab12cd34", "c" * 40, "10.5.3.0", 20001)
    odd.say("overlay", "no key", "10.5.3.0/32", 1)
    seen = survey(FOUND, {"worker101": odd})
    assert len(seen.facts["worker101"].unclear) == 2
    done = adopted(seen)
    assert done.puts == FOUND
    assert len(done.left_out) == 2


def test_of_a_certificate_that_cannot_be_read_nothing_is_shown() -> None:
    ingress = printed("ingress016")
    ingress.say("certificate", "influencer.flstr.lab.pem", "the private key, and no base64")
    done = adopted(survey(FOUND, {"ingress016": ingress}))
    assert done.left_out == ["ingress016 said what cannot be: certificate influencer.flstr.lab.pem"]


@given(st.lists(st.lists(st.text(st.characters(exclude_characters="\t\n\r"), max_size=20), max_size=8)))
def test_whatever_a_machine_prints_it_is_read_or_named(lines: list[list[str]]) -> None:
    about = ["mesh", "overlay", "instance", "file", "fence", "certificate", "floats", "service", "active", "pending"]
    about += ["serving", "kept"]
    text = "".join("\t".join([about[number % len(about)], *fields]) + "\n" for number, fields in enumerate(lines))
    parse_facts(f"{text}end\n")


def test_the_greatest_token_that_any_machine_has_seen_is_known() -> None:
    later = printed("worker102")
    later.say("fence", "machines", 7 << 40)
    assert survey(FOUND, {"worker102": later}).greatest_token == 7 << 40
