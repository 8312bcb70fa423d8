"""Real machines: a certificate comes to an ingress, is replaced, refused, lost and taken away, and users see the right one."""

import errno
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509

from executors.certificates.ingress_files import Pair
from lab.gitrepo import INFLUENCER
from model import keys
from model.registered import InstanceRecord
from model.steps import ApplyRouting, WriteKeys
from tests.executors.deploy_field import HOST, INGRESS, Field, rented_field
from tests.executors.example import influencer
from tests.executors.issued import issuing_authority, pair_for, record_of

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(600)]

FILES = "stat -c '%n %a %U' /etc/nginx/certificates/* 2>/dev/null || true"
NGINX = 'pgrep -P "$(systemctl show --property=MainPID --value nginx)"'


@pytest.fixture(scope="module")
def field(etcd_endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    """An ingress that has a host to serve by https, whose app has no instance."""
    with rented_field(
        etcd_endpoint, tmp_path_factory.mktemp("certificates"), INFLUENCER, (INGRESS, "worker101")
    ) as field:
        field.publish(influencer(ingress=[{"host": HOST, "ssl": True}]))
        field.do(ApplyRouting())
        yield field


def give(field: Field, pair: Pair, serial: str) -> None:
    """A certificate is issued, and the routing brought to it."""
    field.registry.store.put(keys.certificate(HOST), record_of(pair, serial).to_json())
    field.do(ApplyRouting())


def served(field: Field, folder: Path) -> str:
    """The certificate that users get, once it was found right, as PEM."""
    authority = folder / "authority.pem"
    authority.write_text(issuing_authority().root.pem)
    context = ssl.create_default_context(cafile=str(authority))
    with (
        socket.create_connection((field.ingress_ip, 443), timeout=10) as raw,
        context.wrap_socket(raw, server_hostname=HOST) as connection,
    ):
        return ssl.DER_cert_to_PEM_cert(connection.getpeercert(binary_form=True) or b"")


def comes_to_serve(field: Field, folder: Path, pair: Pair) -> bool:
    """Whether users get this certificate; processes that are replaced accept connections for a moment longer."""
    wanted = x509.load_pem_x509_certificate(pair.chain.encode())
    return within_seconds(lambda: x509.load_pem_x509_certificate(served(field, folder).encode()) == wanted)


def is_closed(field: Field) -> bool:
    """Whether nothing listens for TLS, once such processes are gone."""
    with socket.socket() as probe:
        return probe.connect_ex((field.ingress_ip, 443)) == errno.ECONNREFUSED


def within_seconds(is_so: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 60
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def await_replaced(field: Field) -> None:
    """Wait until the processes that a reload replaced are gone, so that they are not missed later."""
    haproxy = NGINX.replace("nginx", "haproxy")
    gone = f"[ $({haproxy} | wc -l) = 1 ] && ! pgrep -f 'worker process is [s]hutting down'"
    field.on(INGRESS, f"deadline=$((SECONDS + 50)); until {gone} >&2 || [ $SECONDS -ge $deadline ]; do sleep 0.1; done")


def test_before_its_certificate_the_host_is_a_503_and_nothing_serves_it_by_tls(field: Field) -> None:
    status, page = field.ask()
    assert (status, "Unavailable just now" in page) == (503, True)
    assert is_closed(field)
    assert field.ask("unknown.example.com")[0] == 404


def test_a_certificate_comes_and_is_replaced(field: Field, tmp_path: Path) -> None:
    first, second = pair_for(HOST), pair_for(HOST)
    give(field, first, "1")
    assert comes_to_serve(field, tmp_path, first)
    assert within_seconds(lambda: field.ask()[0] == 308)
    assert field.on(INGRESS, FILES) == f"/etc/nginx/certificates/{HOST}.pem 600 root"
    assert field.on("worker101", FILES) == ""
    give(field, second, "2")
    assert comes_to_serve(field, tmp_path, second)
    assert field.on(INGRESS, FILES) == f"/etc/nginx/certificates/{HOST}.pem 600 root"
    await_replaced(field)
    before = field.on(INGRESS, NGINX)
    field.do(ApplyRouting())
    assert field.on(INGRESS, NGINX) == before


def test_who_serves_changes_without_a_new_process_of_nginx_or_haproxy(field: Field) -> None:
    processes = f"{NGINX}; {NGINX.replace('nginx', 'haproxy')}; stat -c '%i %Y' /etc/nginx/nginx.conf"
    await_replaced(field)
    before = field.on(INGRESS, processes)
    key = keys.instance("backend", "influencer", "1-ab12cd34")
    instance = InstanceRecord(node="worker101", ip="10.111.0.2", port=20000, commit="1" * 40)
    for change in (WriteKeys(put={key: instance.to_json()}), WriteKeys(delete=(key,))):
        file = field.on(INGRESS, "cat /etc/haproxy/haproxy.cfg")
        field.do(change, ApplyRouting())
        assert field.on(INGRESS, "cat /etc/haproxy/haproxy.cfg") != file
        assert field.on(INGRESS, processes) == before


def test_both_programs_log_a_request_with_the_apps_name(field: Field) -> None:
    ask = f"curl -sk --connect-to ::127.0.0.1: https://{HOST}/logged-here | grep -q 'Unavailable just now'"
    field.on(INGRESS, ask)
    nginx = "timeout 50 bash -c 'until grep /logged-here /var/log/nginx/access.log; do sleep 0.1; done'"
    assert " app backend-influencer " in field.on(INGRESS, nginx)
    haproxy = "timeout 50 bash -c 'until journalctl --quiet --unit=haproxy | grep /logged-here; do sleep 0.1; done'"
    assert "backend-influencer backend-influencer/<NOSRV>" in field.on(INGRESS, haproxy)


def test_one_that_nginx_refuses_is_told_and_the_old_one_serves_on(field: Field, tmp_path: Path) -> None:
    good, other = pair_for(HOST), pair_for(HOST)
    give(field, good, "3")
    field.told.clear()
    give(field, Pair(HOST, other.chain, good.key), "4")
    (line,) = field.told
    assert line.startswith(
        f"{INGRESS} keeps the old certificate of {HOST}, because nginx refuses the new one: SSL_CTX_"
    )
    assert comes_to_serve(field, tmp_path, good)
    assert not any(part in line for part in good.key.splitlines())
    give(field, other, "5")
    assert comes_to_serve(field, tmp_path, other)


def test_one_that_somebody_removed_is_brought_again(field: Field, tmp_path: Path) -> None:
    pair = pair_for(HOST)
    give(field, pair, "6")
    field.on(INGRESS, "rm /etc/nginx/certificates/*")
    field.do(ApplyRouting())
    assert field.on(INGRESS, FILES) == f"/etc/nginx/certificates/{HOST}.pem 600 root"
    assert comes_to_serve(field, tmp_path, pair)


def test_a_refusal_of_a_worker_is_heard_in_the_thread_and_its_old_routing_serves_on(field: Field) -> None:
    before = field.on("worker101", "cat /etc/haproxy/haproxy.cfg; systemctl show --property=MainPID haproxy")
    field.on(
        "worker101",
        "printf '#!/bin/sh\\necho \"[ALERT] (1) : it is out of sorts\" >&2\\nexit 1\\n' >/usr/local/sbin/haproxy; chmod 755 /usr/local/sbin/haproxy",
    )
    field.told.clear()
    instance = {"node": "worker101", "ip": "10.111.0.2", "port": 20000, "commit": "1" * 40}
    field.do(WriteKeys(put={"backend/influencer/instance/1-ab12cd34": str(instance).replace("'", '"')}))
    field.do(ApplyRouting())
    assert field.told == [
        "worker101 keeps its old routing: worker101: HAProxy refuses the new configuration, so the old one stays "
        "([ALERT] (1) : it is out of sorts)"
    ]
    assert field.on("worker101", "cat /etc/haproxy/haproxy.cfg; systemctl show --property=MainPID haproxy") == before
    field.on("worker101", "rm /usr/local/sbin/haproxy")


def test_a_host_that_is_served_no_more_takes_its_certificate_with_it(field: Field) -> None:
    field.do(WriteKeys(delete=(keys.ingress(HOST, 443),)), ApplyRouting())
    assert field.on(INGRESS, FILES) == ""
    assert within_seconds(lambda: is_closed(field))
    assert field.registry.read().certified[INGRESS] == {}
