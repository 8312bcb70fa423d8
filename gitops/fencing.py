"""Fencing tokens as machines hear them: they grow with each holder, also from one etcd to the next."""

# A create revision grows by one a write: a thousand a second for 34 years.
REVISION_BITS = 40


def host_token(epoch: int, revision: int) -> int:
    """What machines are told of a key that was created at a revision of etcd, in an epoch of that etcd."""
    return epoch << REVISION_BITS | revision


def epoch_of(token: int) -> int:
    """The epoch in which a machine was told a token."""
    return token >> REVISION_BITS


def epoch_from(text: str | None) -> int | None:
    """The epoch as etcd holds it, 0 where nobody ever moved to that etcd; None where it is no number."""
    if text is None:
        return 0
    return int(text) if text.isascii() and text.isdecimal() else None
