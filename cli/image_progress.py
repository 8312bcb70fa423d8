"""A progress bar for the one long wait of a lab: the building of its host image."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn


@contextmanager
def image_progress(console: Console) -> Iterator[Callable[[float, str], None]]:
    """Shows a bar once something is heard; nothing where the image is there already."""
    columns = (TextColumn("host image"), BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    bar = Progress(*columns, console=console, transient=True)
    task = bar.add_task("", total=1.0)
    started = False

    def heard(share: float, line: str) -> None:
        nonlocal started
        if not started:
            started = True
            bar.start()
        bar.update(task, completed=share, description=line[:60])

    try:
        yield heard
    finally:
        if started:
            bar.stop()
