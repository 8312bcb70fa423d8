"""What a lab's parts may be called, and that nobody else's parts are taken for its own."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.errors import LabError
from lab.naming import HOST_OCTETS, NUMBERS, LabFolders, LabNames, check_host_name, check_lab_name

lab_names = st.from_regex(r"[a-z][a-z0-9-]{0,18}[a-z0-9]|[a-z]", fullmatch=True)
numbers = st.sampled_from(NUMBERS)
octets = st.sampled_from(HOST_OCTETS)


@pytest.mark.parametrize("name", ["", "Lab", "1lab", "lab-", "-lab", "a/b", "a b", "lab\n", "a" * 21, "../x"])
def test_a_name_that_cannot_name_a_lab_is_refused(name: str) -> None:
    with pytest.raises(LabError, match="A lab cannot be called"):
        check_lab_name(name)


@pytest.mark.parametrize("name", ["", "..", "a..b", "../up", "-a", "a-", "a_b", "a/b", "worker101\n", "x" * 64])
def test_a_name_that_is_no_host_name_is_refused(name: str) -> None:
    with pytest.raises(LabError, match="A host cannot be called"):
        check_host_name(name)


@given(name=lab_names, number=numbers, octet=octets)
def test_names_fit_what_the_kernel_and_systemd_allow(name: str, number: int, octet: int) -> None:
    names = LabNames(name, number)
    assert len(names.bridge) <= 15
    assert len(names.veth(octet)) <= 15
    assert len(names.namespace(octet)) <= 64


@given(ours=st.tuples(lab_names, numbers), theirs=st.tuples(lab_names, numbers), octet=octets)
def test_a_lab_owns_its_own_parts_only(ours: tuple[str, int], theirs: tuple[str, int], octet: int) -> None:
    our_names, their_names = LabNames(*ours), LabNames(*theirs)
    assert our_names.owns_namespace(their_names.namespace(octet)) == (ours == theirs)
    assert our_names.owns_veth(their_names.veth(octet)) == (ours[1] == theirs[1])
    assert not our_names.owns_veth(our_names.bridge)


def test_a_lab_with_a_longer_name_is_not_a_host_of_this_one() -> None:
    assert not LabNames("a", 1).owns_namespace(LabNames("a-1", 1).namespace(10))
    assert not LabNames("a", 1).owns_namespace(LabNames("a", 11).namespace(10))


@given(number=numbers, octet=octets)
def test_an_address_and_its_last_octet_say_the_same(number: int, octet: int) -> None:
    names = LabNames("lab", number)
    assert names.octet_of_host(str(names.address(octet))) == octet
    assert str(names.interface_address(octet)) == f"10.77.{number}.{octet}/24"


@pytest.mark.parametrize("address", ["10.77.4.10", "10.77.3.1", "10.77.3.2", "10.77.3.255", "::1", "worker101", ""])
def test_an_address_that_no_host_can_have_is_refused(address: str) -> None:
    with pytest.raises(LabError, match=r"10\.77\.3\.10 to 10\.77\.3\.250"):
        LabNames("lab", 3).octet_of_host(address)


@pytest.mark.parametrize("number", [0, 255, -1])
def test_a_number_outside_the_subnets_is_refused(number: int) -> None:
    with pytest.raises(LabError, match="between 1 and 254"):
        LabNames("lab", number)


@pytest.mark.parametrize("root", ["relative", "/has space", "/has:colon", "/has,comma"])
def test_a_folder_that_an_overlay_could_not_take_is_refused(root: str) -> None:
    with pytest.raises(LabError, match="must be an absolute path"):
        LabFolders(Path(root))
