"""The figures as tables."""

from collections.abc import Callable

from rich.table import Table

from bench.figures import Figure, Group

PERCENTILES_FROM = 50  # runs; with fewer, the 99th percentile is the slowest


def table(group: Group) -> Table:
    """One group, a figure a row; columns that would say nothing are left out."""
    shown = Table(title=group.title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    shown.add_column("")
    columns = _columns(group)
    for heading in columns:
        shown.add_column(heading, justify="right", no_wrap=True)
    shown.add_column("")
    for figure in group.figures:
        name = figure.name if figure.kind == "flstr" else f"{figure.kind}: {figure.name}"
        cells = [cell(figure) for cell in columns.values()]
        shown.add_row(name, *cells, figure.note, style=None if figure.kind == "flstr" else "dim")
    return shown


def _columns(group: Group) -> dict[str, Callable[[Figure], str]]:
    most = max(len(figure.seconds) for figure in group.figures)
    if most == 1:
        return {"took": lambda figure: duration(figure.median)}
    columns: dict[str, Callable[[Figure], str]] = {
        "runs": lambda figure: str(len(figure.seconds)),
        "min": lambda figure: duration(min(figure.seconds)),
        "median": lambda figure: duration(figure.median),
    }
    if most >= PERCENTILES_FROM:
        columns["p99"] = lambda figure: duration(figure.percentile(0.99))
    columns["max"] = lambda figure: duration(max(figure.seconds))
    if any(figure.kind == "floor" for figure in group.figures):
        columns["/ floor"] = lambda figure: _ratio(group.times_floor(figure))
    return columns


def _ratio(times: float | None) -> str:
    return "" if times is None else f"{times:.1f}"


def duration(seconds: float) -> str:
    """`1.23 ms`, `45.6 ms`, `1.23 s`, `45.6 s`."""
    if seconds < 1:
        milliseconds = seconds * 1000
        return f"{milliseconds:.2f} ms" if milliseconds < 10 else f"{milliseconds:.1f} ms"
    return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.1f} s"
