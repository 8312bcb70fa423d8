"""The daily rounds, on a real etcd and by a clock of their own: once a day, whoever leads, and never for nothing."""

import pytest

from gitops.desired import ingress_keys, ingress_records
from gitops.operations import Operations
from gitops.registry import Registry
from gitops.rounds import Round, Rounds, of_certificates, of_hosts
from gitops.store import Fence, Store
from model import keys
from model.attachment import Reply
from model.errors import Fenced, Unreadable
from model.operation import Notice, Origin
from model.steps import Plan
from tests.gitops.scene import HOST, app_yaml, manifests, secured

DAY = 86400.0
GREEN = ":large_green_circle: all well"


class Day:
    """A controller that makes rounds, and what its checks are answered."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.now = 1_000_000.0
        self.operations = Operations(store)
        self.asked: list[str] = []
        self.padlock: str | Exception = GREEN
        self.rounds = self.controller()

    def controller(self, store: Store | None = None) -> Rounds:
        """Another one that looks at the same etcd."""
        rounds = {
            "padlock": Round(self._padlock, "The daily padlock round", of_hosts),
            "crtsh": Round(self._crtsh, "The daily crt.sh round", of_certificates),
        }
        return Rounds(Registry(store or self.store), self.operations, rounds, lambda: self.now)

    def publish(self, text: str) -> None:
        """Have an app's public addresses registered."""
        self.store.write(ingress_keys(ingress_records(manifests(app_text=text).apps.values())))

    def said(self) -> list[str]:
        """What the channel hears, oldest first."""
        notices = [Notice.model_validate_json(text) for text in self.store.prefix(keys.NOTICES).values()]
        return [one.text for one in sorted(notices, key=lambda one: one.at)]

    def _padlock(self, arguments: tuple[str, ...], registry: Registry) -> str:
        assert arguments == ()
        self.asked.append("padlock")
        if isinstance(self.padlock, Exception):
            raise self.padlock
        return self.padlock

    def _crtsh(self, arguments: tuple[str, ...], registry: Registry) -> Reply:
        assert arguments == ()
        self.asked.append("crtsh")
        return Reply(":large_green_circle: nothing that we did not ask for")


@pytest.fixture
def day(store: Store) -> Day:
    return Day(store)


@pytest.fixture
def public(day: Day) -> Day:
    """With a host that is served by https."""
    day.publish(secured(app_yaml()))
    return day


def test_where_nothing_is_public_there_is_nothing_to_check(day: Day) -> None:
    day.rounds.look()
    assert (day.asked, day.said()) == ([], [])


def test_without_https_only_padlock_has_something_to_look_at(day: Day) -> None:
    day.publish(app_yaml())
    day.rounds.look()
    assert day.asked == ["padlock"]


def test_each_is_said_in_one_line_where_all_is_well(public: Day) -> None:
    public.rounds.look()
    assert public.said() == [GREEN, ":large_green_circle: nothing that we did not ask for"]


def test_what_is_found_comes_under_a_title(public: Day) -> None:
    public.padlock = ":red_circle: one\n:red_circle: two"
    public.rounds.look()
    assert public.said()[0] == "*The daily padlock round*\n:red_circle: one\n:red_circle: two"


def test_once_a_day(public: Day) -> None:
    for _ in range(3):
        public.rounds.look()
    public.now += DAY - 1
    public.rounds.look()
    assert public.asked == ["padlock", "crtsh"]
    public.now += 1
    public.rounds.look()
    assert public.asked == ["padlock", "crtsh"] * 2
    assert len(public.said()) == 4


def test_another_controller_does_not_repeat_it(public: Day) -> None:
    public.rounds.look()
    public.controller().look()
    assert public.asked == ["padlock", "crtsh"]


def test_one_that_was_overtaken_says_nothing(public: Day) -> None:
    public.store.put(keys.LEADER, "another one")
    with pytest.raises(Fenced):
        public.controller(public.store.fenced(Fence(keys.LEADER, 1))).look()
    assert public.said() == []
    assert public.store.prefix(keys.ROUNDS) == {}


@pytest.mark.parametrize("fault", [Unreadable("crt.sh does not answer"), ValueError("a fault of ours")])
def test_one_that_cannot_be_made_is_made_at_the_next_look_and_holds_up_no_other(public: Day, fault: Exception) -> None:
    public.padlock = fault
    public.rounds.look()
    assert public.asked == ["padlock", "crtsh"]
    assert len(public.said()) == 1
    public.padlock = GREEN
    public.now += 600
    public.rounds.look()
    assert public.asked == ["padlock", "crtsh", "padlock"]
    assert len(public.said()) == 2


def test_what_is_being_changed_is_looked_at_afterwards(public: Day) -> None:
    operation = public.operations.create(Plan(title="deploy", locks=("app-influencer",)), "r", Origin())
    public.rounds.look()
    assert public.asked == []
    public.operations.end(operation, "done", "done")
    public.store.put(keys.due(HOST), "it has none yet")
    public.rounds.look()
    assert public.asked == []
    public.store.delete(keys.due(HOST))
    public.rounds.look()
    assert public.asked == ["padlock", "crtsh"]
