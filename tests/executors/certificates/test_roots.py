"""The roots that a certificate has to lead to."""

from pathlib import Path

import pytest

from executors.certificates.roots import trusted_roots
from model.errors import Refused
from tests.executors.certificates.chains import authority, chain


def test_without_a_file_they_are_those_of_this_machine() -> None:
    assert len(trusted_roots()) > 50


def test_a_file_may_hold_several_and_some_that_cannot_be_read(tmp_path: Path) -> None:
    holders = [authority("one"), authority("two")]
    unreadable = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    (tmp_path / "roots.pem").write_text(f"# trusted\n{unreadable}{chain(*holders)}")
    assert trusted_roots(tmp_path / "roots.pem") == [holder.certificate for holder in holders]


@pytest.mark.parametrize("content", [None, "", "no certificate"])
def test_a_file_without_any_is_refused(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "roots.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(
        Refused, match=r"roots\.pem holds no certificates of trusted authorities; put them there in PEM$"
    ):
        trusted_roots(path)
