"""The end of a restore on controllers: what they still do is shown, until they have nothing left to do."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field

from rich.console import Console

from cli.ask import plain
from cli.bootstrap import bootstrap
from cli.bootstrap_source import read_source
from cli.operation_display import News
from cli.settings import Settings
from cli.tunnel import through_a_controller
from gitops import describe
from gitops.manifests import Manifests
from gitops.operations import Operations
from gitops.plan import Plans, plan
from gitops.registry import Registry
from gitops.store import Store
from model.errors import Refused, Unreadable
from model.operation import Operation

LOOK_SECONDS = 0.5
# They look at Git every few seconds; whoever begins nothing for so long waits for a person.
IDLE_SECONDS = 60.0


@dataclass(frozen=True)
class Rest:
    """What the controllers are to do by the manifests, and what of it they do at the moment."""

    plans: Plans
    under_way: bool
    failed: str = ""

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to wait for; what destroys waits for leave, and not for this."""
        return not self.under_way and (bool(self.failed) or not self.plans.changes)


def rest_of(plans: Plans, operations: list[Operation]) -> Rest:
    """How far they are, from the operations that they have begun. Pure."""
    under_way = any(one.is_under_way() for one in operations)
    failed = next((one.sentence for one in reversed(operations) if one.status == "failed"), "")
    return Rest(plans, under_way, failed)


@dataclass
class _Watch:
    console: Console
    since: float
    news: dict[str, News] = field(default_factory=lambda: defaultdict(News))

    def look(self, store: Store, manifests: Manifests) -> Rest:
        operations = [one for one in Operations(store).all() if one.created >= self.since]
        for operation in operations:
            for line in self.news[operation.id].lines(operation, time.time()):
                self.console.print(line, markup=False)
        return rest_of(plan(manifests, Registry(store).read()), operations)


def carry_on(settings: Settings, place: str, console: Console) -> None:
    """Have controllers carry what was restored, and see them to the end of it. Raises `Refused`."""
    since = time.time()
    try:
        bootstrap(settings, place, console)
    except Refused:
        # The same words again would restore once more what is here already.
        console.print(f"it is restored here; `flstr bootstrap {place}` goes on", markup=False)
        raise
    until_at_rest(settings, place, since, console)


def until_at_rest(settings: Settings, place: str, since: float, console: Console) -> None:
    """Wait until the controllers have brought everything up to date, showing what they began `since` then; say what is
    left. Raises `Refused` where some of it is left that nobody is asked for."""
    source = read_source(place, settings)
    watch = _Watch(console, since)
    with ExitStack() as stack:
        stores = list[Store]()

        def look() -> Rest:
            if not stores:
                stores.append(stack.enter_context(_store(settings)))
            return watch.look(stores[0], source.manifests)

        rest = seen_to_its_end(look)
    console.print(plain(describe.plans(source.revision[:8], rest.plans)), markup=False)
    if rest.plans.changes:
        why = rest.failed or "the controllers do not begin with it"
        raise Refused(f"restored, and this is left to do: {why}; `flstr status` says more")
    console.print("Restored: the controllers carry the cluster", markup=False)


def seen_to_its_end(look: Callable[[], Rest]) -> Rest:
    """What is seen at last, once nothing is left or nobody has begun anything for long. While their etcd chooses who
    leads it, as it may from the first look on, nothing is seen. Raises `Unreadable` where that is so to the end."""
    idle_since, rest, failure = time.monotonic(), None, Unreadable("the controllers were not looked at")
    while time.monotonic() < idle_since + IDLE_SECONDS:
        try:
            rest = look()
        except Unreadable as error:
            failure = error
        else:
            if rest.is_over:
                return rest
            if rest.under_way:
                idle_since = time.monotonic()
        time.sleep(LOOK_SECONDS)
    if rest is None:
        raise failure
    return rest


@contextmanager
def _store(settings: Settings) -> Iterator[Store]:
    store = through_a_controller(settings)
    if store is None:
        raise Refused(f"{settings.state} knows no controllers")
    with closing(store):
        yield store
