"""Whether the cloud still sends floating IPs to where they are noted to lead."""

from collections.abc import Callable

import structlog

from executors.cloud import CloudSettings
from executors.floating_ips import FloatingIps
from gitops.registry import Registry
from model import keys
from model.errors import Refused, StepFailed
from model.registered import FloatingRecord

log = structlog.get_logger()


class FloatingDrift:
    """Notes those that lead elsewhere as unsure, from which a plan follows.

    Somebody may have moved one in the console; or a controller did that was overtaken while it talked to the cloud,
    which knows no fence.
    """

    def __init__(self, registry: Registry, settings: CloudSettings, wake: Callable[[], None]) -> None:
        self._registry = registry
        self._settings = settings
        self._wake = wake

    def look(self) -> None:
        """Ask the cloud for each that is held; what cannot be read now is left to the next look."""
        try:
            for key, text in self._registry.store.prefix(keys.FLOATING_IPS).items():
                self._look_at(key, text)
        except (Refused, StepFailed) as error:
            log.debug("floating IPs are not looked at", sentence=error.sentence)

    def _look_at(self, key: str, text: str) -> None:
        record, name = FloatingRecord.model_validate_json(text), key.removeprefix(keys.FLOATING_IPS)
        if record.node is None or record.unsure:
            return
        node = FloatingIps(self._settings, self._registry.cluster().cluster).leads_to(name, record.ip)
        unsure = record.model_copy(update={"unsure": True})
        # Not where somebody has moved it, or begun to, since it was read.
        if node != record.node and self._registry.store.swap(key, text, unsure.to_json()):
            log.warning("a floating IP leads elsewhere", name=name, noted=record.node, leads_to=node)
            self._wake()
