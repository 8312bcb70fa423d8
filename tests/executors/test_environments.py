"""`env`: what instances see, told once where they see the same, and without what looks like a secret."""

import subprocess
from base64 import b64encode
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executors.environments import Environments, environments_script, parse_environments
from executors.masking import MASK, masked
from executors.script import wrapped
from gitops.executor import HostFence
from gitops.store import Store
from model.errors import Refused
from tests.executors.example import leading
from tests.executors.expected import FIXTURES, check, shellcheck
from tests.executors.scripted import ScriptedRemote

FIRST = "flstr-backend-influencer-1-ab12cd34.service"
SECOND = "flstr-backend-influencer-2-ab12cd34.service"


def printed(unit: str, variables: dict[str, str], *credentials: str) -> str:
    text = "".join(f"{name}={value}\0" for name, value in variables.items())
    lines = [f"{unit} variables {b64encode(text.encode()).decode()}"]
    return "\n".join([*lines, *(f"{unit} credential {name}" for name in credentials), ""])


def ask(store: Store, says: dict[str, str], *words: str, dead: tuple[str, ...] = ()) -> str:
    registry = leading(store)
    remote = ScriptedRemote(lambda node, script: says.get(node, ""), dead)
    return Environments(remote)(words, registry)


def test_the_script() -> None:
    script = environments_script((FIRST, SECOND))
    check(FIXTURES / "looks/environments.sh", script)
    shellcheck(wrapped(script, HostFence(1)))


def test_what_all_instances_see_is_told_once(store: Store) -> None:
    says = {
        "worker101": printed(FIRST, {"HOME": "/tmp", "PORT": "20001"}, "DATABASE"),
        "worker102": printed(SECOND, {"HOME": "/tmp", "PORT": "20002"}, "DATABASE"),
    }
    assert ask(store, says, "influencer") == (
        "All 2 running instances see\n```\nHOME = /tmp\ncredential DATABASE = •••\n```\n"
        "`1-ab12cd34` on worker101 sees besides\n```\nPORT = 20001\n```\n"
        "`2-ab12cd34` on worker102 sees besides\n```\nPORT = 20002\n```"
    )


def test_one_instance_is_asked_for_alone(store: Store) -> None:
    says = {"worker101": printed(FIRST, {"PORT": "20001"})}
    assert ask(store, says, "influencer", "1-ab12cd34") == "`1-ab12cd34` on worker101 sees\n```\nPORT = 20001\n```"


def test_one_that_does_not_run_or_whose_machine_is_silent_is_said_to(store: Store) -> None:
    assert ask(store, {}, "influencer", dead=("worker102",)) == (
        "`1-ab12cd34` on worker101 does not run\n"
        "`2-ab12cd34` on worker102: :warning: worker102: no SSH connection to 192.0.2.1 port 22 (no answer)"
    )


def test_an_app_that_is_not_known_gets_one_sentence(store: Store) -> None:
    with pytest.raises(Refused, match=r"^There is no app called inflencer\. Did you mean influencer\?$"):
        ask(store, {}, "inflencer")


def test_values_stay_on_their_line_and_are_no_markup(store: Store) -> None:
    says = {"worker101": printed(FIRST, {"MOTD": "one\ntwo <!here> ```"})}
    assert "\nMOTD = one two &lt;!here&gt; '''\n" in ask(store, says, "influencer", "1-ab12cd34")


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("LOG_LEVEL", "debug", "debug"),
        ("CREDENTIALS_DIRECTORY", "/run/credentials/x.service", "/run/credentials/x.service"),
        ("INFLUENCER_PATH", "/", "/"),
        ("API_TOKEN", "abc", MASK),
        ("DbPassword", "abc", MASK),
        ("AWS_SECRET_ACCESS_KEY", "abc", MASK),
        ("EMPTY_TOKEN", "", ""),
        ("DATABASE", "postgres://app:pass/w@rd@db:5432/app?ssl=on", f"postgres://app:{MASK}@db:5432/app?ssl=on"),
        ("REPO", "https://glpat-verysecret@git.example.com/x.git", f"https://{MASK}@git.example.com/x.git"),
        (
            "HOOK",
            "https://example.com/hook?id=7&access_token=abc&x=1",
            f"https://example.com/hook?id=7&access_token={MASK}&x=1",
        ),
        ("LIBPQ", "host=db password=abc user=app", f"host=db password={MASK} user=app"),
        ("CONFIG", '{"user": "app", "password": "abc"}', f'{{"user": "app", "password": "{MASK}"}}'),
        ("PEM", "-----BEGIN RSA PRIVATE KEY-----\nMIIE", MASK),
        ("BOT", "xoxb-123-abc", MASK),
        ("URL", "http://127.0.0.1:5001/health", "http://127.0.0.1:5001/health"),
    ],
)
def test_what_looks_like_a_secret_is_masked_and_nothing_else(name: str, value: str, shown: str) -> None:
    assert masked(name, value) == shown


@given(st.text(st.characters(codec="ascii", exclude_categories=["Cc", "Zs"]), min_size=12, max_size=40))
def test_a_password_in_an_address_is_never_shown(password: str) -> None:
    assert password not in masked("DATABASE", f"postgres://app:{password}@db/app")
    assert password not in masked("DB_PASSWORD", password)


def test_the_script_for_real(tmp_path: Path) -> None:
    """A process of this machine in the place of an instance."""
    process = subprocess.Popen(["sleep", "60"], env={"GREETING": "hello there", "LINES": "a\nb"})
    systemctl = tmp_path / "systemctl"
    systemctl.write_text(f"#!/bin/sh\n[ $4 != {FIRST} ] || echo {process.pid}\n[ $4 = {FIRST} ] || echo 0\n")
    systemctl.chmod(0o755)
    try:
        text = wrapped(environments_script((FIRST, SECOND)), HostFence(1), str(tmp_path / "state"))
        text = text.replace("PATH=", f"PATH={tmp_path}:", 1)
        out = subprocess.run(["bash", "-s"], input=text, capture_output=True, text=True, check=True).stdout
    finally:
        process.kill()
        process.wait()
    seen = parse_environments(out)
    assert seen.keys() == {FIRST}
    assert seen[FIRST].variables == {"GREETING": "hello there", "LINES": "a b"}
