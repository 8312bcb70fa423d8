"""Scripts for an ingress: read as expected, and at work on an nginx."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executors.certificates.http01 import drop_script, put_script
from executors.certificates.ingress_files import (
    CERTIFICATES_FOLDER,
    MISSING_MARK,
    MISSING_STATUS,
    IngressCertificates,
    Pair,
    certificate_path,
    certificates_to_bring,
    missing_certificates,
    refused_certificates,
    without_keys,
)
from executors.certificates.proofs import Proof
from executors.nginx_files import NGINX_CONFIG
from executors.routing import nginx_script
from executors.script import wrapped
from executors.templates import render
from gitops.executor import HostFence
from model.errors import StepFailed
from tests.executors.certificates.chains import DAY, Holder, authority, chain, host
from tests.executors.certificates.web import HereRemote, Web
from tests.executors.expected import FIXTURES, check, shellcheck
from tests.executors.issued import pair_for, record_of
from tests.identity import IDENTITIES, OTHERS, encrypted

PROOFS = (
    Proof("http-01", "app.example.com", "A-token_of_22_letters0", "A-token_of_22_letters0.thumbprint"),
    Proof("http-01", "www.example.com", "B-token_of_22_letters0", "B-token_of_22_letters0.thumbprint"),
)
PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
KEY = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
TWO = IngressCertificates((Pair("*.example.com", PEM, KEY), Pair("app.example.com", PEM, KEY)), ("old.example.com",))
CONFIG = "events {}\n"
RELOAD = render("routing/reload.sh.j2")
SCRIPTS = {
    "put-challenges": put_script(PROOFS),
    "drop-challenges": drop_script(PROOFS),
    "nginx": f"{RELOAD}\n{nginx_script(CONFIG, TWO)}",
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
    assert "PRIVATE" not in repr(TWO)


def test_only_what_differs_is_brought_and_a_key_that_cannot_be_opened_holds_up_no_other() -> None:
    new, same, foreign, torn = (pair_for(f"{name}.example.com") for name in ("new", "same", "foreign", "torn"))
    records = [
        record_of(new, "1"),
        record_of(same, "2"),
        record_of(foreign, "3", encrypted(b"its key", OTHERS)),
        record_of(torn, "4", encrypted(b"\xff\xfe its key")),
    ]
    wanted = {one.name: one.issued for one in records if one.issued is not None}
    noted = {"same.example.com": "2", "foreign.example.com": "2", "gone.example.com": "1"}
    certificates, unopened = certificates_to_bring(wanted, noted, IDENTITIES.decrypt)
    assert certificates == IngressCertificates((new,), ("same.example.com", "foreign.example.com"))
    assert certificates.names == ("foreign.example.com", "new.example.com", "same.example.com")
    assert unopened.keys() == {"foreign.example.com", "torn.example.com"}
    assert "cannot decrypt it" in unopened["foreign.example.com"]
    assert not any("its key" in why for why in unopened.values())


def test_a_machine_that_repeats_a_key_does_not_get_it_into_a_failure() -> None:
    pair = pair_for("app.example.com")
    line = pair.key.splitlines()[1]
    failed = without_keys(StepFailed(f"bash: {line}: no such command", f"a\n{pair.content}b"), [pair])
    assert line not in f"{failed} {failed.sentence} {failed.output}"
    assert failed.output.startswith("a\n-----BEGIN CERTIFICATE")


class Ingress:
    """The script at work on one nginx, whose configuration names the hosts that are published."""

    def __init__(self, web: Web) -> None:
        self.web = web
        self._remote = HereRemote(web)
        self.published: tuple[str, ...] = ()

    def script(self, *pairs: Pair, kept: tuple[str, ...] = ()) -> str:
        config = self.web.config_of({name: self.path(name) for name in self.published})
        script = f"{RELOAD}\n{nginx_script(config, IngressCertificates(pairs, kept))}"
        return script.replace(CERTIFICATES_FOLDER, str(self.web.certificates)).replace(
            NGINX_CONFIG, str(self.web.config)
        )

    def install(self, *holders: Holder, kept: tuple[str, ...] = (), before: str = "") -> str:
        return self.run(before + self.script(*map(pair, holders), kept=kept))

    def run(self, script: str) -> str:
        return self._remote.run("ingress016", script, HostFence(1))

    def path(self, name: str) -> str:
        return certificate_path(name, str(self.web.certificates))

    def files(self) -> list[str]:
        return sorted(path.name for path in self.web.certificates.iterdir())

    def holds(self, holder: Holder) -> bool:
        return Path(self.path(pair(holder).name)).read_text() == pair(holder).content


def pair(holder: Holder, key: Holder | None = None) -> Pair:
    name = holder.certificate.subject.rfc4514_string().removeprefix("CN=")
    return Pair(name, chain(holder), (key or holder).key_pem.decode())


def serial(holder: Holder) -> str:
    return f"{holder.certificate.serial_number:x}"


def of(name: str) -> Holder:
    return host(ROOT, name, begins=datetime.now(UTC) - DAY)


APP, SHOP = "app.example.com", "shop.example.com"


@pytest.fixture
def ingress(web: Web) -> Ingress:
    """It serves app.example.com already."""
    ingress = Ingress(web)
    ingress.published = (APP,)
    ingress.install(of(APP))
    return ingress


def test_a_new_certificate_is_served_and_its_key_is_roots_alone(ingress: Ingress) -> None:
    new = of(APP)
    assert ingress.install(new) == "nginx: reloaded\n"
    assert ingress.web.comes_to_serve(APP, serial(new))
    file = ingress.web.certificates / "app.example.com.pem"
    assert (file.stat().st_mode & 0o777, file.stat().st_uid) == (0o600, 0)
    assert ingress.web.certificates.stat().st_mode & 0o777 == 0o700
    assert ingress.files() == ["app.example.com.pem"]


def test_the_same_certificate_again_changes_nothing(ingress: Ingress) -> None:
    new = of(APP)
    ingress.install(new)
    before = (ingress.web.certificates / "app.example.com.pem").stat()
    assert ingress.install(new) == ""
    assert ingress.install(kept=(APP,)) == ""
    assert (ingress.web.certificates / "app.example.com.pem").stat().st_ino == before.st_ino
    assert ingress.files() == ["app.example.com.pem"]


def test_a_new_hosts_certificate_comes_with_the_configuration_that_names_it(ingress: Ingress) -> None:
    shop, wild = of(SHOP), of("*.example.com")
    ingress.published = (APP, SHOP, "*.example.com")
    assert ingress.install(shop, wild, kept=(APP,)) == "nginx: reloaded\n"
    assert ingress.files() == ["_.example.com.pem", "app.example.com.pem", "shop.example.com.pem"]
    assert ingress.web.comes_to_serve(SHOP, serial(shop))
    assert ingress.web.comes_to_serve("other.example.com", serial(wild))


def test_one_that_nginx_refuses_is_not_taken_and_the_others_go_on(ingress: Ingress) -> None:
    good, shop = of(APP), of(SHOP)
    ingress.install(good)
    ingress.published = (APP, SHOP)
    printed = ingress.run(ingress.script(pair(of(APP), key=shop), pair(shop)))
    assert list(refused_certificates(printed)) == [APP]
    assert "key values mismatch" in refused_certificates(printed)[APP]
    assert "PRIVATE KEY" not in printed
    assert ingress.files() == ["app.example.com.pem", "shop.example.com.pem"]
    assert ingress.holds(good)
    assert ingress.web.comes_to_serve(SHOP, serial(shop))
    assert ingress.web.comes_to_serve(APP, serial(good))


def test_a_new_host_whose_certificate_nginx_refuses_is_not_served_and_the_configuration_stays(ingress: Ingress) -> None:
    good = of(APP)
    ingress.install(good)
    before = ingress.web.config.read_text()
    ingress.published = (APP, SHOP)
    newer = pair(of(APP))
    with pytest.raises(StepFailed) as failed:
        ingress.run(ingress.script(newer, pair(of(SHOP), key=good)))
    assert failed.value.status == 78
    assert list(refused_certificates(failed.value.output)) == [SHOP]
    assert "key values mismatch" in failed.value.output
    assert ingress.web.config.read_text() == before
    # What came with it is put back as well, since nginx was not told of it.
    assert ingress.holds(good)
    assert ingress.web.comes_to_serve(APP, serial(good))


def test_a_configuration_that_nginx_refuses_takes_the_new_certificates_back(ingress: Ingress) -> None:
    good = of(APP)
    ingress.install(good)
    refused = ingress.script(pair(of(APP))).replace("events {}", "nonsense;")
    with pytest.raises(StepFailed, match="nginx refuses the new configuration, so the old one stays"):
        ingress.run(refused)
    assert ingress.holds(good)
    newer = of(APP)
    ingress.install(newer)
    assert ingress.web.comes_to_serve(APP, serial(newer))
    assert ingress.files() == ["app.example.com.pem"]


def test_a_reload_that_fails_brings_the_old_pair_back(ingress: Ingress) -> None:
    good = of(APP)
    ingress.install(good)
    # The first reload fails, the second one carries out.
    broken = (
        'eval "real_$(declare -f systemctl)"; tries=0\n'
        'systemctl() { if [ "$1" = reload ] && [ "$((++tries))" = 1 ]; then return 1; fi; real_systemctl "$@"; }\n'
    )
    with pytest.raises(StepFailed, match="nginx cannot work with the new configuration, so the old one serves on"):
        ingress.install(of(APP), before=broken)
    assert ingress.holds(good)
    assert ingress.web.comes_to_serve(APP, serial(good))


def test_one_that_nothing_names_any_more_goes_once_nginx_does_without(ingress: Ingress) -> None:
    ingress.published = (APP, SHOP)
    ingress.install(of(SHOP), kept=(APP,))
    ingress.published = (SHOP,)
    refused = ingress.script(kept=(SHOP,)).replace("events {}", "nonsense;")
    with pytest.raises(StepFailed, match="nginx refuses"):
        ingress.run(refused)
    assert ingress.files() == ["app.example.com.pem", "shop.example.com.pem"]
    ingress.install(kept=(SHOP,))
    assert ingress.files() == ["shop.example.com.pem"]


def test_those_that_are_not_there_any_more_are_said_by_name(ingress: Ingress) -> None:
    wild = "*.example.com"
    ingress.published = (APP, SHOP, wild)
    ingress.install(of(SHOP), of(wild), kept=(APP,))
    for lost in (APP, wild):
        Path(ingress.path(lost)).unlink()
    with pytest.raises(StepFailed) as failed:
        ingress.install(kept=(APP, SHOP, wild))
    assert failed.value.status == MISSING_STATUS
    assert failed.value.sentence == f"ingress016: {MISSING_MARK} {APP} {wild}"
    assert missing_certificates(failed.value.output) == {APP, wild}


# Between any two commands that change a file: before the pair, after it, before and after the reload.
KILLED_AT = (
    "concerning certificates-new",
    "keep_old",
    'mv -f "$2.new"',
    "update_nginx\n",
    "forget_old\n}",
    'rm -f "$nginx_new',
)


@pytest.mark.parametrize("where", KILLED_AT)
def test_a_script_that_was_killed_anywhere_is_made_up_for(ingress: Ingress, where: str) -> None:
    good, new = of(APP), of(APP)
    ingress.install(good)
    script = ingress.script(pair(new))
    index = script.rindex(where)
    with pytest.raises(StepFailed):
        ingress.run(f"{script[:index]}\nexit 137\n{script[index:]}")
    assert ingress.holds(good) or ingress.holds(new)
    assert ingress.install(new) in {"", "nginx: reloaded\n"}
    assert ingress.web.comes_to_serve(APP, serial(new))
    assert ingress.files() == ["app.example.com.pem"]


@pytest.mark.parametrize("where", KILLED_AT)
def test_what_a_killed_script_left_goes_back_where_the_next_one_is_refused(ingress: Ingress, where: str) -> None:
    good, new = of(APP), of(APP)
    ingress.install(good)
    script = ingress.script(pair(new))
    index = script.rindex(where)
    with pytest.raises(StepFailed):
        ingress.run(f"{script[:index]}\nexit 137\n{script[index:]}")
    with pytest.raises(StepFailed, match="nginx refuses"):
        ingress.run(ingress.script(kept=(APP,)).replace("events {}", "nonsense;"))
    # What nginx works with is what stands there.
    held = good if ingress.holds(good) else new
    assert ingress.holds(held)
    assert ingress.web.comes_to_serve(APP, serial(held))


def test_a_key_that_was_on_its_way_when_a_script_was_killed_does_not_stay(ingress: Ingress) -> None:
    # Between the writing of the file and its renaming.
    killed = 'mv() { case $2 in *.pem.new.*) exit 137 ;; esac; command mv "$@"; }\n'
    with pytest.raises(StepFailed):
        ingress.install(of(APP), before=killed)
    assert len(ingress.files()) == 2
    ingress.install(kept=(APP,))
    assert ingress.files() == ["app.example.com.pem"]


def test_where_nginx_does_not_run_it_is_started(ingress: Ingress) -> None:
    new = of(APP)
    stopped = 'systemctl() { case $1 in is-active) return 3 ;; start) echo "started $2" ;; esac; }\n'
    assert ingress.install(new, before=stopped).startswith("started nginx\n")
    assert ingress.holds(new)


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
