"""Members: who is pushed, as the files of the routing have them, and never anything that is no name or address."""

import json
import re

from hypothesis import given
from hypothesis import strategies as st

from executors.members import members
from executors.routing_files import routing_files
from gitops.registered_tree import parse
from model import keys, service_keys
from model.app import Env, Publish
from model.registered import InstanceRecord, MetaData, Registered, ServiceInstance
from tests.executors.example import registered, registered_keys
from tests.executors.routers import record
from tests.executors.services_example import installed, service

META = MetaData(publish=Publish(port=5001), env_prefix="REDIS", env=Env()).to_json()
SERVER = re.compile(r"^backend (\S+)$|^    server (\S+) (\S+):(\d+) (.*)$", re.MULTILINE)
ONE = "backend/influencer/instance/1-00000001"
NODES = ("worker101", "worker102", "worker103")


def in_file(tree: Registered) -> dict[str, dict[str, tuple[str, int]]]:
    """The servers of the file of a machine, by backend."""
    found: dict[str, dict[str, tuple[str, int]]] = {}
    backend = ""
    for name, server, address, port, _ in SERVER.findall(routing_files(tree, "ingress016").haproxy):
        if name:
            found[backend := name] = {}
        else:
            found[backend][server] = (address, int(port))
    return found


def test_what_is_pushed_is_what_the_file_has() -> None:
    for case in ("empty", "example", "several"):
        pushed, unread = members(registered_keys(case))
        apps = {name: servers for name, servers in pushed.items() if not name.startswith("service-")}
        assert (apps, unread) == (in_file(registered(case)), {})
    assert members(registered_keys("several"))[0] != {}


@given(st.lists(st.sampled_from(NODES), max_size=4), st.sets(st.sampled_from(NODES)))
def test_silent_machines_get_no_traffic_in_the_files_nor_by_pushing_unless_nobody_else_serves(
    nodes: list[str], silent: set[str]
) -> None:
    placed = {f"{number}-00000001": node for number, node in enumerate(nodes, start=1)}
    found = registered_keys("empty") | {"backend/influencer/meta_data": META}
    found |= {
        f"backend/influencer/instance/{name}": record(20001, node=node).to_json() for name, node in placed.items()
    }
    found |= {keys.not_ready(node): "1.0" for node in silent}
    heard = {name for name, node in placed.items() if node not in silent}
    pushed, unread = members(found)
    assert set(pushed["backend-influencer"]) == (heard or set(placed))
    assert (pushed, unread) == (in_file(parse(found)), {})


def test_an_app_without_instances_has_no_servers_and_one_without_meta_data_is_not_there() -> None:
    assert members({"backend/influencer/meta_data": META}) == ({"backend-influencer": {}}, {})
    assert members({ONE: record(20001).to_json()}) == ({}, {})


def test_services_are_known_by_their_names() -> None:
    main = ServiceInstance(node="service201", ip="10.5.1.1", port=6379)
    found = {"service/redis/meta_data": META, "service/redis/instance/main": main.to_json()}
    assert members(found) == ({"service-redis": {"main": ("10.5.1.1", 6379)}}, {})


CACHE = installed(service(), {"service101": "10.5.1.1", "service102": "10.5.2.1"}, leader="service102")


def test_of_a_service_with_a_leader_the_leader_alone_is_pushed_and_ends_its_sessions_where_it_leads_no_more() -> None:
    pushed, unread = members(CACHE)
    assert pushed == {"service-cache": {"service102": ("10.5.2.1", 6379, "on-marked-down shutdown-sessions")}}
    assert unread == {}


def test_a_service_whose_leader_cannot_be_read_is_left_out() -> None:
    odd = CACHE | {service_keys.installed("cache"): "{}"}
    assert members(odd)[0] == {}
    assert list(members(odd)[1]) == [service_keys.installed("cache")]


def test_an_app_is_left_out_where_one_of_its_instances_cannot_be_read() -> None:
    found = {
        "backend/influencer/meta_data": META,
        "backend/creator/meta_data": META,
        "backend/creator/instance/2-00000002": record(20002).to_json(),
        "backend/influencer/instance/2-00000002": record(20002).to_json(),
        ONE: "{}",
    }
    assert members(found)[0] == {"backend-creator": {"2-00000002": ("127.0.0.1", 20002)}}
    assert list(members(found)[1]) == [ONE]


TEXT = st.text(st.characters(codec="utf-8"), max_size=30) | st.sampled_from(
    ["fe80::1%a; disable server", "127.0.0.1 check", "::ffff:10.0.0.1", "1-00000001", "influencer"]
)


@given(app=TEXT, instance=TEXT, ip=TEXT, port=st.integers() | TEXT)
def test_nothing_but_names_and_addresses_is_ever_pushed(app: str, instance: str, ip: str, port: int | str) -> None:
    value = InstanceRecord.model_construct(node="worker101", ip=ip, port=port, commit="1" * 40)  # type: ignore[arg-type]
    text = json.dumps({"node": value.node, "ip": value.ip, "port": value.port, "commit": value.commit})
    found = {f"backend/{app}/instance/{instance}": text, f"backend/{app}/meta_data": META}
    for backend, servers in [*members(found)[0].items(), *members({f"backend/{app}/meta_data": META})[0].items()]:
        for name, (address, number, *more) in servers.items():
            assert not more
            assert re.fullmatch(r"[a-z0-9-]+", name)
            assert re.fullmatch(r"backend-[a-z0-9-]+", backend)
            assert re.fullmatch(r"[0-9a-f.:]+", address)
            assert 0 < number < 65536
