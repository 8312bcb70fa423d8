"""`flstr mesh graph`: the picture of the networks as a file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gitops import intents
from gitops.store import Store
from model import keys
from model.attachment import Attachment, Reply
from model.operation import Intent
from tests.cli.shell import Flstr, refused

PICTURE = Attachment.of("flstr-lab-networks.png", "Networks of flstr-lab", "all up", b"\x89PNG picture")


@pytest.fixture
def serve(etcd_endpoint: str) -> Iterator[str]:
    """The endpoint of an etcd where somebody draws whoever asks a picture."""
    store = Store([etcd_endpoint])
    store.delete_prefix("")

    def draw(_: str, value: str | None) -> None:
        intent = Intent.model_validate_json(value) if value else None
        if intent is not None and intent.status == "new":
            assert (intent.verb, intent.arguments) == ("graph", ())
            intents.answer(store, intent, Reply(":large_green_circle: *vpn_ctrl*: 2 machines", PICTURE))

    with store.follow(keys.INTENTS, draw):
        yield etcd_endpoint
    store.close()


@pytest.mark.parametrize("words", [("mesh", "graph"), ("graph",)])
def test_the_picture_is_a_file_in_the_current_folder(
    flstr: Flstr, serve: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    done = flstr(*words, FLSTR_ETCD_ENDPOINTS=serve, FLSTR_EMAIL="operator@flstr.lab")
    assert done.out == "✓ vpn_ctrl: 2 machines\nThe picture is in flstr-lab-networks.png.\n"
    assert (tmp_path / PICTURE.name).read_bytes() == PICTURE.content


def test_or_where_it_is_wanted(flstr: Flstr, serve: str, tmp_path: Path) -> None:
    wanted = tmp_path / "here.png"
    done = flstr("mesh", "graph", "--output", str(wanted), FLSTR_ETCD_ENDPOINTS=serve, FLSTR_EMAIL="operator@flstr.lab")
    assert done.out.endswith(f"The picture is in {wanted}.\n")
    assert wanted.read_bytes() == PICTURE.content


def test_a_folder_that_is_not_there_is_a_sentence(flstr: Flstr, serve: str, tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere" / "here.png"
    done = flstr("mesh", "graph", "-o", str(nowhere), FLSTR_ETCD_ENDPOINTS=serve, FLSTR_EMAIL="operator@flstr.lab")
    assert refused(done, 1) == f"{nowhere}: no such file or directory"
