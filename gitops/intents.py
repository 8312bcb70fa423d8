"""Intents on their way: from where somebody asked to the worker, and the answer back."""

from gitops.store import Store
from model import keys
from model.attachment import Attachment, Reply
from model.operation import Intent


def submit(store: Store, intent: Intent) -> bool:
    """Put an intent where the worker finds it; what was delivered twice is submitted once."""
    return store.put_new(keys.intent(intent.id), intent.to_json())


def answer(store: Store, intent: Intent, reply: Reply, *, refused: bool = False) -> Intent:
    """Answer an intent; the person who asked is shown the reply. A file is there before the answer is."""
    if reply.attachment is not None:
        store.put(keys.attachment(intent.id), reply.attachment.to_json())
    said = {
        "answer": reply.text,
        "refused": refused,
        "attached": reply.attachment is not None,
        "instead": reply.instead,
        "operation": reply.operation,
    }
    answered = intent.model_copy(update={"status": "answered", **said})
    store.swap(keys.intent(intent.id), intent.to_json(), answered.to_json())
    return answered


def attachment_of(store: Store, intent: Intent) -> Attachment | None:
    """The file that goes with an intent's answer, while it is kept."""
    value = store.get(keys.attachment(intent.id)) if intent.attached else None
    return None if value is None else Attachment.model_validate_json(value)


def delivered(store: Store, intent: Intent) -> None:
    """Note that the answer reached the person; the record stays for a while, so that a duplicate finds it."""
    done = intent.model_copy(update={"status": "delivered"})
    store.swap(keys.intent(intent.id), intent.to_json(), done.to_json())
    if intent.attached:
        store.delete(keys.attachment(intent.id))
