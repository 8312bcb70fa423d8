"""`flstr` as a person runs it, without a process for each time."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import structlog

from cli.main import status
from cli.settings import Settings, variable_of
from cli.stopping import SIGNALS
from tests.cli.shell import Done, Flstr


@pytest.fixture
def flstr(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Flstr:
    """`flstr("deploy", "influencer@v2", FLSTR_EMAIL=…)`, told nothing by the environment of the tests."""

    def run(*words: str, **environment: str) -> Done:
        with monkeypatch.context() as patch:
            for name in Settings.model_fields:
                patch.delenv(variable_of(name), raising=False)
            for name, value in {"FLSTR_STATE": "/nowhere", **environment}.items():
                patch.setenv(name, value)
            patch.setattr("sys.argv", ["flstr", *words])
            with own_signals():
                ended = status()
        # `serve` sets the log up for its process; here it would write where nobody reads any more.
        structlog.reset_defaults()
        printed = capsys.readouterr()
        return Done(ended, printed.out, printed.err)

    return run


@contextmanager
def own_signals() -> Iterator[None]:
    """What `serve` listens to for its process, it hears no more afterwards: it would end the tests."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        yield
    finally:
        signal.set_wakeup_fd(-1)
        for number, handler in before.items():
            signal.signal(number, handler)
