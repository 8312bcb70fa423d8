"""The figures as tables."""

from rich.table import Table

from bench.figures import Figure, Group

PERCENTILES_FROM = 50  # runs; with fewer, the 99th percentile is the maximum


def table(group: Group) -> Table:
    """One group, a figure a row."""
    shown = Table(title=group.title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    shown.add_column("")
    for heading in ("runs", "min", "median", "p99", "max", "/ floor"):
        shown.add_column(heading, justify="right", no_wrap=True)
    shown.add_column("")
    for figure in group.figures:
        shown.add_row(*row(figure, group), style=None if figure.kind == "flstr" else "dim")
    return shown


def row(figure: Figure, group: Group) -> tuple[str, ...]:
    """The cells of a figure."""
    name = figure.name if figure.kind == "flstr" else f"{figure.kind}: {figure.name}"
    many = len(figure.seconds) >= PERCENTILES_FROM
    times = group.times_floor(figure)
    return (
        name,
        str(len(figure.seconds)),
        duration(min(figure.seconds)),
        duration(figure.median),
        duration(figure.percentile(0.99)) if many else "",
        duration(max(figure.seconds)),
        "" if times is None else f"{times:.1f}",
        figure.note,
    )


def duration(seconds: float) -> str:
    """`12.3 ms`, `1.23 s`, `45 s`."""
    if seconds < 1:
        milliseconds = seconds * 1000
        return f"{milliseconds:.2f} ms" if milliseconds < 10 else f"{milliseconds:.1f} ms"
    return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.1f} s"
