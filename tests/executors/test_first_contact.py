"""User-data, the first script, and the tinc keys it prints."""

import subprocess
from pathlib import Path
from typing import get_args

import paramiko
import pytest
from ruamel.yaml import YAML

from executors.cloud_init import user_data
from executors.first_contact import first_contact_script
from executors.host_key import HostKey, host_key_label, new_host_key
from executors.mesh_keys import keys_script, public_keys
from executors.script import prelude, wrapped
from gitops.executor import HostFence
from model.names import Role
from tests.executors.expected import FIXTURES, check, shellcheck

MESHES = ["vpn_ctrl", "vpn_ingr"]


def test_the_prelude() -> None:
    check(FIXTURES / "prelude.sh", prelude(HostFence(7)))


def test_the_user_data() -> None:
    private = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\nBBBB\n-----END OPENSSH PRIVATE KEY-----\n"
    check(FIXTURES / "user-data.yaml", user_data("worker101", HostKey("ssh-ed25519 AAAA", private), "ssh-ed25519 CCCC"))


def test_the_user_data_holds_the_host_key_whole() -> None:
    key = new_host_key()
    read = YAML(typ="safe").load(user_data("worker101", key, "ssh-ed25519 CCCC"))
    assert read["ssh_keys"] == {"ed25519_private": key.private, "ed25519_public": key.public}
    assert read["ssh_authorized_keys"] == ["ssh-ed25519 CCCC"]
    assert read["ssh_deletekeys"] is True
    assert read["ssh_pwauth"] is False
    assert read["disable_root"] is False


def test_a_host_key_is_one_that_openssh_reads(tmp_path: Path) -> None:
    key = new_host_key()
    path = tmp_path / "key"
    path.write_text(key.private)
    path.chmod(0o600)
    read = subprocess.run(["ssh-keygen", "-y", "-f", str(path)], check=True, capture_output=True, text=True)
    assert read.stdout.split()[:2] == key.public.split()
    assert paramiko.Ed25519Key.from_private_key_file(str(path)).get_base64() == key.public.split()[1]


def test_the_private_half_is_not_in_what_gets_printed() -> None:
    key = new_host_key()
    assert key.private.splitlines()[1] not in repr(key)


def test_the_label_of_a_host_key_fits_and_tells_keys_apart() -> None:
    one, other = new_host_key(), new_host_key()
    assert len(host_key_label(one.public)) == 40
    assert host_key_label(one.public) != host_key_label(other.public)
    assert host_key_label(one.public) == host_key_label(one.public + " a comment")


@pytest.mark.parametrize("role", get_args(Role))
def test_the_first_script(role: Role) -> None:
    script = first_contact_script(role, MESHES)
    check(FIXTURES / "first-contact" / f"{role}.sh", script)
    shellcheck(wrapped(script, HostFence(1)))


def test_real_tinc_keys_are_made_once_and_read_back(tmp_path: Path) -> None:
    script = wrapped(keys_script(MESHES).replace("/etc/tinc", str(tmp_path)), HostFence(1), str(tmp_path / "state"))

    def run() -> str:
        return subprocess.run(["bash", "-s"], input=script, check=True, capture_output=True, text=True).stdout

    first = run()
    keys = public_keys(first)
    assert sorted(keys) == MESHES
    assert keys["vpn_ctrl"] != keys["vpn_ingr"]
    assert keys["vpn_ctrl"].rsa.endswith("-----END RSA PUBLIC KEY-----\n")
    assert (tmp_path / "vpn_ctrl" / "rsa_key.priv").stat().st_mode & 0o777 == 0o600
    assert run() == first


def test_what_is_no_key_is_not_taken_for_one() -> None:
    text = "mesh vpn_ctrl\n-----BEGIN RSA PUBLIC KEY-----\nSubnet = 0.0.0.0/0\n-----END RSA PUBLIC KEY-----\n"
    assert public_keys(text) == {}
