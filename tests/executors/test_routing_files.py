"""What HAProxy and nginx are to say: a registered tree in, expected files out, which their programs accept."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from executors.certificates.ingress_files import CERTIFICATES_FOLDER
from executors.routing_files import HAPROXY_PAGE, RoutingFiles, routing_files
from gitops.registered_tree import parse
from gitops.routed import routing_nodes
from model import keys
from model.errors import StepFailed, Unreadable
from model.names import CertificateHost, UrlPath
from model.registered import IngressLocation, IngressPublish, IngressRecord, Registered
from tests.executors.example import CASES, ROUTING_FIXTURES, registered, registered_keys
from tests.executors.expected import check
from tests.executors.issued import pair_for

NODES = [(case, node) for case in CASES for node in routing_nodes(registered(case))]


@pytest.mark.parametrize(("case", "node"), NODES)
def test_the_files_of_each_machine(case: str, node: str) -> None:
    files = routing_files(registered(case), node)
    expected = ROUTING_FIXTURES / case / node
    check(expected / "haproxy.cfg", files.haproxy)
    if files.nginx is not None:
        check(expected / "nginx.conf", files.nginx)


@pytest.mark.parametrize(("case", "node"), NODES)
def test_haproxy_and_nginx_accept_them(case: str, node: str, tmp_path: Path) -> None:
    accepted(routing_files(registered(case), node), tmp_path)


def accepted(files: RoutingFiles, folder: Path) -> None:
    """Fail where haproxy or nginx finds fault."""
    if shutil.which("haproxy") is None or shutil.which("nginx") is None:
        pytest.skip("needs Debian's haproxy and nginx-light")
    page = folder / "page.html"
    page.write_text(files.pages[HAPROXY_PAGE])
    config = folder / "haproxy.cfg"
    config.write_text(files.haproxy.replace(HAPROXY_PAGE, str(page)))
    found = subprocess.run(["haproxy", "-c", "-f", config], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    assert "WARNING" not in found.stderr
    if files.nginx is not None:
        if os.geteuid() != 0:
            pytest.skip("needs root, because nginx takes port 80 and opens its log even to test a file")
        config = folder / "nginx.conf"
        certificate = folder / "any.pem"
        certificate.write_text(pair_for("any.example.com").content)
        text = re.sub(rf"{CERTIFICATES_FOLDER}/[^;]+", str(certificate), files.nginx)
        config.write_text(text.replace("/run/nginx.pid", f"{folder}/pid"))
        found = subprocess.run(["nginx", "-t", "-c", config], capture_output=True, text=True, check=False)
        assert found.returncode == 0, found.stderr
        assert "[warn]" not in found.stderr


def test_controllers_route_nothing() -> None:
    assert routing_nodes(registered()) == ("ingress016", "worker101", "worker102")


def test_an_app_is_offered_to_its_machine_and_through_the_networks_only() -> None:
    haproxy = routing_files(registered(), "worker101").haproxy
    binds = [line.strip() for line in haproxy.splitlines() if line.strip().startswith("bind ")]
    addresses = sorted(registered().nodes["worker101"].addresses.items())
    assert binds == ["bind 127.0.0.1:5001", *(f"bind {address}:5001 transparent" for _, address in addresses)]
    assert addresses


def test_nginx_has_nothing_to_do_with_who_serves() -> None:
    tree = registered("several")
    gone = {name: app.model_copy(update={"instances": {}}) for name, app in tree.apps.items()}
    without = tree.model_copy(update={"apps": gone})
    assert routing_files(without, "ingress016").haproxy != routing_files(tree, "ingress016").haproxy
    assert routing_files(without, "ingress016").nginx == routing_files(tree, "ingress016").nginx


def with_services(case: str, **ports: int) -> Registered:
    """A case with services beside its apps, published at these ports."""
    metas = {name: {"publish": {"port": port}, "env_prefix": "X", "env": {}} for name, port in ports.items()}
    return parse(registered_keys(case) | {f"service/{name}/meta_data": json.dumps(one) for name, one in metas.items()})


def test_a_service_at_the_port_of_an_app_or_of_another_service_is_refused_by_name() -> None:
    refusal = "^{} and {} both publish port {}; give one of them another$"
    with pytest.raises(StepFailed, match=refusal.format("backend-influencer", "service-redis", 5001)):
        routing_files(with_services("example", redis=5001), "worker101")
    with pytest.raises(StepFailed, match=refusal.format("service-redis", "service-mongo", 6379)):
        routing_files(with_services("example", redis=6379, mongo=6379), "worker101")
    haproxy = routing_files(with_services("example", redis=6379, mongo=6380), "worker101").haproxy
    assert "bind 127.0.0.1:6379\n" in haproxy
    assert "bind 127.0.0.1:6380\n" in haproxy


def is_valid(kind: Any, text: str) -> bool:
    try:
        TypeAdapter(kind).validate_python(text)
    except ValidationError:
        return False
    return True


BREAKING_OUT = st.text(st.sampled_from("a./-~_* ;{}$\"'\\\n\r\t#%`|&<>\x00é"), min_size=1, max_size=30)
SIGNS = ";{}$\n#\"'`\\"


@given(BREAKING_OUT, BREAKING_OUT)
def test_no_host_or_path_becomes_syntax(host: str, path: str) -> None:
    """What the model lets through stands in the files as one word; the rest never gets here."""
    if not (is_valid(CertificateHost, host) and is_valid(UrlPath, path)):
        with pytest.raises(ValidationError):
            record(host, path)
        return
    plain = routing_files(with_address(record("plain.example.com", "/plain")), "ingress016").nginx or ""
    odd = routing_files(with_address(record(host, path)), "ingress016").nginx or ""
    if path.rstrip("/"):
        assert [odd.count(sign) for sign in SIGNS] == [plain.count(sign) for sign in SIGNS]


# Everything of what is registered that stands in a file: where it is in a key or a value, `@` is what a test puts there.
PLACES = {
    "host": ("ingress/a.example.com:443", '{"publish": {"port": 443, "ssl": true, "host_name": "@"}, "location": []}'),
    "plain host": ("ingress/a.example.com:80", '{"publish": {"port": 80, "host_name": "@"}, "location": []}'),
    "location": (
        "ingress/shop.example.com:443",
        '{"publish": {"port": 443, "ssl": true, "host_name": "shop.example.com"}, '
        '"location": [{"location": "@", "type": "frontend", "name": "shop"}]}',
    ),
    "app of a location": (
        "ingress/shop.example.com:443",
        '{"publish": {"port": 443, "ssl": true, "host_name": "shop.example.com"}, '
        '"location": [{"location": "/", "type": "frontend", "name": "@"}]}',
    ),
    "app": ("backend/@/meta_data", '{"publish": {"port": 6000}, "env_prefix": "X", "env": {}}'),
    "protocol": ("backend/api/meta_data", '{"publish": {"port": 5001}, "env_prefix": "X", "env": {"PROTOCOL": "@"}}'),
    "instance": (
        "backend/api/instance/@",
        '{"node": "worker101", "ip": "10.1.1.1", "port": 1, "commit": "%s"}' % ("1" * 40),
    ),
    "address": (
        "backend/api/instance/1-ab12cd34",
        '{"node": "worker101", "ip": "@", "port": 1, "commit": "%s"}' % ("1" * 40),
    ),
    "service": ("service/@/meta_data", '{"publish": {"port": 6000}, "env_prefix": "X", "env": {}}'),
    "its instance": ("service/redis/instance/@", '{"node": "worker101", "ip": "10.1.1.1", "port": 1}'),
    "its address": ("service/redis/instance/worker101", '{"node": "worker101", "ip": "@", "port": 1}'),
    "own address": (
        "node/ingress016",
        '{"name": "ingress016", "ip": "192.0.2.1", "services": [], "role": "ingress", "pool": "ingress", '
        '"addresses": {"vpn_ingr": "@"}}',
    ),
    "certificate": ("certificate/shop.example.com", '{"name": "@"}'),
}
HARMLESS = {
    "host": "a.example.com",
    "plain host": "a.example.com",
    "location": "/a",
    "protocol": "tcp",
    "instance": "1-00000002",
    "address": "10.0.0.1",
    "its address": "10.0.0.1",
    "own address": "10.0.0.1",
    "certificate": "shop.example.com",
}
SECURE = registered_keys("secure")
BEGINNINGS = ("", "a", "a.example.com", "/", "http", "10.0.0.1", "fe80::1%", "1-ab12cd34", "*.")


@pytest.mark.parametrize("place", PLACES)
@given(begins=st.sampled_from(BEGINNINGS), hostile=st.sampled_from([*SIGNS, "${x}", "x" * 300, "\nlisten x", " check"]))
def test_nothing_hostile_gets_from_etcd_into_a_file(place: str, begins: str, hostile: str) -> None:
    """It is refused where it is read, or at the latest where the files are made of it."""
    key = PLACES[place][0].replace("@", begins + hostile)
    value = json.dumps(_filled(json.loads(PLACES[place][1]), begins + hostile))
    try:
        files = routing_files(parse(SECURE | {key: value}), "ingress016")
    except (Unreadable, ValidationError, StepFailed):
        return
    # A key of more parts than any record has is nobody's.
    assert "/" in begins + hostile
    assert files == routing_files(parse(SECURE), "ingress016")


@pytest.mark.parametrize("place", PLACES)
def test_the_places_are_right(place: str) -> None:
    """With something harmless in it, each of them is read, so that it is the hostile part that is refused."""
    text = HARMLESS.get(place, "shop")
    key, value = PLACES[place]
    routing_files(parse(SECURE | {key.replace("@", text): value.replace("@", text)}), "ingress016")


def _filled(value: Any, text: str) -> Any:
    """Where `@` stands, `text`."""
    if isinstance(value, dict):
        return {key: _filled(one, text) for key, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, text) for one in value]
    return text if value == "@" else value


LABEL = "a" * 63


@pytest.mark.parametrize(
    "host", [".".join([LABEL] * 3 + ["a" * 57, "com"]), f"*.{'.'.join([LABEL] * 3 + ['a' * 55, 'com'])}"]
)
def test_a_host_of_253_characters_is_accepted_by_nginx(tmp_path: Path, host: str) -> None:
    assert len(host) == 253
    accepted(routing_files(with_address(record(host, "/")), "ingress016"), tmp_path)


@given(
    st.from_regex(r"(\*\.)?[a-z]{1,9}\.[a-z]{2,5}", fullmatch=True),
    st.from_regex(r"/[A-Za-z0-9._~/-]{0,40}", fullmatch=True),
)
def test_every_valid_host_and_path_is_accepted_by_nginx(
    tmp_path_factory: pytest.TempPathFactory, host: str, path: str
) -> None:
    accepted(routing_files(with_address(record(host, path)), "ingress016"), tmp_path_factory.getbasetemp())


def record(host: str, path: str) -> IngressRecord:
    return IngressRecord(
        publish=IngressPublish(port=80, host_name=host),
        location=(IngressLocation(location=path, type="backend", name="influencer"),),
    )


def with_address(address: IngressRecord) -> Registered:
    found = {key: value for key, value in registered_keys().items() if not key.startswith(keys.INGRESSES)}
    return parse(found | {keys.ingress(address.publish.host_name, address.publish.port): address.to_json()})


def test_an_instance_that_is_registered_at_no_address_is_refused() -> None:
    odd = {"node": "worker101", "ip": "10.0.0.1 check\nlisten x", "port": 20000, "commit": "1" * 40}
    found = registered_keys() | {"backend/influencer/instance/3-ab12cd34": json.dumps(odd)}
    with pytest.raises(StepFailed, match=r"^instance 3-ab12cd34 is registered at '10\.0\.0\.1 check"):
        routing_files(parse(found), "worker101")


def test_services_are_offered_like_apps_each_by_its_protocol() -> None:
    haproxy = routing_files(registered("secure"), "worker101").haproxy
    redis, search = haproxy[haproxy.index("frontend service-redis") :].split("frontend service-search")
    assert "bind 127.0.0.1:6379\n" in redis
    assert "mode tcp\n" in redis
    assert "    server worker101 10.111.0.1:16379 " in redis
    assert "mode http\n" in search


def test_a_host_that_is_to_be_encrypted_is_never_served_in_plain() -> None:
    """Lint refuses this; it may be so while a change of two apps is under way."""
    secure = IngressPublish(port=8443, ssl=True, host_name="secret.example.com")
    plain = record("plain.example.com", "/").model_copy(
        update={"publish": IngressPublish(port=8443, host_name="plain.example.com")}
    )
    both = {one.publish.host_name: one for one in (plain, plain.model_copy(update={"publish": secure}))}
    tree = registered().model_copy(update={"ingress": both})
    nginx = routing_files(tree, "ingress016").nginx or ""
    assert "8443" not in nginx.replace("https://$host:8443", "")
