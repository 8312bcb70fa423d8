"""`flstr logs --build`: all of it in the terminal."""

from gitops import intents
from gitops.store import Store
from model import keys
from model.attachment import Attachment, Reply
from model.operation import Intent
from tests.cli.shell import Flstr

OUTPUT = b"began\n\x1b[31m*not* bold\xff\nended\n"
LOG = Attachment.of("influencer-a1b2c3d4-worker101.log", "Build", "it failed", OUTPUT)


def test_a_log_is_shown_as_a_whole_instead_of_its_last_lines(flstr: Flstr, etcd_endpoint: str, store: Store) -> None:
    def answer(_: str, value: str | None) -> None:
        intent = Intent.model_validate_json(value) if value else None
        if intent is not None and intent.status == "new":
            assert (intent.verb, intent.arguments) == ("logs", ("influencer", "--build"))
            intents.answer(store, intent, Reply("Build of *influencer*: it failed\n```\nended\n```", LOG))

    with store.follow(keys.INTENTS, answer):
        done = flstr(
            "logs", "influencer", "--build", FLSTR_ETCD_ENDPOINTS=etcd_endpoint, FLSTR_EMAIL="operator@flstr.lab"
        )
    assert done.out == "Build of influencer: it failed\nbegan\n[31m*not* bold\ufffd\nended\n"
