"""Each line of tincd that means something: what it means, of whom, and what shows it to be over."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executors.doctor.journal import FLAPS, TABLE, Sign, Symptom, flapping, symptoms
from tests.executors.doctor.ward import log_of

AT = "(198.51.100.1 port 762)"
ACTIVATED = f"Connection with ingress016 {AT} activated"
ROWS = [
    ("No public key for worker101 specified!", Sign.NO_KEY, "worker101", ""),
    ("Peer 198.51.100.1 port 52952 had unknown identity (worker101)", Sign.NO_HOST_FILE, "worker101", ""),
    (
        "Cannot open config file /etc/tinc/vpn_ingr/hosts/ingress016: No such file or directory",
        Sign.NO_HOST_FILE,
        "ingress016",
        "",
    ),
    ("No address specified for ingress016", Sign.NO_ADDRESS, "ingress016", ""),
    (f"Possible intruder worker101 {AT}: wrong keylength", Sign.KEY_DIFFERS, "worker101", ""),
    (f"Possible intruder worker101 {AT}: wrong challenge reply", Sign.KEY_DIFFERS, "worker101", ""),
    (f"Bogus data received from ingress016 {AT}", Sign.KEY_DIFFERS, "ingress016", ""),
    (f"Error while decrypting metadata from ingress016 {AT}", Sign.KEY_DIFFERS, "ingress016", ""),
    ("Peer 198.51.100.1 port 762 is ingress017 instead of ingress016", Sign.WRONG_MACHINE, "ingress016", "ingress017"),
    (f"Peer worker101 {AT} uses incompatible version 18", Sign.VERSION, "worker101", "18"),
    ("Possible node with same Name as us! Sleeping 10 seconds.", Sign.CLONE, "", ""),
    (
        f"Ignoring unauthorized ADD_SUBNET from worker101 {AT}: 10.120.0.3#10",
        Sign.SUBNET,
        "worker101",
        "10.120.0.3",
    ),
    (f"ingress016 {AT}: Connection refused", Sign.REFUSED, "ingress016", ""),
    (f"Error while connecting to ingress016 {AT}: Connection refused", Sign.REFUSED, "ingress016", ""),
    (f"Metadata socket read error for ingress016 {AT}: Connection reset by peer", Sign.UNSTABLE, "ingress016", ""),
    (f"Timeout from ingress016 {AT} during authentication", Sign.SILENT, "ingress016", ""),
]


@pytest.mark.parametrize(("line", "sign", "about", "detail"), ROWS)
def test_a_line_of_the_table(line: str, sign: Sign, about: str, detail: str) -> None:
    assert symptoms("me", [line]) == (Symptom("me", sign, about, detail),)


def test_every_row_of_the_table_has_a_line_here() -> None:
    assert [row for row in TABLE if not any(row.pattern.match(line) for line, *_ in ROWS)] == []


@pytest.mark.parametrize(
    "line",
    [
        "Ready",
        "Error while processing ID from worker101 (198.51.100.1 port 1)",
        "Trying to re-establish outgoing connection in 900 seconds",
        "somebody wrote: No public key for worker101 specified!",
        "Timeout from <unknown> (198.51.100.1 port 1) during authentication",
    ],
)
def test_what_says_nothing_of_its_own_is_left_out(line: str) -> None:
    assert symptoms("me", [line]) == ()


@pytest.mark.parametrize(("line", "about"), [(line, about) for line, _, about, _ in ROWS if about == "ingress016"])
def test_a_connection_that_is_there_ends_what_was_said_before_of_the_other_one(line: str, about: str) -> None:
    assert symptoms("me", [line, ACTIVATED]) == ()
    assert symptoms("me", [line, ACTIVATED.replace(about, "ingress017")]) != ()
    assert symptoms("me", [ACTIVATED, line]) != ()


def test_a_connection_that_is_taken_shows_that_something_listens_again() -> None:
    refused = f"Error while connecting to ingress016 {AT}: Connection refused"
    assert symptoms("me", [refused, f"Connected to ingress016 {AT}"]) == ()


def test_an_attempt_shows_that_there_is_an_address_again_and_says_nothing_of_a_key() -> None:
    trying = f"Trying to connect to ingress016 {AT}"
    assert symptoms("me", ["No address specified for ingress016", trying]) == ()
    assert symptoms("me", ["Cannot open config file /etc/tinc/m/hosts/ingress016: No such file", trying]) == ()
    assert symptoms("me", ["No public key for ingress016 specified!", trying]) != ()


def test_subnets_are_read_anew_with_the_files() -> None:
    ignored = f"Ignoring unauthorized ADD_SUBNET from worker101 {AT}: 10.120.0.3"
    assert symptoms("me", [ignored, "Got HUP signal"]) == ()
    assert symptoms("me", ["No public key for worker101 specified!", "Got HUP signal"]) != ()


def test_what_is_said_again_and_again_is_one_symptom() -> None:
    assert len(symptoms("me", ["No public key for worker101 specified!"] * 3)) == 1


def test_a_timeout_before_the_others_id_is_of_one_that_does_not_answer_at_all() -> None:
    (found,) = symptoms("worker101", [line.text for line in log_of("failing-worker101.log")])
    assert found == Symptom("worker101", Sign.UNHEARD, "ingress016")


def test_a_timeout_after_the_others_id_is_of_a_stale_key() -> None:
    lines = [line.text for line in log_of("successful-ingress016.log")]
    (found,) = symptoms("ingress016", [*lines, "Timeout from etcd001 (192.0.2.1 port 760) during authentication"])
    assert found == Symptom("ingress016", Sign.UNFINISHED, "etcd001")


def test_a_new_attempt_is_followed_from_its_beginning() -> None:
    first = [line.text for line in log_of("successful-ingress016.log")]
    again = [line.replace("Got ID", "Not ID") for line in first]
    timeout = "Timeout from etcd001 (192.0.2.1 port 760) during authentication"
    assert symptoms("ingress016", [*first, *again, timeout]) == (Symptom("ingress016", Sign.UNHEARD, "etcd001"),)


def test_the_end_that_has_no_key_says_so_in_the_notes_log() -> None:
    (found,) = symptoms("ingress016", [line.text for line in log_of("failing-ingress016.log")])
    assert found == Symptom("ingress016", Sign.NO_KEY, "worker101")


@pytest.mark.parametrize("name", ["successful-etcd001.log", "successful-ingress016.log"])
def test_a_handshake_that_succeeds_is_no_symptom(name: str) -> None:
    assert symptoms("me", [line.text for line in log_of(name)]) == ()


def test_a_connection_that_broke_often_is_flapping_even_where_it_is_there_now() -> None:
    broke = f"Metadata socket read error for ingress016 {AT}: Connection reset by peer"
    assert flapping("me", [broke, ACTIVATED] * FLAPS) == (Symptom("me", Sign.UNSTABLE, "ingress016"),)
    assert flapping("me", [broke, ACTIVATED] * (FLAPS - 1)) == ()


PIECES = st.sampled_from([*(line for line, *_ in ROWS), ACTIVATED, "Got HUP signal"])
LINES = st.lists(st.one_of(PIECES, st.text(), st.tuples(PIECES, st.text()).map("".join)))


@given(LINES)
def test_whatever_it_says_it_is_read(lines: list[str]) -> None:
    for symptom in symptoms("me", lines):
        assert symptom.node == "me"
        assert symptom.about != "ingress016" or ACTIVATED not in lines[-1:]
    flapping("me", lines)
