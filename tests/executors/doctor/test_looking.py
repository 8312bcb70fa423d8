"""What a machine is asked: sound shell that changes nothing, and that says of its files what flstr says of them."""

import subprocess
from pathlib import Path

import pytest

from executors.doctor.facts import Facts, HostFile, parse
from executors.doctor.looking import concerned, look_script, look_scripts
from executors.mesh_files import places
from executors.mesh_keys import fingerprint
from executors.script import wrapped
from gitops.executor import HostFence
from tests.executors.clusters import cluster
from tests.executors.doctor.ward import HUB, OTHER_HUB, WORKER, registered_of, well
from tests.executors.expected import FIXTURES, check, shellcheck

THREE, OVERLAY = cluster("three-machines"), cluster("overlay")


@pytest.mark.parametrize(
    ("name", "node"), [("three-machines", WORKER), ("overlay", "worker101"), ("overlay", "controller001")]
)
def test_the_look_at_a_machine(name: str, node: str) -> None:
    of = cluster(name)
    script = look_scripts(of.nodes(), None, of, registered_of(of))[node]
    check(FIXTURES / "doctor" / f"look-{name}-{node}.sh", script)
    shellcheck(wrapped(script, HostFence(1)))


def test_every_tunnel_is_tried_from_both_its_ends() -> None:
    scripts = look_scripts(THREE.nodes(), None, THREE, registered_of(THREE))
    tried = {
        (node, other)
        for node, script in scripts.items()
        for other in THREE.nodes()
        if f"reach vpn_ingr {other}" in script
    }
    assert tried == {(node, other) for node in THREE.nodes() for other in THREE.nodes() if node != other}


def test_of_one_machine_only_its_own_tunnels_are_tried() -> None:
    scripts = look_scripts(THREE.nodes(), WORKER, THREE, registered_of(THREE))
    assert f"reach vpn_ingr {OTHER_HUB}" not in scripts[HUB]
    assert f"reach vpn_ingr {WORKER}" in scripts[HUB]


def test_a_machine_concerns_its_hubs_and_everybody_in_its_overlay() -> None:
    registered = registered_of(OVERLAY)
    assert concerned("worker101", OVERLAY, registered) == ("controller001", "ingress016", "worker101", "worker102")
    assert concerned(WORKER, THREE, registered_of(THREE)) == (HUB, OTHER_HUB, WORKER)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The mesh folder of the worker, as flstr writes it."""
    (place,) = places(WORKER, THREE, registered_of(THREE).members)
    for path, text in place.folder().items():
        file = tmp_path / place.name / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path


def seen(folder: Path) -> Facts:
    """The look at this machine, with the folder for `/etc/tinc`."""
    of_node = places(WORKER, THREE, registered_of(THREE).members)
    script = look_script(of_node, [], None).replace("/etc/tinc", str(folder))
    text = wrapped(script, HostFence(1), str(folder / "state"))
    return parse(subprocess.run(["bash", "-s"], input=text, check=True, capture_output=True, text=True).stdout)


def test_what_flstr_writes_is_seen_as_it_is_registered(folder: Path) -> None:
    facts = seen(folder)
    assert facts.complete
    assert facts.now > 0
    assert facts.meshes["vpn_ingr"].hosts == well().mesh(WORKER).hosts
    assert facts.meshes["vpn_ingr"].name == WORKER


def test_a_file_without_a_key_and_a_private_key_that_is_not_there(folder: Path) -> None:
    hub = folder / "vpn_ingr/hosts" / HUB
    hub.write_text(hub.read_text().partition("-----BEGIN")[0])
    (folder / "vpn_ingr/hosts" / OTHER_HUB).write_text("\n")
    mesh = seen(folder).meshes["vpn_ingr"]
    assert (mesh.hosts[HUB].key, mesh.hosts[HUB].port) == ("", "762")
    assert mesh.hosts[OTHER_HUB] == HostFile()
    assert mesh.key == ""


def test_a_private_key_is_known_by_its_public_half_which_alone_is_said(folder: Path) -> None:
    key = folder / "vpn_ingr/rsa_key.priv"
    subprocess.run(["openssl", "genrsa", "-traditional", "-out", key, "1024"], check=True, capture_output=True)
    public = subprocess.run(
        ["openssl", "rsa", "-in", key, "-RSAPublicKey_out"], check=True, capture_output=True, text=True
    ).stdout
    member = registered_of(THREE).members["vpn_ingr"][WORKER].model_copy(update={"public_key": public})
    assert seen(folder).meshes["vpn_ingr"].key == fingerprint(member)


def test_a_mesh_whose_folder_is_gone_is_seen_as_empty(folder: Path) -> None:
    (folder / "vpn_ingr").rename(folder / "elsewhere")
    mesh = seen(folder).meshes["vpn_ingr"]
    assert (mesh.key, mesh.name, mesh.hosts) == ("", "", {})
