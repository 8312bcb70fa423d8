"""Machines are enrolled side by side, and one that fails holds up no other."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from executors.control.enrolment import Enrolment
from gitops.certificates import key_safe
from gitops.enrolment import enrolment_digest
from gitops.executor import HostFence, StepContext
from gitops.registry import Registry
from gitops.store import Store
from model import keys
from model.errors import StepFailed
from model.registered import EtcdMember, NodeRecord
from model.steps import EnrolNodes, LeaveMeshes
from tests.executors.scripted import ScriptedRemote
from tests.gitops.scene import manifests, public_ip
from tests.identity import IDENTITIES

NODES = ("controller001", "worker101", "worker102")
REQUEST, ENROL, USERS = "openssl req -new", "until [ -s /run/flstr-node/lease ]", "etcd role grant-permission"


def request(name: str) -> str:
    """A signing request in which a machine says that it is somebody."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    key = ec.generate_private_key(ec.SECP256R1())
    made = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM).decode()


class Field:
    """Three machines in the controllers' mesh, whose controller carries etcd."""

    def __init__(self, store: Store, dead: tuple[str, ...] = ()) -> None:
        store.put(keys.CLUSTER, manifests().cluster.to_json())
        self.registry = Registry(store)
        for number, node in enumerate(NODES, start=1):
            role = manifests().cluster.nodes()[node].role
            addresses = {"vpn_ctrl": f"10.110.0.{number}"}
            ip = public_ip(node)
            self.registry.put_node(NodeRecord(name=node, ip=ip, services=(), role=role, pool=role, addresses=addresses))
        carries = EtcdMember(node=NODES[0], address="10.110.0.1", member_id="1")
        store.put(keys.etcd_member(NODES[0]), carries.to_json())
        self.certified: set[str] = set()
        self.failing: set[str] = set()
        self.forging: set[str] = set()
        self.remote = ScriptedRemote(self._answer, dead)
        self.reports: list[str] = []
        self.context = StepContext("op", self.registry, HostFence(1), self.reports.append)
        self.enrolment = Enrolment(self.remote, key_safe(IDENTITIES))

    def _answer(self, node: str, script: str) -> str:
        if ENROL in script and node in self.failing:
            raise StepFailed(f"{node}: this machine could not register itself")
        if REQUEST in script and node in self.forging:
            return "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n"
        return request("root") if REQUEST in script and node not in self.certified else ""

    def enrol(self, *nodes: str) -> None:
        self.enrolment.enrol(EnrolNodes(nodes=nodes), self.context)

    def enrolled(self) -> dict[str, str]:
        return self.registry.read().enrolled

    def digest(self) -> str:
        return enrolment_digest(self.registry.read())

    def given(self, node: str) -> x509.Certificate | None:
        """The certificate that a machine was brought."""
        (script,) = (script for name, script in self.remote.ran if name == node and ENROL in script)
        _, begin, rest = script.partition("-----BEGIN CERTIFICATE-----\n")
        pem = begin + rest.partition("-----END CERTIFICATE-----\n")[0] + "-----END CERTIFICATE-----\n"
        return x509.load_pem_x509_certificate(pem.encode()) if begin else None


@pytest.fixture
def field(store: Store) -> Field:
    return Field(store)


def test_a_certificate_says_who_the_machine_is_whatever_it_said_of_itself(field: Field) -> None:
    field.enrol(*NODES)
    for node in NODES:
        found = field.given(node)
        assert found is not None
        assert found.subject.rfc4514_string() == f"CN={node}"
    assert field.enrolled() == dict.fromkeys(NODES, field.digest())


def test_users_are_made_on_a_controller_before_any_machine_needs_its_own(field: Field) -> None:
    field.enrol(*NODES)
    order = [
        (node, next(what for what in (REQUEST, USERS, ENROL) if what in script)) for node, script in field.remote.ran
    ]
    assert order == [
        *((node, REQUEST) for node in NODES),
        (NODES[0], USERS),
        *((node, ENROL) for node in NODES),
    ]


def test_one_that_has_its_certificate_is_given_no_other(field: Field) -> None:
    field.certified = {"worker101"}
    field.enrol(*NODES)
    assert field.given("worker101") is None
    assert field.enrolled() == dict.fromkeys(NODES, field.digest())


def test_one_that_is_not_reached_is_left_for_later(store: Store) -> None:
    field = Field(store, dead=("worker102",))
    field.enrol(*NODES)
    assert set(field.enrolled()) == {"controller001", "worker101"}
    assert any(report.startswith("worker102 was not brought up to date") for report in field.reports)


def test_one_that_fails_is_named_and_the_others_are_enrolled(field: Field) -> None:
    field.failing = {"worker101"}
    with pytest.raises(StepFailed, match="worker101 did not register at etcd: worker101: this machine could not"):
        field.enrol(*NODES)
    assert set(field.enrolled()) == {"controller001", "worker102"}


def test_one_that_asks_by_no_request_holds_up_no_other(field: Field) -> None:
    field.forging = {"worker101"}
    with pytest.raises(StepFailed, match="worker101: what it asks to be certified by is no signing request"):
        field.enrol(*NODES)
    assert set(field.enrolled()) == {"controller001", "worker102"}


def test_one_that_has_not_joined_is_named(field: Field) -> None:
    with pytest.raises(StepFailed, match="worker103: it has not joined vpn_ctrl yet"):
        field.enrol("worker101", "worker103")
    assert set(field.enrolled()) == {"worker101"}


def test_where_no_controller_carries_etcd_there_is_nothing_to_register_at(field: Field) -> None:
    field.registry.store.delete(keys.etcd_member(NODES[0]))
    with pytest.raises(StepFailed, match="nothing to register at"):
        field.enrol(*NODES)
    assert field.remote.ran == []


def leave(field: Field, node: str) -> list[str]:
    """Have a machine leave; who left its meshes then."""
    left: list[str] = []
    field.enrolment.leaving(lambda step, _: left.append(step.node))(LeaveMeshes(node=node), field.context)
    return left


def test_a_machine_that_leaves_is_nobody_at_etcd_any_more_also_where_it_is_dead(store: Store) -> None:
    field = Field(store, dead=("worker102",))
    field.registry.put_enrolled("worker101", "a digest")
    field.registry.put_enrolled("worker102", "a digest")
    assert [leave(field, node) for node in ("worker101", "worker102")] == [["worker101"], ["worker102"]]
    assert field.remote.nodes("systemctl disable --quiet --now flstr-node.service") == ["worker101"]
    assert field.remote.nodes("none user worker101") == field.remote.nodes("none user worker102") == [NODES[0]]
    assert field.enrolled() == {}


def test_where_etcd_runs_elsewhere_a_machine_leaves_as_ever(field: Field) -> None:
    field.registry.store.delete(keys.etcd_member(NODES[0]))
    assert leave(field, "worker101") == ["worker101"]
    assert field.remote.ran == []
