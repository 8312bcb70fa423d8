"""Which flstr runs."""

from pathlib import Path

_FILE = Path(__file__).parents[1] / "VERSION"


def running_version() -> str:
    """The digest of the archive that it was installed from, or nothing for a checkout."""
    return _FILE.read_text().strip() if _FILE.is_file() else ""
