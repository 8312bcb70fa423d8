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
from gitops.registry import parse
from gitops.routed import routing_nodes
from model import keys
from model.errors import StepFailed
from model.names import HostName, UrlPath
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


def is_valid(kind: Any, text: str) -> bool:
    try:
        TypeAdapter(kind).validate_python(text)
    except ValidationError:
        return False
    return True


BREAKING_OUT = st.text(st.sampled_from("a./-~_ ;{}$\"'\\\n\r\t#%`|&<>\x00é"), min_size=1, max_size=30)


@given(BREAKING_OUT, BREAKING_OUT)
def test_no_host_or_path_becomes_syntax(host: str, path: str) -> None:
    """What the model lets through stands in the files as one word; the rest never gets here."""
    if not (is_valid(HostName, host) and is_valid(UrlPath, path)):
        with pytest.raises(ValidationError):
            record(host, path)
        return
    plain = routing_files(with_address(record("plain.example.com", "/plain")), "ingress016").nginx or ""
    odd = routing_files(with_address(record(host, path)), "ingress016").nginx or ""
    if path.rstrip("/"):
        assert [odd.count(sign) for sign in ";{}$\n"] == [plain.count(sign) for sign in ";{}$\n"]


@given(
    st.from_regex(r"[a-z]{1,9}\.[a-z]{2,5}", fullmatch=True), st.from_regex(r"/[A-Za-z0-9._~/-]{0,40}", fullmatch=True)
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
