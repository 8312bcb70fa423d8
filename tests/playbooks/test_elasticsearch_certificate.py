"""The script that makes a node's certificate, as a machine gets it, run here."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.playbooks.authority import made_authority
from tests.playbooks.rendered import Case, rendered

NODE, ADDRESS = "search101", "10.110.0.5"
AUTHORITY = made_authority()


@pytest.fixture
def made(tmp_path: Path) -> Callable[[], str]:
    """What the script says, each time that it is run."""
    folder, programs = tmp_path / "flstr", tmp_path / "bin"
    folder.mkdir()
    programs.mkdir()
    told = {"elasticsearch_certificates": str(folder)}
    case = Case("made", "elasticsearch", ("certificate.sh.j2",), NODE, told)
    script = rendered([case], {NODE: ADDRESS}, tmp_path)["made"]["certificate.sh.j2"]
    (folder / "authority.crt").write_text(AUTHORITY.partition("-----BEGIN PRIVATE")[0])
    # There is no group elasticsearch here.
    (programs / "chgrp").write_text("#!/bin/sh\n")
    (programs / "chgrp").chmod(0o755)

    def run() -> str:
        return _said(["sh", "-c", script], AUTHORITY, PATH=f"{programs}:{os.environ['PATH']}")

    return run


def _said(command: list[str], text: str = "", **env: str) -> str:
    done = subprocess.run(command, input=text, env=env or None, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_certificate_is_made_once(made: Callable[[], str]) -> None:
    assert [made(), made()] == ["made", ""]


def test_a_key_that_is_not_the_certificates_is_not_kept(made: Callable[[], str], tmp_path: Path) -> None:
    made()
    key, certificate = tmp_path / "flstr/node.key", tmp_path / "flstr/node.crt"
    before = certificate.read_text()
    made_anew = _said(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"])
    key.write_text(made_anew)
    assert [made(), made()] == ["made", ""]
    assert certificate.read_text() != before
    of_key = _said(["openssl", "pkey", "-in", str(key), "-pubout"])
    assert of_key == _said(["openssl", "x509", "-in", str(certificate), "-noout", "-pubkey"])
