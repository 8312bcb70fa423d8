"""What etcd need not remember for ever: ended operations beyond the newest, answered intents, old notices, certificates
that have ended, and what Git has of the audit."""

from collections.abc import Iterator, Mapping, Set

from gitops.audit.retention import PREFIXES, forgettable_audit
from gitops.holds.notices import notice_id
from gitops.store import Store
from model import keys
from model.certificates import CertificateRecord, PlacedOrder
from model.operation import Hold, Intent, Notice, Operation
from model.registered import IngressRecord
from model.transparency import AskedFor

KEPT_OPERATIONS = 200
INTENT_SECONDS = 3600.0
# An answer that could not be brought is given up by then.
UNDELIVERED_SECONDS = 7 * 3600.0
# What is only kept for whoever looks.
LOOKED_SECONDS = 30 * 86400.0
NOTICE_SECONDS = 30 * 86400.0
# One that ended and was not renewed is still told for a while.
CERTIFICATE_SECONDS = 30 * 86400.0


def prune(store: Store, now: float) -> None:
    """Remove what nobody will ask for again, with the cards that belong to it."""
    kept = (keys.OPERATIONS, keys.INTENTS, keys.NOTICES, keys.ASKED_FOR, keys.ORDERS, keys.CERTIFICATES, keys.DUE)
    found = store.prefixes(
        (*kept, keys.INGRESSES, keys.HOLDS, keys.FOLLOWERS, keys.HOMES, keys.WANTED_COMMITS, *PREFIXES)
    )
    gone = [*forgettable(found, now), *forgettable_audit(found, now)]
    # What was said in a card's thread is noted under the card's own key.
    said = [key for card in gone if card.startswith(keys.CARDS) for key in store.prefix(f"{card}/")]
    # Whoever still uses one of these takes another.
    store.delete(*gone, *said, *store.prefix(keys.SLIPS))


def forgettable(found: Mapping[str, str], now: float) -> list[str]:
    """The keys that may go, out of all operations, intents, notices, certificates, notes that one is due, orders, and
    what was asked for; public addresses say which hosts there are."""
    operations = [Operation.model_validate_json(v) for k, v in found.items() if k.startswith(keys.OPERATIONS)]
    intents = [Intent.model_validate_json(v) for k, v in found.items() if k.startswith(keys.INTENTS)]
    notices = [Notice.model_validate_json(v) for k, v in found.items() if k.startswith(keys.NOTICES)]
    asked = {k: AskedFor.model_validate_json(v) for k, v in found.items() if k.startswith(keys.ASKED_FOR)}
    orders = {k: PlacedOrder.model_validate_json(v) for k, v in found.items() if k.startswith(keys.ORDERS)}
    ended = sorted((item for item in operations if item.ended_already()), key=lambda item: item.created)
    gone = [item.id for item in ended[:-KEPT_OPERATIONS]]
    # The notice of a hold is kept current as long as that lasts.
    lasting = {notice_id(Hold.model_validate_json(v)) for k, v in found.items() if k.startswith(keys.HOLDS)}
    stale = [item.id for item in notices if now - item.at > NOTICE_SECONDS and item.id not in lasting]
    answered = [item for item in intents if item.status != "new" and now - item.asked > _kept_seconds(item)]
    return [
        *(key(name) for name in gone for key in (keys.operation, keys.approval, keys.card, keys.cancellation)),
        *(key(name) for name in stale for key in (keys.notice, keys.card)),
        *(keys.intent(item.id) for item in answered),
        # Whether noted with it or not: an answer may have been made twice, and its file only the first time.
        *(keys.attachment(item.id) for item in answered),
        # Its files are noted below this.
        *(keys.card(f"answer/{item.id}") for item in answered),
        *(key for key, item in asked.items() if now - item.not_after.timestamp() > CERTIFICATE_SECONDS),
        # Of a host that is there it was asked again long before, what came of it.
        *(key for key, item in orders.items() if now - item.at.timestamp() > CERTIFICATE_SECONDS),
        *_of_gone_hosts(found, now),
        *_of_people(found, {item.id for item in operations} - set(gone), now),
    ]


def _kept_seconds(intent: Intent) -> float:
    """How long an intent is kept once it is answered; Slack may be away before the answer is brought."""
    on_its_way = intent.status == "answered" and intent.asker.place == "slack"
    return UNDELIVERED_SECONDS if on_its_way else INTENT_SECONDS


def _of_people(found: Mapping[str, str], operations: Set[str], now: float) -> Iterator[str]:
    """Who waited for what is forgotten; who looked at App Home, and at which app's commits, long ago."""
    for key, value in found.items():
        if key.startswith(keys.FOLLOWERS) and key.removeprefix(keys.FOLLOWERS).partition("/")[0] not in operations:
            yield key
        if key.startswith(keys.HOMES) and now - float(value) > LOOKED_SECONDS:
            yield key
        if key.startswith(keys.WANTED_COMMITS) and now - float(value) > LOOKED_SECONDS:
            yield from (key, keys.commits(key.removeprefix(keys.WANTED_COMMITS)))


def _of_gone_hosts(found: Mapping[str, str], now: float) -> Iterator[str]:
    """What is known of certificates for hosts that are not served by https any more, once they have ended: until then
    a host that comes back has its own again."""
    addresses = [IngressRecord.model_validate_json(v) for k, v in found.items() if k.startswith(keys.INGRESSES)]
    wanted = {record.publish.host_name for record in addresses if record.publish.ssl}
    for key, value in found.items():
        if key.startswith(keys.DUE) and key.removeprefix(keys.DUE) not in wanted:
            yield key
        if key.startswith(keys.CERTIFICATES) and key.removeprefix(keys.CERTIFICATES) not in wanted:
            issued = CertificateRecord.model_validate_json(value).issued
            if issued is None or issued.not_after.timestamp() < now:
                yield key
