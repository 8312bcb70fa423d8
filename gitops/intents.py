"""Intents on their way: from where somebody asked to the worker, and the answer back."""

from gitops.store import Store
from model import keys
from model.operation import Intent


def submit(store: Store, intent: Intent) -> bool:
    """Put an intent where the worker finds it; what was delivered twice is submitted once."""
    return store.put_new(keys.intent(intent.id), intent.to_json())


def answer(store: Store, intent: Intent, text: str, *, refused: bool = False) -> Intent:
    """Answer an intent; the person who asked is shown `text` (Slack mrkdwn)."""
    answered = intent.model_copy(update={"status": "answered", "answer": text, "refused": refused})
    store.swap(keys.intent(intent.id), intent.to_json(), answered.to_json())
    return answered


def delivered(store: Store, intent: Intent) -> None:
    """Note that the answer reached the person; the record stays for a while, so that a duplicate finds it."""
    done = intent.model_copy(update={"status": "delivered"})
    store.swap(keys.intent(intent.id), intent.to_json(), done.to_json())
