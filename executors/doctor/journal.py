"""tincd's journal, by the table of what its lines mean. Pure.

tinc 1.0 does not close a connection whose handshake it refuses: the end that refuses says why, and the other one hears
nothing and times out.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from model.names import NodeName


class Sign(Enum):
    """What a line means for the machine that wrote it (`node`) and the one it is about (`about`)."""

    NO_KEY = "node has no public key of about"
    NO_HOST_FILE = "node has no host file of about"
    NO_ADDRESS = "node knows no address of about"
    KEY_DIFFERS = "about encrypts for another key than node's"
    WRONG_MACHINE = "another machine answers at about's address"
    VERSION = "about speaks another version of the protocol"
    CLONE = "another machine has node's name"
    SUBNET = "about has a subnet that node does not let it have"
    STRANGER = "node has a host file of about, which is not in the mesh or not for node"
    ADDRESS = "node has another address of about than is registered"
    PORT = "node has another port of about than the mesh's"
    REFUSED = "nothing listens at about's address and port"
    UNSTABLE = "the connection with about breaks"
    UNHEARD = "about does not answer the handshake at all"
    UNFINISHED = "about answers the handshake and does not end it"
    SILENT = "about does not end the handshake"


# Those that only say that the other end knows more.
VAGUE = frozenset({Sign.UNHEARD, Sign.UNFINISHED, Sign.SILENT})
# Those that end without a line that says so: what was said long ago is over.
PASSING = frozenset({Sign.VERSION, Sign.CLONE, Sign.REFUSED, Sign.UNSTABLE})
FLAPS = 3


@dataclass(frozen=True)
class Symptom:
    """A line that matters still; `detail` is what it names besides, such as the machine that answered instead."""

    node: NodeName
    sign: Sign
    about: NodeName = ""
    detail: str = ""


@dataclass(frozen=True)
class Row:
    """A pattern with the groups `about` and `detail`, where the line names them."""

    pattern: re.Pattern[str]
    sign: Sign


def _row(pattern: str, sign: Sign) -> Row:
    about, detail, at = r"(?P<about>[A-Za-z0-9_]+)", r"(?P<detail>[^ ]+)", r"\([^)]*\)"
    return Row(re.compile(pattern.format(about=about, detail=detail, at=at)), sign)


TABLE: tuple[Row, ...] = (
    _row(r"No public key for {about} specified!", Sign.NO_KEY),
    _row(r"Peer .* had unknown identity \({about}\)", Sign.NO_HOST_FILE),
    _row(r"Cannot open config file .*/hosts/{about}: ", Sign.NO_HOST_FILE),
    _row(r"No address specified for {about}$", Sign.NO_ADDRESS),
    _row(r"Possible intruder {about} {at}: ", Sign.KEY_DIFFERS),
    _row(r"Bogus data received from {about} {at}", Sign.KEY_DIFFERS),
    _row(r"Error while decrypting metadata from {about} {at}", Sign.KEY_DIFFERS),
    _row(r"Peer .* is {detail} instead of {about}$", Sign.WRONG_MACHINE),
    _row(r"Peer {about} {at} uses incompatible version {detail}", Sign.VERSION),
    _row(r"Possible node with same Name as us!", Sign.CLONE),
    _row(r"Ignoring unauthorized ADD_SUBNET from {about} {at}: {detail}", Sign.SUBNET),
    _row(r"(?:Error while connecting to )?{about} {at}: Connection refused", Sign.REFUSED),
    _row(r"Metadata socket (?:read|write) error for {about} {at}", Sign.UNSTABLE),
    _row(r"Timeout from {about} {at} during authentication", Sign.SILENT),
)
_ACTIVATED = re.compile(r"Connection with (?P<about>[A-Za-z0-9_]+) \([^)]*\) activated")
_REREAD = re.compile(r"Got HUP signal")
_TRYING = re.compile(r"Trying to connect to (?P<about>[A-Za-z0-9_]+) \(")
_CONNECTED = re.compile(r"Connected to (?P<about>[A-Za-z0-9_]+) \(")
_SENT_ID = re.compile(r"Sending ID to (?P<about>[A-Za-z0-9_]+) \(")
_GOT_ID = re.compile(r"Got ID from (?P<about>[A-Za-z0-9_]+) \(")


def symptoms(node: NodeName, lines: Iterable[str]) -> tuple[Symptom, ...]:
    """What a machine's lines, oldest first, say is wrong still, each once.

    What was said of another one before a connection with it was activated is over.
    """
    found: dict[Symptom, None] = {}
    heard: dict[NodeName, Sign] = {}
    for line in lines:
        found = {symptom: None for symptom in found if not _is_over(symptom, line)}
        _follow_handshake(line, heard)
        symptom = _symptom(node, line, heard)
        if symptom is not None:
            found[symptom] = None
    return tuple(found)


def flapping(node: NodeName, lines: Iterable[str]) -> tuple[Symptom, ...]:
    """Connections that broke again and again, whether they are there now or not."""
    breaks = Counter(symptom for line in lines if (symptom := _symptom(node, line, {})) is not None)
    return tuple(symptom for symptom, times in breaks.items() if symptom.sign is Sign.UNSTABLE and times >= FLAPS)


# What a line shows to be over, of the machine that it is about, or of all.
_OVER: tuple[tuple[re.Pattern[str], frozenset[Sign]], ...] = (
    (_ACTIVATED, frozenset(Sign)),
    (_CONNECTED, frozenset({Sign.REFUSED})),
    (_TRYING, frozenset({Sign.NO_ADDRESS, Sign.NO_HOST_FILE})),
    (_REREAD, frozenset({Sign.SUBNET})),
)


def _is_over(symptom: Symptom, line: str) -> bool:
    for pattern, signs in _OVER:
        match = pattern.match(line)
        if match is not None and match.groupdict().get("about") in (None, symptom.about) and symptom.sign in signs:
            return True
    return False


def _symptom(node: NodeName, line: str, heard: dict[NodeName, Sign]) -> Symptom | None:
    for row in TABLE:
        match = row.pattern.match(line)
        if match is not None:
            named = {"about": "", "detail": ""} | match.groupdict()
            sign = heard.get(named["about"], row.sign) if row.sign is Sign.SILENT else row.sign
            detail = named["detail"].partition("#")[0]
            return Symptom(node, sign, named["about"], detail)
    return None


def _follow_handshake(line: str, heard: dict[NodeName, Sign]) -> None:
    """How far a handshake came is seen only where tincd was told to log its protocol, as with `-d5`."""
    if (match := _CONNECTED.match(line)) is not None:
        heard.pop(match["about"], None)
    elif (match := _SENT_ID.match(line)) is not None:
        heard.setdefault(match["about"], Sign.UNHEARD)
    elif (match := _GOT_ID.match(line)) is not None:
        heard[match["about"]] = Sign.UNFINISHED
