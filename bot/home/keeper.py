"""Keeps App Home current for those who opened it lately: published when it is opened, and when something changed."""

import json
import threading
import time
from collections.abc import Callable

import structlog

from bot.home.page import Fleet, home_blocks, no_home, waiting_blocks
from bot.message import Block
from bot.outbox import Outbox
from gitops.etcd_following import Following
from gitops.gate import names, waits_for
from gitops.registry import Registry
from gitops.rights import Rights, holders
from model import keys
from model.errors import Refused
from model.operation import Approval, Asker, Hold, Operation

log = structlog.get_logger()

# Who opened it longer ago looks at something else by now.
LATELY_SECONDS = 3600.0
LOOK_SECONDS = 10.0
RETRY_SECONDS = 5.0
STOP_SECONDS = 12.0


class HomeKeeper:
    """One thread, one person after the other; nobody is published to more than once in ten seconds, but on opening."""

    def __init__(
        self, registry: Registry, outbox: Outbox, rights: Rights, clock: Callable[[], float] = time.time
    ) -> None:
        self._registry = registry
        self._rights = rights
        self._outbox = outbox
        self._clock = clock
        self._opened: dict[str, float] = {}
        self._shown: dict[str, str] = {}
        self._just_opened: set[str] = set()
        self._changed = threading.Condition()
        self._stopped = False
        self._following: Following | None = None
        self._thread = threading.Thread(target=self._run, name="slack home", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._following = self._registry.store.follow(keys.HOMES, self._home_opened)
        self._thread.start()

    def stop(self) -> None:
        """Publish no more; who has it open sees what was true last."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        if self._following is not None:
            self._following.stop()
        if self._thread.is_alive():
            self._thread.join(timeout=STOP_SECONDS)

    def _home_opened(self, key: str, value: str | None) -> None:
        user = key.removeprefix(keys.HOMES)
        with self._changed:
            if value is None:
                self._opened.pop(user, None)
                return
            self._opened[user] = float(value)
            self._just_opened.add(user)
            self._changed.notify()

    def _run(self) -> None:
        looked = 0.0
        while True:
            with self._changed:
                if not self._just_opened and not self._stopped:
                    self._changed.wait(timeout=LOOK_SECONDS)
                if self._stopped:
                    return
                everybody = time.monotonic() - looked >= LOOK_SECONDS
                users = self._lately() if everybody else [*self._just_opened]
                self._just_opened.clear()
            looked = time.monotonic() if everybody else looked
            if users:
                self._look(users)

    def _lately(self) -> list[str]:
        since = self._clock() - LATELY_SECONDS
        return [user for user, at in self._opened.items() if at > since]

    def _look(self, users: list[str]) -> None:
        try:
            pages = {user: self._blocks(fleet, user) for fleet in [self._fleet()] for user in users}
            for user, blocks in pages.items():
                self._publish(user, blocks)
        except Refused as refused:
            log.warning("App Home is brought up to date later", reason=refused.sentence, seconds=RETRY_SECONDS)
            with self._changed:
                self._just_opened.update(users)
                self._changed.wait_for(lambda: self._stopped, timeout=RETRY_SECONDS)
        except Exception:
            log.exception("App Home could not be brought up to date")

    def _publish(self, user: str, blocks: tuple[Block, ...]) -> None:
        content = json.dumps(blocks, sort_keys=True)
        if self._shown.get(user) != content:
            self._shown[user] = content
            self._outbox.publish(user, lambda: {"type": "home", "blocks": list(blocks)})

    def _fleet(self) -> Fleet | None:
        store = self._registry.store
        if store.get(keys.CLUSTER) is None:
            return None
        found = store.prefixes([keys.OPERATIONS, keys.APPROVALS, keys.HOLDS])
        operations = [
            Operation.model_validate_json(value) for key, value in found.items() if key.startswith(keys.OPERATIONS)
        ]
        approvals = [
            Approval.model_validate_json(value) for key, value in found.items() if key.startswith(keys.APPROVALS)
        ]
        holds = [Hold.model_validate_json(value) for key, value in found.items() if key.startswith(keys.HOLDS)]
        return Fleet(
            self._registry.cluster(),
            self._registry.read(),
            sorted(operations, key=lambda one: one.created),
            sorted(approvals, key=lambda one: one.asked),
            holds,
        )

    def _blocks(self, fleet: Fleet | None, user: str) -> tuple[Block, ...]:
        if fleet is None:
            return no_home()
        now = self._clock()
        who = self._rights.asker(fleet.cluster, Asker(place="slack", user=user))
        mine = [one for one in fleet.approvals if who is not None and waits_for(one, fleet.cluster, who, now)]
        if who is None or "read" not in who.may:
            return waiting_blocks(fleet, mine, names(holders(fleet.cluster, "read")))
        return home_blocks(fleet, mine, now)
