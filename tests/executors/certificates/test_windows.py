"""How often the authority is asked when it wants certificates renewed, by a clock of its own."""

from datetime import UTC, datetime, timedelta

import pytest

from executors.certificates.windows import Windows
from gitops.certificates import KeySafe, put_issued, read_certificate
from gitops.registry import Registry
from gitops.renewal import attempt_due
from gitops.store import Fence, Store
from model import keys
from model.errors import Fenced
from tests.executors.certificates.offices import NAME, NONE_LEFT, Start, scripted_office
from tests.executors.certificates.scripted_acme import Reply, ScriptedAcme
from tests.executors.certificates.test_ari import issued

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
TOLD = {"suggestedWindow": {"start": "2027-01-02T04:00:00Z", "end": "2027-01-03T04:00:00Z"}}


class Watch:
    """Looks by a clock of its own."""

    def __init__(self, store: Store, safe: KeySafe, acme: ScriptedAcme) -> None:
        self.now = datetime.now(UTC)
        self.store, self._safe, self._acme = store, safe, acme
        self.windows = self.controller(store)

    def controller(self, store: Store) -> Windows:
        office = scripted_office(self._acme, store, self._safe)
        return Windows(Registry(store), lambda _: office, lambda: self.now)

    def asked(self, later: timedelta = timedelta(0)) -> int:
        """How often the authority was asked once it was looked again."""
        self.now += later
        self.windows.look()
        return len(self._acme.windows_asked)


def test_it_is_asked_when_it_wants_to_be_asked(start: Start, store: Store, safe: KeySafe) -> None:
    acme = start(NONE_LEFT, windows=[Reply(body=TOLD, headers={"Retry-After": "21600"})])
    put_issued(store, NAME, issued(acme.directory))
    watch = Watch(store, safe, acme)
    assert watch.asked() == 1
    record = read_certificate(store, NAME)
    assert record is not None
    assert datetime(2027, 1, 2, 4, tzinfo=UTC) <= attempt_due(record) <= datetime(2027, 1, 3, 4, tzinfo=UTC)
    assert watch.asked(10 * MINUTE) == 1
    assert watch.asked(6 * HOUR) == 2


def test_what_it_said_is_known_to_another_controller(start: Start, store: Store, safe: KeySafe) -> None:
    acme = start(NONE_LEFT, windows=[Reply(body=TOLD, headers={"Retry-After": "21600"})])
    put_issued(store, NAME, issued(acme.directory))
    Watch(store, safe, acme).windows.look()
    assert Watch(store, safe, acme).asked() == 1


def test_one_that_knows_no_windows_is_asked_no_more_often_and_costs_no_write(
    start: Start, store: Store, safe: KeySafe
) -> None:
    acme = start(NONE_LEFT, windows=[Reply(404, {"type": "about:blank"})])
    put_issued(store, NAME, issued(acme.directory))
    watch = Watch(store, safe, acme)
    before = store._prefix("")[1]
    assert watch.asked() == 1
    assert watch.asked(10 * MINUTE) == 1
    assert watch.asked(6 * HOUR) == 2
    assert store._prefix("")[1] == before


def test_of_what_another_authority_issued_it_is_not_asked(start: Start, store: Store, safe: KeySafe) -> None:
    acme = start(NONE_LEFT, windows=[Reply(body=TOLD)])
    put_issued(store, NAME, issued("https://elsewhere.example/directory"))
    assert Watch(store, safe, acme).asked() == 0


def test_without_certificates_nobody_is_asked(start: Start, store: Store, safe: KeySafe) -> None:
    assert Watch(store, safe, start(NONE_LEFT, windows=[Reply(body=TOLD)])).asked() == 0


def test_a_controller_that_was_overtaken_notes_nothing(start: Start, store: Store, safe: KeySafe) -> None:
    acme = start(NONE_LEFT, windows=[Reply(body=TOLD)])
    put_issued(store, NAME, issued(acme.directory))
    store.put(keys.LEADER, "another one")
    with pytest.raises(Fenced):
        Watch(store, safe, acme).controller(store.fenced(Fence(keys.LEADER, 1))).look()
    record = read_certificate(store, NAME)
    assert record is not None
    assert record.issued is not None
    assert record.issued.window is None
