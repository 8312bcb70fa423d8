"""The scripts by which a machine comes to register itself, against what they were before."""

from executors.control.node_files import (
    Enrolled,
    enrol_script,
    register_program,
    request_in,
    request_script,
    retire_script,
)
from executors.first_contact import first_contact_script
from executors.script import wrapped
from gitops.executor import HostFence
from model.registered import NodeRecord
from tests.executors.expected import FIXTURES, check, shellcheck

FOLDER = FIXTURES / "enrolment"
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
REQUEST = "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\nBB==\n-----END CERTIFICATE REQUEST-----\n"
ENROLLED = Enrolled(
    NodeRecord(name="worker101", ip="192.0.2.101", services=("backend", "frontend"), role="worker", pool="worker"),
    ("https://10.110.0.1:2379", "https://10.110.0.2:2379"),
    "vpn_ctrl",
    CERTIFICATE,
)


def test_the_scripts() -> None:
    scripts = {
        "request": request_script(ENROLLED),
        "enrol": enrol_script(ENROLLED, CERTIFICATE),
        "retire": retire_script(),
    }
    for name, script in scripts.items():
        check(FOLDER / f"{name}.sh", script)
        shellcheck(wrapped(script, HostFence(1)))
    shellcheck(register_program(ENROLLED))


def test_one_that_has_its_certificate_is_given_none() -> None:
    assert CERTIFICATE not in enrol_script(ENROLLED, None)
    assert CERTIFICATE in enrol_script(ENROLLED, CERTIFICATE)


def test_a_request_is_found_among_whatever_else_is_printed() -> None:
    assert request_in(f"Reading package lists\n{REQUEST}more\n") == REQUEST
    assert request_in("nothing to do\n") is None
    assert request_in(REQUEST.replace("BB==", "$(reboot)")) is None


def test_etcdctl_is_installed_with_all_else_where_a_machine_will_register_itself() -> None:
    def packages(script: str) -> list[str]:
        (line,) = (line for line in script.splitlines() if line.startswith("for package in "))
        return line.removeprefix("for package in ").removesuffix("; do").split()

    plain = packages(first_contact_script("worker", ["vpn_ctrl"]))
    assert packages(first_contact_script("worker", ["vpn_ctrl"], registers=True)) == [*plain, "etcd-client"]
