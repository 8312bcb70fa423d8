"""What a laptop keeps of a cluster that carries itself: where its controllers are, and a certificate for its etcd."""

from collections.abc import Iterable
from functools import partial
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import Field, TypeAdapter, ValidationError

from executors.control.install import ClientSigner
from executors.control.signing import cluster_of
from executors.control.tunnel import Tunnel
from executors.control.users import CONTROLLER_USER
from executors.ssh import Ssh
from gitops.etcd_client import EtcdClient
from gitops.firewall import ETCD_PORT
from gitops.registry import Registry
from gitops.store import EtcdTls, Store
from model.base import Frozen
from model.errors import Refused, StepFailed, Unreadable
from model.names import NodeName
from model.registered import HostRecord, Registered


class KnownController(Frozen):
    """A controller, as the laptop reaches it."""

    node: NodeName
    ip: str
    host_key: str = Field(description="OpenSSH public host key")
    address: str = Field(description="In the mesh of the controllers, where its etcd listens")

    def host(self) -> HostRecord:
        """As an SSH connection wants to know it."""
        return HostRecord(node=self.node, ip=self.ip, host_key=self.host_key)


_KNOWN = TypeAdapter(tuple[KnownController, ...])


class Access:
    """The folder `control` of flstr's state."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / "controllers.json"
        self.tls = EtcdTls(folder / "ca.pem", folder / "client.pem", folder / "client-key.pem")

    def controllers(self) -> tuple[KnownController, ...]:
        """The controllers to which this laptop has handed over; none where it has not. Raises `Refused`."""
        if not self._file.exists():
            return ()
        try:
            return _KNOWN.validate_json(self._file.read_bytes())
        except (ValidationError, OSError) as error:
            raise Refused(
                f"{self._file} cannot be read; put a copy of it back, or remove it, and `flstr bootstrap` writes it "
                "again on the machine that brought the cluster up"
            ) from error

    def cluster(self) -> str:
        """Which cluster it is, as its authority is called; empty where that is not known."""
        try:
            authority = x509.load_pem_x509_certificate(self.tls.ca.read_bytes())
        except (OSError, ValueError):
            return ""
        names = authority.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return cluster_of(str(names[0].value)) if names else ""

    def remember(self, controllers: Iterable[KnownController]) -> None:
        """From now on, this laptop asks them."""
        self._write(self._file, _KNOWN.dump_json(tuple(controllers), indent=2))

    def learn(self, store: Store) -> tuple[KnownController, ...]:
        """The controllers as the cluster has them by now, for they come and go; from now on, this laptop asks them."""
        now, known = known_controllers(Registry(store).read()), self.controllers()
        if now and now != known:
            self.remember(now)
        return now or known

    def certify(self, signer: ClientSigner) -> EtcdTls:
        """A certificate from the cluster's authority; its key is made here, and stays here."""
        if not self._is_certified(signer):
            key = ec.generate_private_key(ec.SECP256R1())
            name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, CONTROLLER_USER)])
            csr = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
            form = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
            self._write(self.tls.key, key.private_bytes(serialization.Encoding.PEM, *form))
            csr_pem = csr.public_bytes(serialization.Encoding.PEM).decode()
            self._write(self.tls.certificate, signer.sign_client(csr_pem, CONTROLLER_USER).encode())
            # The last of them: without it, all are made again.
            self._write(self.tls.ca, signer.certificate.encode())
        return self.tls

    def _is_certified(self, signer: ClientSigner) -> bool:
        return self.tls.ca.exists() and self.tls.ca.read_text() == signer.certificate

    def _write(self, path: Path, content: bytes) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        unfinished = path.with_suffix(".new")
        unfinished.touch(mode=0o600)
        unfinished.write_bytes(content)
        unfinished.replace(path)


class TunnelledStore(Store):
    """An etcd at the other end of a tunnel, which goes with it. As one of several members, it may choose a leader anew
    with them at any time, and is asked again then."""

    def __init__(self, tunnel: Tunnel, tls: EtcdTls) -> None:
        endpoint = f"https://127.0.0.1:{tunnel.port}"
        super().__init__([endpoint], client=EtcdClient([endpoint], tls, of_several=True))
        self._tunnel = tunnel

    def close(self) -> None:
        super().close()
        self._tunnel.close()


def reach(ssh: Ssh, controllers: Iterable[KnownController], tls: EtcdTls) -> TunnelledStore:
    """The cluster's etcd, through the first controller that leads there. Raises `Unreadable` where none does."""
    failures = []
    for known in controllers:
        try:
            # Dialled once beforehand: what is wrong is said in SSH's words, not in etcd's.
            ssh.forward(known.node, known.address, ETCD_PORT).close()
        except StepFailed as error:
            failures.append(error.sentence)
            continue
        store = TunnelledStore(Tunnel(partial(ssh.forward, known.node, known.address, ETCD_PORT)), tls)
        try:
            store.get("flstr")
        except Unreadable as error:
            store.close()
            failures.append(f"{known.node}: {error.sentence}")
        else:
            return store
    raise Unreadable("; ".join(failures) or "no controller is known")


def known_controllers(registered: Registered) -> tuple[KnownController, ...]:
    """Every member of the cluster's etcd that has an address."""
    found = []
    for node, member in sorted(registered.etcd_members.items()):
        host = registered.hosts.get(node)
        if host is not None and host.ip is not None:
            found.append(KnownController(node=node, ip=host.ip, host_key=host.host_key, address=member.address))
    return tuple(found)
