"""A snapshot becomes the data of flstr's own etcd, by Debian's etcdctl; users and roles of it count no more there.

The etcd that was copied may have asked for certificates. flstr's own is on loopback, for flstr alone.
"""

import os
import subprocess
import tempfile
import time
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gitops.etcd_server import free_port
from model.errors import Refused

RESTORE_SECONDS = 300.0
OPEN_SECONDS = 30.0
# The user that every etcd with users has, and that may do everything.
ROOT = "root"


def unpack(snapshot: Path, folder: Path) -> None:
    """Make the data of an `EmbeddedEtcd` in `folder` from a snapshot. Raises `Refused`."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    peer = "http://127.0.0.1:2380"
    _etcdctl(
        *("snapshot", "restore", str(snapshot), "--name", "flstr", "--data-dir", str(folder / "data")),
        *("--initial-cluster", f"flstr={peer}", "--initial-advertise-peer-urls", peer),
        within=RESTORE_SECONDS,
    )
    _open_to_everybody(folder)


def _open_to_everybody(folder: Path) -> None:
    """Have etcd ask nobody any more who they are: said to it by its root, whose certificate is made for that."""
    with tempfile.TemporaryDirectory(prefix="open-", dir=folder) as temporary:
        files = _make_files(Path(temporary))
        client, peer = f"https://127.0.0.1:{free_port()}", f"http://127.0.0.1:{free_port()}"
        command = [
            *("setpriv", "--pdeathsig", "KILL", "etcd", "--name", "flstr", "--data-dir", str(folder / "data")),
            *("--listen-client-urls", client, "--advertise-client-urls", client, "--client-cert-auth"),
            *("--cert-file", files[1], "--key-file", files[2], "--trusted-ca-file", files[0]),
            *("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", f"flstr={peer}"),
            *("--force-new-cluster", "--logger", "zap", "--log-level", "warn"),
        ]
        with (folder / "etcd.log").open("ab") as log:
            etcd = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        try:
            _disable_users(client, files)
        finally:
            etcd.terminate()
            etcd.wait(OPEN_SECONDS)


def _disable_users(endpoint: str, files: tuple[str, str, str]) -> None:
    ca, certificate, key = files
    access = ("--endpoints", endpoint, "--cacert", ca, "--cert", certificate, "--key", key, "--command-timeout", "2s")
    deadline = time.monotonic() + OPEN_SECONDS
    while True:
        try:
            _etcdctl(*access, "auth", "disable", within=OPEN_SECONDS)
        except Refused:
            # It may not have started yet.
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


def _etcdctl(*words: str, within: float) -> None:
    environment = {"PATH": os.environ.get("PATH", os.defpath), "ETCDCTL_API": "3"}
    try:
        done = subprocess.run(
            ["etcdctl", *words], env=environment, capture_output=True, text=True, timeout=within, check=False
        )
    except FileNotFoundError as error:
        raise Refused("etcdctl is not installed; install Debian's etcd-client") from error
    except subprocess.TimeoutExpired as error:
        raise Refused(f"etcdctl has not done its work within {within:.0f} s") from error
    if done.returncode != 0:
        raise Refused(f"the snapshot cannot be restored ({(done.stderr or done.stdout).strip().splitlines()[-1:]})")


def _make_files(folder: Path) -> tuple[str, str, str]:
    """An authority and one certificate, for both ends of a connection to this machine alone, good for an hour."""
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "flstr restore")])
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, ROOT)])
    now = datetime.now(UTC)

    def begun(subject: x509.Name, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(ca_name).public_key(public)
        builder = builder.serial_number(x509.random_serial_number())
        return builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(hours=1))

    authority = begun(ca_name, ca_key.public_key()).add_extension(x509.BasicConstraints(True, 0), critical=True)
    here = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))])
    certificate = begun(name, key.public_key()).add_extension(here, critical=False)
    contents = {
        "ca.pem": authority.sign(ca_key, hashes.SHA256()).public_bytes(Encoding.PEM),
        "root.pem": certificate.sign(ca_key, hashes.SHA256()).public_bytes(Encoding.PEM),
        "root-key.pem": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    }
    for file, content in contents.items():
        (folder / file).write_bytes(content)
    ca, root, root_key = (str(folder / file) for file in contents)
    return ca, root, root_key
