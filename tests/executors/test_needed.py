"""What an app is told of the services that it needs, and where their passwords go, and never go."""

import json

import pytest

from executors.instances import Instances, start_script
from executors.needed import credentials, service_credentials, where_needed
from executors.releases import Releases
from executors.unit_files import Place, environment
from gitops.executor import HostFence, StepContext
from gitops.registered_tree import parse
from gitops.registry import Registry
from gitops.store import Store
from model import keys, service_keys
from model.app import App
from model.errors import Refused, StepFailed
from model.registered import Registered
from model.service import Service
from model.steps import StartInstance
from tests.executors.clusters import cluster
from tests.executors.example import influencer, no_pack, registered_keys
from tests.executors.scripted import ScriptedRemote
from tests.executors.services_example import installed, service
from tests.identity import IDENTITIES, OTHERS, encrypted

INSTANCE = "3-ab12cd34"
PLACE = Place("worker101", "vpn_ingr", "10.111.0.1", 20001)
ADDRESSES = {"service101": "10.5.1.1", "service102": "10.5.2.1"}
CACHE = installed(service(), ADDRESSES, leader="service101")
BY_HAND = {
    "service/cache/meta_data": json.dumps(
        {"publish": {"port": 6379}, "env_prefix": "CACHE", "env": {"PROTOCOL": "redis", "PATH": "/"}}
    )
}
NEEDS_CACHE = influencer(needs=["cache"])
PASSWORD = b"0123456789abcdef"
STORE = service(
    "store", "mongodb", users={"fame": {"roles": ["readWrite"], "apps": ["influencer"]}, "other": {"apps": ["creator"]}}
)


def tree(*more: dict[str, str]) -> Registered:
    found = registered_keys()
    for one in more:
        found |= one
    return parse(found)


def test_an_app_is_told_where_a_service_is_which_is_its_own_machines_haproxy() -> None:
    assert where_needed(NEEDS_CACHE, tree(CACHE)) == {
        "CACHE_PROTOCOL": "redis",
        "CACHE_HOST": "127.0.0.1",
        "CACHE_PORT": "7000",
        "CACHE_PATH": "/",
    }


def test_an_app_that_comes_as_a_user_is_told_which_and_gets_that_users_password_alone() -> None:
    app, found = influencer(needs=["store"]), tree(installed(STORE, ADDRESSES))
    assert where_needed(app, found)["STORE_USER"] == "fame"
    assert service_credentials(app, found) == {"STORE_PASSWORD": ("store", "user-fame")}


def test_an_app_that_comes_as_no_user_of_a_service_that_has_some_gets_no_password() -> None:
    app, found = influencer(app="stranger", needs=["store"]), tree(installed(STORE, ADDRESSES))
    assert "STORE_USER" not in where_needed(app, found)
    assert service_credentials(app, found) == {}


def test_a_playbook_of_the_cluster_repo_has_passwords_by_their_names() -> None:
    queue = service("queue", "playbooks/queue.yml", port=5672, passwords=["client", "admin"])
    files = service_credentials(influencer(needs=["queue"]), tree(installed(queue, ADDRESSES)))
    assert files == {"QUEUE_CLIENT": ("queue", "client"), "QUEUE_ADMIN": ("queue", "admin")}


def test_a_service_that_was_registered_by_hand_is_told_of_without_credentials() -> None:
    assert where_needed(NEEDS_CACHE, tree(BY_HAND))["CACHE_PORT"] == "6379"
    assert service_credentials(NEEDS_CACHE, tree(BY_HAND)) == {}


def test_a_service_that_is_still_being_installed_is_named() -> None:
    half = installed(service(), ADDRESSES, meta_data=False)
    with pytest.raises(StepFailed, match=r"^influencer needs cache, which is not installed yet; it is registered once"):
        where_needed(NEEDS_CACHE, tree(half))


def test_the_unit_loads_the_password_and_the_script_carries_it_and_no_variable_holds_it() -> None:
    found = tree(CACHE)
    script = start_script(NEEDS_CACHE, INSTANCE, PLACE, found, {"CACHE_PASSWORD": PASSWORD})
    unit = f"flstr-backend-influencer-{INSTANCE}.service"
    assert f"LoadCredential=CACHE_PASSWORD:/var/lib/flstr/credentials/{unit}/CACHE_PASSWORD\n" in script
    assert "put_credential CACHE_PASSWORD <<" in script
    assert PASSWORD.decode() not in script
    assert not any("PASSWORD" in name for name in environment(NEEDS_CACHE, INSTANCE, PLACE, found))


def test_the_password_is_opened_as_it_is_needed(store: Store) -> None:
    store.put(service_keys.secret("cache", "password"), encrypted(PASSWORD))
    # What no app is given is not even opened.
    store.put(service_keys.secret("cache", "replication"), encrypted(b"x", OTHERS))
    app = influencer(needs=["cache"], secrets={"token": encrypted(b"mine")})
    found = credentials(app, tree(CACHE), store, IDENTITIES.decrypt)
    assert found == {"token": b"mine", "CACHE_PASSWORD": PASSWORD}


def test_a_password_that_is_not_there_or_cannot_be_opened_is_named(store: Store) -> None:
    with pytest.raises(StepFailed, match=r"^influencer needs cache, whose secret password is not there; it is made as"):
        credentials(NEEDS_CACHE, tree(CACHE), store, IDENTITIES.decrypt)
    store.put(service_keys.secret("cache", "password"), encrypted(PASSWORD, OTHERS))
    with pytest.raises(Refused, match=r"^the secret password of service cache: this cluster, which is age1"):
        credentials(NEEDS_CACHE, tree(CACHE), store, IDENTITIES.decrypt)


def test_what_an_app_shows_of_the_password_as_it_ends_is_hidden(store: Store) -> None:
    store.write(registered_keys() | CACHE)
    store.put(keys.CLUSTER, cluster("small").to_json())
    store.put(service_keys.secret("cache", "password"), encrypted(PASSWORD))
    remote = ScriptedRemote(lambda node, script: f"exited 3\nAUTH {PASSWORD.decode()}\n")
    instances = Instances(remote, IDENTITIES.decrypt, Releases(remote, no_pack))
    context = StepContext("op", Registry(store), HostFence(1), lambda _: None)
    with pytest.raises(StepFailed) as failed:
        instances.start(StartInstance(node="worker101", app=NEEDS_CACHE, instance=INSTANCE), context)
    assert failed.value.output == "AUTH ****"


def test_no_value_of_etcd_holds_a_password_that_an_instance_was_given(store: Store) -> None:
    store.write(registered_keys() | CACHE)
    store.put(keys.CLUSTER, cluster("small").to_json())
    store.put(service_keys.secret("cache", "password"), encrypted(PASSWORD))
    remote = ScriptedRemote(lambda node, script: "healthy\n")
    context = StepContext("op", Registry(store), HostFence(1), lambda _: None)
    Instances(remote, IDENTITIES.decrypt, Releases(remote, no_pack)).start(
        StartInstance(node="worker101", app=NEEDS_CACHE, instance=INSTANCE), context
    )
    assert not any(PASSWORD.decode() in value for value in store.prefix("").values())


def spec_of(one: Service, app: App) -> object:
    return one.for_app(app.app)


def test_what_an_app_is_given_is_what_its_spec_changes_with() -> None:
    """Whoever is told something else is replaced; whoever is not, stays."""
    more = STORE.model_copy(update={"users": STORE.users | {"third": STORE.users["other"]}})
    assert spec_of(STORE, influencer()) == spec_of(more, influencer())
    assert spec_of(STORE, influencer()) != spec_of(STORE, influencer(app="creator"))
