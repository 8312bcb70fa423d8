"""Secrets: the cluster's own key, and what only whoever has it can read."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from gitops.secrets import LARGEST, Identities, masked, opened, parse_recipients, read_identities
from model.app import App
from model.errors import Refused
from model.names import Encrypted
from tests.gitops.scene import app
from tests.identity import IDENTITIES, OTHERS, encrypted


def with_secrets(**secrets: str) -> App:
    return app().model_copy(update={"secrets": secrets})


@given(st.binary(max_size=LARGEST))
def test_what_is_encrypted_is_a_text_of_a_manifest_and_comes_back_byte_for_byte(value: bytes) -> None:
    text = TypeAdapter(Encrypted).validate_python(encrypted(value))
    assert IDENTITIES.decrypt(text) == value


def test_another_cluster_cannot_read_it_and_says_who_it_is() -> None:
    with pytest.raises(Refused) as refused:
        OTHERS.decrypt(encrypted(b"hunter2"))
    assert refused.value.sentence == (
        f"this cluster, which is {OTHERS.recipient}, cannot decrypt it (no matching keys found)"
    )


@pytest.mark.parametrize("text", ["hunter2", "", encrypted(b"hunter2").replace("A", "B", 20)])
def test_what_cannot_be_read_is_not_repeated(text: str) -> None:
    with pytest.raises(Refused, match="cannot decrypt it") as refused:
        IDENTITIES.decrypt(text)
    assert "hunter2" not in refused.value.sentence


def test_the_secret_that_cannot_be_opened_is_named() -> None:
    ours, theirs = encrypted(b"one"), encrypted(b"two", OTHERS)
    assert opened(with_secrets(ours=ours), IDENTITIES.decrypt) == {"ours": b"one"}
    with pytest.raises(
        Refused, match=r"^the secret theirs of influencer: this cluster, .* `flstr secret set influencer"
    ):
        opened(with_secrets(ours=ours, theirs=theirs), IDENTITIES.decrypt)


def test_the_key_is_made_once_and_for_its_user_alone(tmp_path: Path) -> None:
    path = tmp_path / "age/identity"
    first = read_identities(path)
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert read_identities(path).recipient == first.recipient
    assert read_identities(path).decrypt(encrypted(b"value", first)) == b"value"


def test_after_a_new_key_what_was_encrypted_to_the_old_one_is_still_read(tmp_path: Path) -> None:
    old, new = read_identities(tmp_path / "old"), read_identities(tmp_path / "new")
    both = tmp_path / "both"
    both.write_text(f"# as age-keygen writes it\n{(tmp_path / 'new').read_text()}{(tmp_path / 'old').read_text()}")
    identities = read_identities(both)
    assert identities.recipient == new.recipient
    assert [identities.decrypt(encrypted(b"value", one)) for one in (old, new)] == [b"value", b"value"]


@pytest.mark.parametrize("content", ["", "something else\n", "AGE-SECRET-KEY-1HUNTER2\n"])
def test_a_file_without_a_key_is_not_replaced_and_not_repeated(tmp_path: Path, content: str) -> None:
    path = tmp_path / "identity"
    path.write_text(content)
    with pytest.raises(Refused, match="identity holds no private key of age; put the one back") as refused:
        read_identities(path)
    assert "HUNTER2" not in refused.value.sentence
    assert path.read_text() == content


def test_there_has_to_be_somebody_to_encrypt_to() -> None:
    with pytest.raises(Refused, match=r"add what `flstr secret recipient` shows to secrets\.recipients"):
        parse_recipients([])
    slip = IDENTITIES.recipient[:-1] + ("q" if IDENTITIES.recipient[-1] != "q" else "p")
    with pytest.raises(Refused, match=f"^{slip} is not a public key of age: its checksum is wrong$"):
        parse_recipients([slip])


def test_what_a_program_says_has_no_line_of_a_secret_in_it() -> None:
    values = (b"hunter2", b"-----BEGIN-----\nabcdefgh\n", b"on")
    said = "login with hunter2\nabcdefgh\nthe switch is on\n"
    assert masked(said, values) == "login with ****\n****\nthe switch is on\n"


def test_keys_are_no_part_of_what_is_printed() -> None:
    assert "AGE-SECRET-KEY" not in repr(Identities) + repr(IDENTITIES) + str(vars(IDENTITIES))
