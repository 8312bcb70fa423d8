"""The index of an apt repository: what `apt-get update` reads."""

import gzip
import subprocess
import tempfile
from pathlib import Path

from lab.errors import LabError

KEY = "key.asc"
"""The repository's public key, in its top folder."""

_SIGNER = "The lab's packages <packages@lab.invalid>"


def write_index(root: Path, suite: str, component: str = "main") -> None:
    """Index the packages in `pool/`."""
    architecture = _output(root, "dpkg", "--print-architecture").decode().strip()
    suite_folder = Path("dists", suite)
    listed = _output(root, "apt-ftparchive", f"--arch={architecture}", "packages", "pool")
    folder = root / suite_folder / component / f"binary-{architecture}"
    folder.mkdir(parents=True)
    (folder / "Packages").write_bytes(listed)
    (folder / "Packages.gz").write_bytes(gzip.compress(listed))
    about = {
        "Origin": "flstr-lab",
        "Suite": suite,
        "Codename": suite,
        "Components": component,
        "Architectures": architecture,
    }
    options = (f"-oAPT::FTPArchive::Release::{name}={value}" for name, value in about.items())
    release = root / suite_folder / "Release"
    release.write_bytes(_output(root, "apt-ftparchive", *options, "release", str(suite_folder)))


def sign_index(root: Path, suite: str) -> None:
    """Sign the index, by a key that is made for it and forgotten."""
    release = Path("dists", suite, "Release")
    # gpg's agent listens in this folder, and a socket's path is short.
    with tempfile.TemporaryDirectory(prefix="flstr-") as home:
        gpg = ("gpg", "--homedir", home, "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", "")
        _output(root, *gpg, "--quick-generate-key", _SIGNER, "ed25519", "sign", "never")
        (root / KEY).write_bytes(_output(root, *gpg, "--armor", "--export"))
        signed = _output(root, *gpg, "--clearsign", "--output", "-", str(release))
        (root / release).with_name("InRelease").write_bytes(signed)
        _output(root, "gpgconf", "--homedir", home, "--kill", "all")


def _output(root: Path, *argv: str) -> bytes:
    try:
        return subprocess.run(argv, check=True, capture_output=True, cwd=root).stdout
    except FileNotFoundError as error:
        raise LabError(f"The lab's packages need {argv[0]}: `apt-get install apt-utils gpg gpg-agent`.") from error
    except subprocess.CalledProcessError as error:
        raise LabError(f"{argv[0]} could not index the lab's packages: {error.stderr.decode().strip()}") from error
