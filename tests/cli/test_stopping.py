"""A process ends in order where it can, and in any case, whatever its threads wait for."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
BEGIN = """
import os, signal, sys, threading
from cli.stopping import leave, stopped_by_signals

def wait_for_ever():
    threading.Event().wait()

def ready():
    print("ready", flush=True)
"""


@contextmanager
def process(text: str) -> Iterator[subprocess.Popen[str]]:
    """A Python that has said that it is ready."""
    command = [sys.executable, "-c", BEGIN + text]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout is not None
            assert running.stdout.readline() == "ready\n"
            yield running
        finally:
            running.kill()


def test_a_signal_is_heard_whatever_the_main_thread_holds() -> None:
    """A handler would wait for ever for the lock that its own thread holds."""
    text = """
stopping = stopped_by_signals()
with stopping._cond:
    os.kill(os.getpid(), signal.SIGTERM)
    for _ in range(1000):
        pass
stopping.wait()
ready()
leave(3)
"""
    with process(text) as running:
        assert running.wait(60) == 3


def test_other_signals_are_none_to_stop_at() -> None:
    text = """
signal.signal(signal.SIGUSR1, lambda *_: print("heard", flush=True))
stopping = stopped_by_signals()
ready()
stopping.wait()
leave(3)
"""
    with process(text) as running:
        running.send_signal(signal.SIGUSR1)
        assert running.stdout is not None
        assert running.stdout.readline() == "heard\n"
        assert running.poll() is None
        running.send_signal(signal.SIGINT)
        assert running.wait(60) == 3


def test_an_end_that_comes_to_none_is_cut_short_and_says_where_it_stood() -> None:
    text = """
stopping = stopped_by_signals(seconds=0.2)

def come_to_none():
    ready()
    stopping.wait()
    wait_for_ever()

come_to_none()
"""
    with process(text) as running:
        running.send_signal(signal.SIGTERM)
        _, said = running.communicate(timeout=60)
    assert running.returncode == 1
    assert "in come_to_none" in said


def test_threads_that_are_left_hold_up_no_end() -> None:
    text = """
threading.Thread(target=wait_for_ever).start()
ready()
print("the last words", end="")
leave(3)
"""
    with process(text) as running:
        assert running.wait(60) == 3
        assert running.stdout is not None
        assert running.stdout.read() == "the last words"
