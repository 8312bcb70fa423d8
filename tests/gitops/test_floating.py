"""Which ingress holds a floating IP, and who answers at one that he does not hold."""

from ipaddress import IPv4Address

from hypothesis import given
from hypothesis import strategies as st

from gitops.bindings import silent
from gitops.floating import Move, moves, settled_addresses, strays
from model.cluster import Cluster
from model.networks import FloatingIp
from model.registered import FloatingRecord, Registered
from tests.gitops.public import FIRST, FLOATING_IP, PUBLIC, SECOND, THIRD, public_tree, public_yaml
from tests.gitops.scene import manifests

CLUSTER = manifests(public_yaml(FLOATING_IP)).cluster
THREE = manifests(public_yaml(FLOATING_IP, ingresses=3)).cluster
INGRESSES = (FIRST, SECOND, THIRD)


def bound_to(*nodes: str, cluster: Cluster = CLUSTER) -> Cluster:
    return cluster.model_copy(update={"floating_ips": {"public": FloatingIp(nodes=nodes)}})


def test_one_that_is_not_rented_yet_goes_to_the_first_that_may_have_it() -> None:
    assert moves(CLUSTER, public_tree(None)) == (Move("public", None, FIRST),)
    assert moves(bound_to(SECOND, FIRST), public_tree(None)) == (Move("public", None, SECOND),)


def test_nobody_takes_one_before_it_was_routed_for_the_first_time() -> None:
    tree = public_tree(None)
    assert moves(CLUSTER, tree.model_copy(update={"routed": {}})) == ()
    assert moves(CLUSTER, Registered()) == ()
    only = {SECOND: tree.routed[SECOND]}
    assert moves(CLUSTER, tree.model_copy(update={"routed": only})) == (Move("public", None, SECOND),)


def test_a_holder_that_answers_keeps_it() -> None:
    assert moves(CLUSTER, public_tree(SECOND)) == ()
    assert moves(CLUSTER, public_tree(SECOND, silent=(FIRST,))) == ()


def test_it_leaves_a_holder_that_is_silent_given_up_or_not_allowed_any_more() -> None:
    move = (Move("public", FIRST, SECOND),)
    assert moves(CLUSTER, public_tree(silent=(FIRST,))) == move
    assert moves(CLUSTER, public_tree(dead={FIRST: 1000.0})) == move
    assert moves(bound_to(SECOND), public_tree()) == move


def test_one_that_was_destroyed_holds_nothing() -> None:
    gone = public_tree().without_nodes([FIRST])
    assert moves(CLUSTER, gone) == (Move("public", FIRST, SECOND),)


def test_where_nobody_answers_it_stays() -> None:
    assert moves(CLUSTER, public_tree(silent=(FIRST, SECOND))) == ()
    assert moves(bound_to(FIRST), public_tree(silent=(FIRST,))) == ()


def test_one_that_the_manifest_lets_go_takes_nothing_and_keeps_what_it_has() -> None:
    smaller = manifests(public_yaml(FLOATING_IP, ingresses=1)).cluster
    assert moves(smaller, public_tree(None)) == (Move("public", None, FIRST),)
    assert moves(smaller, public_tree(SECOND)) == ()
    assert moves(smaller, public_tree(silent=(FIRST,))) == ()
    assert moves(smaller, public_tree(SECOND), going=[SECOND]) == (Move("public", SECOND, FIRST),)


def test_of_those_that_answer_the_one_with_the_fewest_follows() -> None:
    names = ("a", "b", "c", "d")
    cluster = THREE.model_copy(update={"floating_ips": dict.fromkeys(names, FloatingIp())})
    held = {name: FloatingRecord(ip=PUBLIC + number, node=FIRST) for number, name in enumerate(names)}
    tree = public_tree(ingresses=3, floating_ips=held, silent=(FIRST,))
    assert [(move.name, move.to) for move in moves(cluster, tree)] == [
        ("a", SECOND), ("b", THIRD), ("c", SECOND), ("d", THIRD)
    ]  # fmt: skip


def test_those_to_whom_it_was_tried_in_vain_come_last_and_of_them_the_last_one_stays() -> None:
    tree = public_tree(ingresses=4, silent=(FIRST,))
    four = manifests(public_yaml(FLOATING_IP, ingresses=4)).cluster
    targets = [
        [move.to for move in moves(four, tree, tried={"public": tried})]
        for tried in ((), (SECOND,), (SECOND, THIRD), (SECOND, THIRD, "ingress019"), (FIRST, SECOND))
    ]
    assert targets == [[SECOND], [THIRD], ["ingress019"], ["ingress019"], [THIRD]]
    assert moves(four, public_tree(ingresses=4), tried={"public": (FIRST,)}) == ()
    only = public_tree(silent=(FIRST,))
    assert moves(CLUSTER, only, tried={"public": (SECOND, THIRD)}) == (Move("public", FIRST, SECOND),)


@given(
    st.dictionaries(st.sampled_from("abcde"), st.sampled_from((None, *INGRESSES, "ingress099"))),
    st.sets(st.sampled_from(INGRESSES)),
    st.sets(st.sampled_from(INGRESSES)),
    st.sets(st.sampled_from(INGRESSES)),
)
def test_whatever_moves_goes_to_somebody_who_answers_and_stays_there(
    held: dict[str, str | None], unreachable: set[str], dead: set[str], going: set[str]
) -> None:
    cluster = THREE.model_copy(update={"floating_ips": dict.fromkeys("abcde", FloatingIp())})
    records = {name: FloatingRecord(ip=PUBLIC + number, node=held[name]) for number, name in enumerate(sorted(held))}
    tree = public_tree(ingresses=3, floating_ips=records, dead=dict.fromkeys(dead, 1.0), silent=tuple(unreachable))
    found = moves(cluster, tree, going)
    for move in found:
        assert not silent(move.to, tree)
        assert move.to not in going
        assert move.holder is None or silent(move.holder, tree) or move.holder in {*going, "ingress099"}
    after = {move.name: FloatingRecord(ip=PUBLIC, node=move.to) for move in found}
    assert moves(cluster, tree.model_copy(update={"floating_ips": {**records, **after}}), going) == ()


def test_who_answers_at_what_it_does_not_hold_is_a_stray_once_it_is_back() -> None:
    floated = {FIRST: (str(PUBLIC),), SECOND: (str(PUBLIC),)}
    assert strays(public_tree(SECOND, floated=floated, silent=(FIRST,))) == {}
    assert strays(public_tree(SECOND, floated=floated)) == {(FIRST, "public"): False}
    assert strays(public_tree(FIRST, floated={})) == {(FIRST, "public"): True}
    assert strays(public_tree(FIRST, floated={FIRST: (str(PUBLIC), "10.78.0.99")})) == {(FIRST, None): False}


def test_a_machine_is_told_nothing_of_an_address_that_is_on_its_way_to_it() -> None:
    other = IPv4Address("10.78.0.2")
    records = {"public": FloatingRecord(ip=PUBLIC, node=SECOND), "other": FloatingRecord(ip=other, node=FIRST)}
    floated = {FIRST: (str(PUBLIC),), SECOND: (str(PUBLIC), str(other), "10.78.0.99")}
    tree = public_tree(floated=floated, floating_ips=records)
    assert settled_addresses(FIRST, ["public"], tree) == {other}
    assert settled_addresses(FIRST, ["other"], tree) == {PUBLIC, other}
    assert settled_addresses(SECOND, ["public"], tree) == {PUBLIC, other}
    assert settled_addresses(SECOND, ["other"], tree) == {PUBLIC}
