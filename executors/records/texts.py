"""TXT values as the cloud writes them. Pure."""

_LONGEST_STRING = 255


def quoted(text: str) -> str:
    """`"text"`, in several strings where it is long. Raises `ValueError` for what is not printable ASCII."""
    if not text or not (text.isascii() and text.isprintable()):
        raise ValueError("a TXT value is printable ASCII, and not empty")
    strings = (text[start : start + _LONGEST_STRING] for start in range(0, len(text), _LONGEST_STRING))
    return " ".join('"' + string.replace("\\", "\\\\").replace('"', '\\"') + '"' for string in strings)


def comment_of(cluster: str) -> str:
    """The mark of a value: a set of TXT records may hold others' as well, so its labels say nothing."""
    return f"flstr {cluster}"
