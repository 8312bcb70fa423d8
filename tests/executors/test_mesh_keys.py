"""Keys of both kinds, and that a machine and flstr say the same of them."""

import subprocess
from pathlib import Path

import pytest

from executors.mesh_files import End, Place, held
from executors.mesh_keys import fingerprint, keys_script, public_keys
from executors.script import wrapped
from executors.templates import render
from gitops.executor import HostFence
from model.registered import MeshMember
from tests.executors.clusters import cluster, members, public_key

ED25519 = "B/uDOmfTVzFGwwh4GPbn9WXO32u2acRVa6egNiw72mE"
MESH = cluster("small").meshes["vpn_ctrl"]

# A tinc 1.1 by its command line; what it writes has the form of the real one, seen with 1.1pre18.
TINC_11 = f"""#!/bin/sh
case $4 in
    generate-ed25519-keys) echo "Ed25519PublicKey = {ED25519}" >$2/ed25519_key.pub; echo secret >$2/ed25519_key.priv ;;
    generate-rsa-keys) cd $2 && tincd -c . -K1024 </dev/null ;;
esac
"""


def member(node: str, rsa: str, ed25519: str = "") -> MeshMember:
    return MeshMember(
        node=node, role="worker", endpoint="198.51.100.1", address="10.110.0.3",
        public_key=rsa, ed25519_public_key=ed25519,
    )  # fmt: skip


def bash(script: str, folder: Path, path: Path | None = None) -> "subprocess.CompletedProcess[str]":
    text = wrapped(script.replace("/etc/tinc", str(folder)), HostFence(1), str(folder / "state"))
    if path is not None:
        text = text.replace("PATH=", f"PATH={path}:", 1)
    return subprocess.run(["bash", "-s"], input=text, check=False, capture_output=True, text=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Real keys of tinc in mesh vpn_ctrl, and the host files of worker101 and controller001."""
    printed = bash(keys_script(["vpn_ctrl"]).replace("-K3072", "-K1024"), tmp_path)
    me = member("worker101", public_keys(printed.stdout)["vpn_ctrl"].rsa)
    hub = member("controller001", public_key("AAAAhub"), ED25519)
    (tmp_path / "vpn_ctrl/hosts").mkdir()
    for one in (me, hub):
        text = render("mesh/host.j2", member=one, port=760, subnets=["10.110.0.3/32"])
        (tmp_path / "vpn_ctrl/hosts" / one.node).write_text(text)
    return tmp_path


def own(folder: Path) -> MeshMember:
    return member("worker101", (folder / "vpn_ctrl/rsa_key.pub").read_text())


def ends(script: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    return bash(f"me=worker101\n{render('mesh/ends.sh.j2')}\n{script}", folder)


def test_a_machine_says_of_its_keys_what_flstr_says(folder: Path) -> None:
    told = ends("for n in worker101 controller001; do echo holds vpn_ctrl $n $(holds vpn_ctrl $n); done", folder)
    hub = member("controller001", public_key("AAAAhub"), ED25519)
    assert held(told.stdout, "worker101") == (
        End("vpn_ctrl", "worker101", fingerprint(own(folder)), 760, "worker101"),
        End("vpn_ctrl", "controller001", fingerprint(hub), 760, "worker101"),
    )


def test_its_own_key_is_that_of_its_private_half(folder: Path) -> None:
    (folder / "vpn_ctrl/rsa_key.priv").unlink()
    told = ends(f"same vpn_ctrl worker101 {fingerprint(own(folder))} 760 etcd", folder)
    assert told.returncode == 1
    assert "worker101 and etcd do not have the same key and port of worker101 in vpn_ctrl" in told.stderr


@pytest.mark.parametrize(("key", "port", "equal"), [("", 760, True), ("0" * 16, 760, False), ("", 761, False)])
def test_ends_that_differ_in_key_or_port_are_named(folder: Path, key: str, port: int, equal: bool) -> None:
    told = ends(f"same vpn_ctrl worker101 {key or fingerprint(own(folder))} {port} controller001", folder)
    assert (told.returncode == 0) is equal
    if not equal:
        assert told.stderr.startswith(
            "worker101 and controller001 do not have the same key and port of worker101 in vpn_ctrl ("
        )


def test_where_a_machine_has_tinc_1_1_both_its_keys_are_made_and_written(tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "tinc").write_text(TINC_11)
    (tools / "tinc").chmod(0o755)
    printed = bash(keys_script(["vpn_ctrl"]), tmp_path, tools)
    keys = public_keys(printed.stdout)["vpn_ctrl"]
    assert keys.ed25519 == ED25519
    one = member("worker101", keys.rsa, keys.ed25519)
    place = Place("vpn_ctrl", MESH, one, (members(cluster("small"))["vpn_ctrl"]["controller001"],))
    assert f"\nEd25519PublicKey = {ED25519}\n\n-----BEGIN" in place.folder()["hosts/worker101"]
    assert "Ed25519PublicKey" not in place.folder()["hosts/controller001"]
    assert bash(keys_script(["vpn_ctrl"]), tmp_path, tools).stdout == printed.stdout
