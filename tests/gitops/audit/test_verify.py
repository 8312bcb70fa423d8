"""No entry of the audit can be changed, removed or inserted unseen."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops.audit.branch import added
from gitops.audit.entries import Mark, digest, mark
from gitops.audit.verify import Kept, disagreement, verify
from model import keys
from model.operation import AuditEntry
from tests.gitops.auditing import chain, kept

ENTRIES = chain(6)
MONTH = "audit/2026-11.jsonl"


def resealed(entries: list[AuditEntry], **changed: str) -> list[AuditEntry]:
    """The third one changed, and everything after it made to fit, as by somebody who knows how."""
    found, before = entries[:2], entries[1]
    for entry in [entries[2].model_copy(update=changed), *entries[3:]]:
        following = entry.model_copy(update={"previous": before.hash})
        before = following.model_copy(update={"hash": digest(following)})
        found.append(before)
    return found


def without(found: Kept, *numbers: int) -> Kept:
    gone = {keys.audit_entry(number) for number in numbers}
    return replace(found, etcd={key: text for key, text in found.etcd.items() if key not in gone})


def lines(found: Kept) -> list[str]:
    return (found.git or {})[MONTH].split("\n")[:-1]


def with_lines(found: Kept, changed: list[str]) -> Kept:
    return replace(found, git={MONTH: "".join(f"{line}\n" for line in changed)})


def test_a_whole_chain_is_unbroken() -> None:
    sentence = ":white_check_mark: 6 entries, unbroken since 2026-11-18 11:06 UTC; "
    assert verify(kept(ENTRIES)) == f"{sentence}6 of them are in Git as well."
    assert verify(kept(ENTRIES, in_git=4)) == f"{sentence}4 of them are in Git as well."
    assert verify(kept(ENTRIES, first_in_etcd=4)) == f"{sentence}6 of them are in Git as well."
    assert verify(kept([])) == "The audit has no entries yet."


def test_without_git_what_etcd_has_is_checked() -> None:
    assert "3 entries, unbroken since" in verify(replace(kept(ENTRIES, first_in_etcd=4), git=None))
    assert "Git does not answer" in verify(replace(kept(ENTRIES), git=None))


def test_an_entry_that_was_changed_is_named() -> None:
    found = kept(ENTRIES, in_git=0)
    key = keys.audit_entry(3)
    changed = {**found.etcd, key: found.etcd[key].replace("operator", "reviewer")}
    assert verify(replace(found, etcd=changed)) == ":rotating_light: The audit is broken: entry 3 in etcd was changed."


def test_an_entry_that_was_changed_with_its_hash_is_named() -> None:
    found = kept(ENTRIES, in_git=0)
    entry = ENTRIES[2].model_copy(update={"person": "reviewer"})
    own = entry.model_copy(update={"hash": digest(entry)})
    said = verify(replace(found, etcd={**found.etcd, keys.audit_entry(3): own.to_json()}))
    assert "entry 3 in etcd was changed, for entry 4 follows another" in said


def test_a_chain_that_was_made_anew_from_an_entry_on_differs_from_git() -> None:
    forged = kept(resealed(ENTRIES, person="reviewer"))
    assert "entry 3 differs between etcd and Git" in verify(replace(forged, git=kept(ENTRIES).git))
    assert "entry 3 differs between etcd and Git" in verify(replace(kept(ENTRIES), git=forged.git))


def test_a_chain_that_was_made_anew_behind_the_head_does_not_end_as_the_head_says() -> None:
    forged = kept(resealed(ENTRIES, person="reviewer"), in_git=0)
    assert "entry 6 in etcd was changed, or the head was" in verify(replace(forged, head=mark(ENTRIES[-1])))


@pytest.mark.parametrize("in_git", [0, 6])
def test_an_entry_that_was_removed_is_named(in_git: int) -> None:
    assert "entry 3 in etcd was removed" in verify(without(kept(ENTRIES, in_git=in_git), 3))


def test_the_newest_entries_cannot_be_removed() -> None:
    found = kept(ENTRIES)
    assert "entries 5 to 6 in etcd were removed" in verify(without(found, 5, 6))
    assert "entries 5 to 6 in etcd were removed" in verify(replace(without(found, 5, 6), git=None))
    # With the head set back, Git tells.
    assert "entry 5 in etcd was removed; Git has it" in verify(replace(without(found, 5, 6), head=mark(ENTRIES[3])))
    assert "entries 1 to 6 in etcd were removed" in verify(replace(found, etcd={}, git={}, pushed=Mark()))
    assert "was inserted, or the head was changed" in verify(replace(found, head=Mark()))


def test_the_oldest_entries_cannot_be_removed_before_git_has_them() -> None:
    assert "entry 3 was removed: neither etcd nor Git has it" in verify(kept(ENTRIES, first_in_etcd=4, in_git=2))
    assert "entry 3 in etcd was removed, and Git does not answer" in verify(
        replace(kept(ENTRIES, first_in_etcd=4, in_git=2), git=None)
    )


def test_an_entry_that_was_inserted_is_named() -> None:
    found = kept(ENTRIES, in_git=0)
    double = {**found.etcd, f"{keys.audit_entry(3)}x": found.etcd[keys.audit_entry(3)]}
    assert "was changed" in verify(replace(found, etcd=double))
    behind = AuditEntry(**{**dict(ENTRIES[-1]), "number": 7, "previous": ENTRIES[-1].hash, "hash": ""})
    sealed = behind.model_copy(update={"hash": digest(behind)})
    more = {**found.etcd, keys.audit_entry(7): sealed.to_json()}
    assert "entry 7 in etcd was inserted, or the head was changed" in verify(replace(found, etcd=more))


def test_the_files_of_git_are_checked_as_well() -> None:
    found = kept(ENTRIES)
    one, two, three, *rest = lines(found)
    for changed, said in (
        ([one, two, three.replace("operator", "reviewer"), *rest], "entry 3 in Git was changed"),
        ([one, two, *rest], "entry 3 in Git was removed"),
        ([one, two, three, three, *rest], "an entry 3 in Git was inserted"),
        ([one, three, two, *rest], "entry 2 in Git was removed"),
        ([two, three, *rest], "entry 1 in Git was removed"),
        ([one, two, three], "entries 4 to 6 in Git were removed"),
        ([], "entries 1 to 6 in Git were removed"),
    ):
        assert said in verify(with_lines(found, changed)), changed
        assert said in disagreement(with_lines(found, changed).git or {}, found.etcd, found.pushed)
    assert disagreement(found.git or {}, found.etcd, found.pushed) == ""


def test_what_is_told_late_stays_in_order() -> None:
    january = ENTRIES[1].model_copy(update={"at": ENTRIES[1].at + 45 * 86400})
    files = added({}, [ENTRIES[0], january, ENTRIES[2]])
    assert {path: text.count("\n") for path, text in files.items()} == {MONTH: 1, "audit/2027-01.jsonl": 2}
    assert added(files, [ENTRIES[3]]).keys() == {"audit/2027-01.jsonl"}


def changed_byte(text: str, position: int, byte: int) -> str | None:
    data = bytearray(text.encode())
    position %= len(data)
    if data[position] == byte:
        return None
    data[position] = byte
    return data.decode(errors="replace")


@given(st.integers(1, 6), st.integers(0, 5000), st.integers(0, 255), st.sampled_from([0, 6]))
def test_any_changed_byte_in_any_entry_of_etcd_is_found(number: int, position: int, byte: int, in_git: int) -> None:
    found = kept(ENTRIES, in_git=in_git)
    key = keys.audit_entry(number)
    text = changed_byte(found.etcd[key], position, byte)
    if text is not None:
        said = verify(replace(found, etcd={**found.etcd, key: text}))
        assert f"entry {number} in etcd was changed" in said


@given(st.integers(0, 5000), st.integers(0, 255))
def test_any_changed_byte_in_gits_files_is_found(position: int, byte: int) -> None:
    found = kept(ENTRIES)
    text = changed_byte((found.git or {})[MONTH], position, byte)
    if text is not None:
        assert "The audit is broken" in verify(replace(found, git={MONTH: text}))
