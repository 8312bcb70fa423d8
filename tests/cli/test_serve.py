"""The end of `flstr serve`: in order when it is told to, at once when another controller has taken over."""

import os
import threading

import pytest

from cli import serve
from model.errors import Fenced


def overtaken() -> None:
    raise Fenced("another controller leads")


def test_a_controller_that_is_overtaken_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[int] = []
    monkeypatch.setattr(os, "_exit", ended.append)
    serve._until_fenced(overtaken, threading.Event())()
    assert ended == [serve.LOST]


def test_one_that_was_told_to_stop_ends_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[int] = []
    monkeypatch.setattr(os, "_exit", ended.append)
    stopping = threading.Event()
    stopping.set()
    serve._until_fenced(overtaken, stopping)()
    assert ended == []
