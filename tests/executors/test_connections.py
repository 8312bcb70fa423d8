"""What is left of an instance's connections: none is counted twice, and none that anybody sees is missed."""

from hypothesis import given
from hypothesis import strategies as st

from executors.connections import Seen, connections_left, left_at_the_limit, machine_names, parse_seen
from tests.executors.example import registered

NAMES = {"10.5.1.0": "ingress016", "10.5.2.0": "worker101", "10.5.3.0": "worker102"}


def test_what_the_script_prints_is_read() -> None:
    printed = "haproxy 2 5\nsocket 10.5.1.0 3\nsocket 192.0.2.7 1\n"
    assert parse_seen(printed) == Seen(2, 5, {"10.5.1.0": 3, "192.0.2.7": 1})
    assert parse_seen("\n") == Seen(0, 0, {})


def test_a_session_and_its_socket_are_one_connection() -> None:
    seen = {"ingress016": Seen(2, 0, {}), "worker101": Seen(1, 0, {"10.5.1.0": 2, "10.5.2.0": 1})}
    assert connections_left(seen, NAMES) == {"ingress016": 2, "worker101": 1}


def test_what_haproxy_only_keeps_open_is_not_waited_for() -> None:
    seen = {"ingress016": Seen(0, 3, {}), "worker101": Seen(0, 0, {"10.5.1.0": 3})}
    assert connections_left(seen, NAMES) == {}


def test_the_sockets_stand_for_a_machine_that_does_not_answer_and_for_strangers() -> None:
    seen = {"worker101": Seen(0, 0, {"10.5.3.0": 2, "198.51.100.7": 1})}
    assert connections_left(seen, NAMES) == {"198.51.100.7": 1, "worker102": 2}


def test_a_request_that_waits_in_haproxy_has_no_socket_and_counts() -> None:
    assert connections_left({"ingress016": Seen(1, 0, {}), "worker101": Seen(0, 0, {})}, NAMES) == {"ingress016": 1}


def test_every_address_of_a_machine_is_its_name() -> None:
    names = machine_names(registered())
    assert (names["10.111.0.16"], names["192.0.2.16"]) == ("ingress016", "ingress016")


def test_the_sentence_says_how_many_and_from_where() -> None:
    assert left_at_the_limit({"ingress016": 1}, 30.0) == (
        "1 connection was left at the limit of 30 s and cut: 1 from ingress016"
    )
    assert left_at_the_limit({"ingress016": 1, "worker101": 2}, 2.5) == (
        "3 connections were left at the limit of 2.5 s and cut: 1 from ingress016, 2 from worker101"
    )


@given(st.dictionaries(st.sampled_from(sorted(NAMES.values())), st.tuples(st.integers(0, 50), st.integers(0, 50))))
def test_whatever_haproxies_hold_is_counted_once(held: dict[str, tuple[int, int]]) -> None:
    addresses = {name: address for address, name in NAMES.items()}
    sockets = {addresses[name]: sessions + idle for name, (sessions, idle) in held.items() if sessions + idle}
    seen = {name: Seen(sessions, idle, {}) for name, (sessions, idle) in held.items()}
    seen["worker101"] = Seen(*held.get("worker101", (0, 0)), sockets)
    left = connections_left(seen, NAMES)
    assert left == {name: sessions for name, (sessions, _) in held.items() if sessions}
