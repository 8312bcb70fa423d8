"""`flstr` as a person runs it, without a process for each time."""

import pytest
import structlog

from cli.main import status
from cli.settings import Settings, variable_of
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
            ended = status()
        # `serve` sets the log up for its process; here it would write where nobody reads any more.
        structlog.reset_defaults()
        printed = capsys.readouterr()
        return Done(ended, printed.out, printed.err)

    return run
