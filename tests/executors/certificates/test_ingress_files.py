"""Certificates on an ingress: the scripts, and what they do to a real nginx."""

import subprocess
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executors.certificates.http01 import drop_script, put_script
from executors.certificates.ingress_files import Pair, certificate_path, install_script
from executors.certificates.proofs import Proof
from executors.script import wrapped
from gitops.executor import HostFence
from model.errors import StepFailed
from tests.executors.certificates.chains import DAY, Holder, authority, chain, host
from tests.executors.certificates.web import HereRemote, Web
from tests.executors.expected import FIXTURES, check, shellcheck

PROOFS = (
    Proof("http-01", "app.example.com", "A-token_of_22_letters0", "A-token_of_22_letters0.thumbprint"),
    Proof("http-01", "www.example.com", "B-token_of_22_letters0", "B-token_of_22_letters0.thumbprint"),
)
PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
KEY = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
SCRIPTS = {
    "put-challenges": put_script(PROOFS),
    "drop-challenges": drop_script(PROOFS),
    "install": install_script(
        [Pair("*.example.com", PEM, KEY), Pair("app.example.com", PEM, KEY)], ["old.example.com"]
    ),
}
ROOT = authority("root", begins=datetime.now(UTC) - DAY)


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_scripts_are_these(name: str) -> None:
    check(FIXTURES / "certificates" / f"{name}.sh", SCRIPTS[name])
    shellcheck(wrapped(SCRIPTS[name], HostFence(1)))


def test_a_wildcards_file_is_no_hosts() -> None:
    assert certificate_path("*.example.com") == "/etc/nginx/certificates/_.example.com.pem"


@given(st.from_regex(r"(\*\.)?[a-z0-9-]{1,9}\.example", fullmatch=True))
def test_two_names_never_share_a_file(name: str) -> None:
    others = {"*.example.com", "example.com", "a.example"} - {name}
    assert certificate_path(name) not in {certificate_path(other) for other in others}


def test_a_key_is_not_shown_where_a_pair_is() -> None:
    assert "PRIVATE" not in repr(Pair("app.example.com", PEM, KEY))


class Ingress:
    """The script at work on one nginx."""

    def __init__(self, web: Web) -> None:
        self.web = web
        self._remote = HereRemote(web)

    def install(self, *holders: Holder, gone: tuple[str, ...] = (), before: str = "") -> str:
        pairs = [pair(holder) for holder in holders]
        script = install_script(pairs, gone, str(self.web.certificates), str(self.web.config))
        return self._remote.run("ingress016", before + script, HostFence(1))

    def run(self, script: str) -> str:
        return self._remote.run("ingress016", script, HostFence(1))

    def path(self, name: str) -> str:
        return certificate_path(name, str(self.web.certificates))

    def files(self) -> list[str]:
        return sorted(path.name for path in self.web.certificates.iterdir())

    def publish(self, *names: str) -> None:
        self.web.write_config({name: self.path(name) for name in names})


def pair(holder: Holder, key: Holder | None = None) -> Pair:
    name = holder.certificate.subject.rfc4514_string().removeprefix("CN=")
    return Pair(name, chain(holder), (key or holder).key_pem.decode())


def serial(holder: Holder) -> str:
    return f"{holder.certificate.serial_number:x}"


def of(name: str) -> Holder:
    return host(ROOT, name, begins=datetime.now(UTC) - DAY)


@pytest.fixture
def ingress(web: Web) -> Ingress:
    """It serves app.example.com already."""
    ingress = Ingress(web)
    ingress.install(of("app.example.com"))
    ingress.publish("app.example.com")
    subprocess.run(["nginx", "-s", "reload", "-c", str(web.config)], check=True)
    return ingress


def test_a_new_certificate_is_served_and_its_key_is_roots_alone(ingress: Ingress) -> None:
    new = of("app.example.com")
    assert ingress.install(new) == "nginx: certificates changed\n"
    assert ingress.web.comes_to_serve("app.example.com", serial(new))
    file = ingress.web.certificates / "app.example.com.pem"
    assert (file.stat().st_mode & 0o777, file.stat().st_uid) == (0o600, 0)
    assert ingress.web.certificates.stat().st_mode & 0o777 == 0o700
    assert ingress.files() == ["app.example.com.pem"]


def test_the_same_certificate_again_changes_nothing(ingress: Ingress) -> None:
    new = of("app.example.com")
    ingress.install(new)
    before = (ingress.web.certificates / "app.example.com.pem").stat()
    assert ingress.install(new) == ""
    assert (ingress.web.certificates / "app.example.com.pem").stat().st_ino == before.st_ino
    assert ingress.files() == ["app.example.com.pem"]


def test_several_are_taken_together(ingress: Ingress) -> None:
    ingress.install(of("shop.example.com"), of("app.example.com"), of("*.example.com"))
    assert ingress.files() == ["_.example.com.pem", "app.example.com.pem", "shop.example.com.pem"]


def test_a_pair_that_nginx_refuses_is_taken_back_and_the_old_one_serves_on(ingress: Ingress) -> None:
    good, foreign = of("app.example.com"), of("shop.example.com")
    ingress.install(good)
    mixed = pair(of("app.example.com"), key=foreign)
    script = install_script([pair(foreign), mixed], (), str(ingress.web.certificates), str(ingress.web.config))
    with pytest.raises(StepFailed, match="nginx refuses the new certificates, so the old ones stay") as failed:
        ingress.run(script)
    assert "key values mismatch" in failed.value.output
    assert "PRIVATE KEY" not in failed.value.output
    assert ingress.files() == ["app.example.com.pem"]
    assert (ingress.web.certificates / "app.example.com.pem").read_text() == pair(good).content
    assert ingress.web.comes_to_serve("app.example.com", serial(good))
    newer = of("app.example.com")
    ingress.install(newer)
    assert ingress.web.comes_to_serve("app.example.com", serial(newer))


def test_a_reload_that_fails_brings_the_old_pair_back(ingress: Ingress) -> None:
    good = of("app.example.com")
    ingress.install(good)
    # The first reload fails, the second one carries out.
    broken = (
        'eval "real_$(declare -f systemctl)"; tries=0\n'
        'systemctl() { if [ "$1" = reload ] && [ "$((++tries))" = 1 ]; then return 1; fi; real_systemctl "$@"; }\n'
    )
    with pytest.raises(StepFailed, match="nginx cannot work with the new certificates, so the old ones serve on"):
        ingress.install(of("app.example.com"), before=broken)
    assert ingress.files() == ["app.example.com.pem"]
    assert ingress.web.comes_to_serve("app.example.com", serial(good))


def test_one_that_is_gone_is_removed_once_nothing_refers_to_it(ingress: Ingress) -> None:
    ingress.install(of("shop.example.com"))
    with pytest.raises(StepFailed, match="nginx refuses the new certificates"):
        ingress.install(gone=("app.example.com",))
    assert ingress.files() == ["app.example.com.pem", "shop.example.com.pem"]
    ingress.install(gone=("shop.example.com", "never.example.com"))
    assert ingress.files() == ["app.example.com.pem"]


def test_a_script_killed_before_the_check_is_made_up_for(ingress: Ingress) -> None:
    good, other, next_one = of("app.example.com"), of("shop.example.com"), of("shop.example.com")
    ingress.install(good)
    mixed = pair(of("app.example.com"), key=other)
    script = install_script([mixed], (), str(ingress.web.certificates), str(ingress.web.config))
    with pytest.raises(StepFailed):
        ingress.run(script.replace("if changed; then take_over", "exit 137\nif changed; then take_over"))
    assert ingress.files() == ["app.example.com.pem", "app.example.com.pem.old"]
    # The next one is about another host, and finds that nginx would not take what the killed one left.
    with pytest.raises(StepFailed, match="nginx refuses"):
        ingress.install(next_one)
    assert (ingress.web.certificates / "app.example.com.pem").read_text() == pair(good).content
    ingress.install(next_one)
    assert ingress.files() == ["app.example.com.pem", "shop.example.com.pem"]


def test_where_nginx_does_not_run_the_files_are_ready_for_its_start(ingress: Ingress) -> None:
    new = of("app.example.com")
    assert ingress.install(new, before="systemctl() { return 3; }\n") == "nginx: certificates changed\n"
    assert (ingress.web.certificates / "app.example.com.pem").read_text() == pair(new).content


def test_challenges_are_put_and_dropped_also_twice(web: Web) -> None:
    ingress = Ingress(web)
    put, drop = put_script(PROOFS, str(web.acme_folder)), drop_script(PROOFS, str(web.acme_folder))
    for _ in range(2):
        ingress.run(put)
        assert web.challenges() == [proof.token for proof in PROOFS]
    for _ in range(2):
        ingress.run(drop)
        assert web.challenges() == []


def test_challenges_of_a_controller_that_was_killed_long_ago_go(web: Web) -> None:
    ingress = Ingress(web)
    ingress.run(put_script(PROOFS[:1], str(web.acme_folder)))
    folder = web.acme_folder / ".well-known" / "acme-challenge"
    subprocess.run(["touch", "--date=2 days ago", str(folder / PROOFS[0].token)], check=True)
    (folder / "of_another_order").touch()
    ingress.run(put_script(PROOFS[1:], str(web.acme_folder)))
    assert web.challenges() == [PROOFS[1].token, "of_another_order"]
