"""Certificates and the accounts that get them, in etcd."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from gitops.issuance_budget import HOUR
from gitops.secrets import Decrypt, Identities, encrypt, parse_recipient
from gitops.store import Store
from model import keys
from model.certificates import (
    AcmeAccount,
    CertificateRecord,
    IssuedCertificate,
    IssueFailure,
    PlacedOrder,
    RenewalWindow,
)
from model.errors import Refused
from model.names import AgeRecipient, Encrypted
from model.transparency import AskedFor, CertificateId


@dataclass(frozen=True)
class KeySafe:
    """Encrypts private keys before they are kept, and opens them where they are needed."""

    seal: Callable[[bytes], Encrypted]
    open: Decrypt

    def can_open(self, sealed: Encrypted) -> bool:
        """Whether a key is still of use: whoever has lost the cluster's private key can open none that was sealed."""
        try:
            self.open(sealed)
        except Refused:
            return False
        return True


def key_safe(identities: Identities, recipients: Sequence[AgeRecipient] = ()) -> KeySafe:
    """What one controller seals, it can open itself, and so can the other `recipients`, such as other controllers."""
    everybody = [parse_recipient(one) for one in dict.fromkeys((identities.recipient, *recipients))]
    return KeySafe(lambda value: encrypt(value, everybody), identities.decrypt)


def read_certificates(store: Store) -> dict[str, CertificateRecord]:
    """All certificates by name."""
    found = store.prefix(keys.CERTIFICATES)
    records = (CertificateRecord.model_validate_json(value) for _, value in sorted(found.items()))
    return {record.name: record for record in records}


def read_certificate(store: Store, name: str) -> CertificateRecord | None:
    """One certificate, or None where nobody has asked for it yet."""
    text = store.get(keys.certificate(name))
    return None if text is None else CertificateRecord.model_validate_json(text)


def put_issued(store: Store, name: str, issued: IssuedCertificate) -> CertificateRecord:
    """Keep a new certificate in the place of the old one; what failed before is forgotten, and it is due no more;
    its order has come to its end."""
    record = CertificateRecord(name=name, issued=issued)
    store.write({keys.certificate(name): record.to_json()}, [keys.due(name), keys.order(name)])
    return record


def put_failure(store: Store, name: str, failure: IssueFailure) -> CertificateRecord:
    """Note why there is no new certificate; the old one stays, and none is due until it is so again."""
    record = failed(read_certificate(store, name) or CertificateRecord(name=name), failure)
    store.write({keys.certificate(name): record.to_json()}, [keys.due(name)])
    return record


def failed(record: CertificateRecord, failure: IssueFailure) -> CertificateRecord:
    """The record after one more failure; those within the hour before are remembered. Pure."""
    last = record.failure
    earlier = () if last is None else last.before if last.over_budget else (*last.before, last.at)
    before = tuple(at for at in earlier if failure.at - at < HOUR)
    return record.model_copy(update={"failure": failure.model_copy(update={"before": before})})


def ask_again(store: Store, now: datetime) -> None:
    """Have what failed be tried again at once, as somebody says that its cause is mended; a date that the authority
    gave, or that its limits give, stays."""
    for key, text in store.prefix(keys.CERTIFICATES).items():
        record = CertificateRecord.model_validate_json(text)
        if record.failure is not None and record.failure.retry_at is None:
            failure = record.failure.model_copy(update={"retry_at": now})
            store.swap(key, text, record.model_copy(update={"failure": failure}).to_json())


def put_window(store: Store, name: str, serial: str, window: RenewalWindow | None) -> None:
    """Note when the authority wants a certificate renewed, unless that one was replaced meanwhile."""
    text = store.get(keys.certificate(name))
    record = None if text is None else CertificateRecord.model_validate_json(text)
    if text is None or record is None or record.issued is None or record.issued.serial != serial:
        return
    issued = record.issued.model_copy(update={"window": window})
    new = record.model_copy(update={"issued": issued}).to_json()
    if new != text:
        store.swap(keys.certificate(name), text, new)


def put_order(store: Store, order: PlacedOrder) -> None:
    """Note an order before the authority is asked to issue by it."""
    store.put(keys.order(order.names[0]), order.to_json())


def read_order(store: Store, name: str) -> PlacedOrder | None:
    """The order of which it is not known what came of it, or None."""
    text = store.get(keys.order(name))
    return None if text is None else PlacedOrder.model_validate_json(text)


def forget_order(store: Store, name: str) -> None:
    """Nothing of use came of an order."""
    store.delete(keys.order(name))


def put_asked_for(store: Store, asked: AskedFor) -> None:
    """Note that a certificate was asked for. It is good until it ends, also once another one is in its place."""
    store.put(keys.asked_for(asked.id.serial), asked.to_json())


def read_asked_for(store: Store) -> frozenset[CertificateId]:
    """All certificates that flstr asked for and that may still be good."""
    return frozenset(AskedFor.model_validate_json(text).id for text in store.prefix(keys.ASKED_FOR).values())


def read_history(store: Store) -> tuple[AskedFor | PlacedOrder, ...]:
    """All that counts against the authorities' limits: the same, and the orders of which it is not known yet."""
    found = store.prefixes((keys.ASKED_FOR, keys.ORDERS))
    return tuple(
        (PlacedOrder if key.startswith(keys.ORDERS) else AskedFor).model_validate_json(text)
        for key, text in found.items()
    )


def claim_account(store: Store, directory: str, safe: KeySafe, make_key: Callable[[], bytes]) -> AcmeAccount:
    """The account with an authority; the first who asks has its key made, and of two at once one. One whose key cannot
    be opened is lost, and another one takes its place."""
    key = keys.acme_account(directory)
    while True:
        text = store.get(key)
        account = None if text is None else AcmeAccount.model_validate_json(text)
        if account is not None and safe.can_open(account.sealed_key):
            return account
        new = AcmeAccount(directory=directory, sealed_key=safe.seal(make_key())).to_json()
        _ = store.put_new(key, new) if text is None else store.swap(key, text, new)


def put_account(store: Store, account: AcmeAccount) -> None:
    """Note where the authority keeps the account."""
    store.put(keys.acme_account(account.directory), account.to_json())
