"""etcd holds bytes, of which flstr writes and reads text alone."""

from model.errors import Unreadable


def pair_of(key: bytes, value: bytes) -> tuple[str, str]:
    """A key and what it holds. Raises `Unreadable`."""
    return text_of(key, key), text_of(key, value)


def text_of(key: bytes, held: bytes) -> str:
    """What a key holds. Raises `Unreadable`."""
    try:
        return held.decode()
    except UnicodeDecodeError as error:
        name = key.decode(errors="backslashreplace")
        raise Unreadable(f"etcd: {name} cannot be read (it holds what is no text)") from error
