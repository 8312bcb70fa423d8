import pytest
from hcloud import APIException

from tests.lab.cloud.keys import FINGERPRINT, KEY, OTHER_KEY
from tests.lab.cloud.running_cloud import AnyClient


def test_a_key_is_found_by_its_fingerprint(client: AnyClient) -> None:
    created = client.ssh_keys.create("operator", KEY + "\n", labels={"a": "b"})
    found = client.ssh_keys.get_by_fingerprint(FINGERPRINT)
    assert found is not None
    assert (found.id, found.public_key, found.labels) == (created.id, KEY, {"a": "b"})


def test_names_and_keys_are_unique(client: AnyClient) -> None:
    client.ssh_keys.create("operator", KEY)
    for name, key in (("operator", OTHER_KEY), ("other", KEY)):
        with pytest.raises(APIException) as raised:
            client.ssh_keys.create(name, key)
        assert raised.value.code == "uniqueness_error"


@pytest.mark.parametrize("text", ["", "ssh-ed25519", "ssh-ed25519 AAAA", "ssh-rsa !!!", KEY.replace("AAAA", "BBBB")])
def test_what_is_no_key_is_refused(client: AnyClient, text: str) -> None:
    with pytest.raises(APIException) as raised:
        client.ssh_keys.create("operator", text)
    assert raised.value.code == "invalid_input"
    assert raised.value.details["fields"][0]["name"] == "public_key"


def test_update_and_delete(client: AnyClient) -> None:
    key = client.ssh_keys.create("operator", KEY)
    assert key.update(name="developer", labels={"x": ""}).name == "developer"
    key.delete()
    assert client.ssh_keys.get_all() == []
