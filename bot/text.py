"""Text as Slack wants it: escaped, cut to a limit, split without loss."""

from model.mrkdwn import FENCE, MORE, escape


def clip(text: str, limit: int) -> str:
    """At most `limit` characters; what was cut off is marked."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + MORE


def split(text: str, limit: int) -> list[str]:
    """Parts of at most `limit` characters, cut between lines where lines are short enough.

    A code block that goes on in the next part is closed and opened again.
    """
    room = limit - 2 * (len(FENCE) + 1)
    parts: list[str] = []
    lines: list[str] = []
    reopened: list[str] = []
    fenced = False
    for line in _short_lines(text, room):
        closes = fenced and line == FENCE
        if lines != reopened and not closes and len("\n".join([*lines, line])) > room:
            parts.append("\n".join([*lines, FENCE] if fenced else lines))
            reopened = [FENCE] if fenced else []
            lines = list(reopened)
        lines.append(line)
        fenced ^= line.count(FENCE) % 2 == 1
    return [*parts, "\n".join(lines)]


def _short_lines(text: str, room: int) -> list[str]:
    lines: list[str] = []
    for line in text.split("\n"):
        pieces = [line[start : start + room] for start in range(0, len(line), room)]
        lines.extend(pieces or [""])
    return lines


def fit(text: str, limit: int) -> str:
    """Escaped text of at most `limit` characters."""
    keep = limit
    while len(safe := escape(clip(text, keep))) > limit:
        keep -= max(1, (len(safe) - limit) // 5)
    return safe


def duration(seconds: float) -> str:
    """`0.4 s`, `41 s`, `1 min 5 s`, `2 h 3 min`."""
    if seconds < 10:
        return f"{max(seconds, 0.0):.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
