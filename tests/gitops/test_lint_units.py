"""What a manifest says of its instances: names that are taken, secrets that are not shown, and what loose costs."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from executors.unit_files import Place, environment
from gitops.lint import check
from gitops.lint_units import credential_faults, unit_faults, warnings
from gitops.manifests import Document, FaultyManifests, load
from model.hardening import COSTS
from tests.executors.example import influencer, registered
from tests.gitops import service_scene
from tests.gitops.scene import CLUSTER_YAML, app, app_yaml, files
from tests.identity import IDENTITIES, encrypted

PATH = "apps/influencer.yaml"
LINES = len(app_yaml().splitlines())
SECRET = "hunter2-and-more"


def with_fields(text: str) -> dict[str, str]:
    """The example with more in its app's manifest; the first line of it is `LINES` + 1."""
    return files({PATH: app_yaml() + text})


def faults_of(found: dict[str, str]) -> list[str]:
    with pytest.raises(FaultyManifests) as error:
        check(found)
    return [str(fault) for fault in error.value.faults]


def block(name: str, text: str) -> str:
    return f"  {name}: |\n" + "".join(f"    {line}\n" for line in text.splitlines())


def test_limits_variables_and_secrets_are_read() -> None:
    text = "tasks: 64\nrestart: no\nvariables:\n  LOG_LEVEL: debug\nsecrets:\n" + block("token", encrypted(b"x"))
    found = check(with_fields(text)).apps["backend", "influencer"]
    assert (found.tasks, found.restart, found.variables) == (64, "no", {"LOG_LEVEL": "debug"})
    assert IDENTITIES.decrypt(found.secrets["token"]) == b"x"


@pytest.mark.parametrize(
    ("text", "line", "sentence"),
    [
        ("tasks: 5", 1, "tasks cannot be '5'; write a number from 16 to 65536"),
        ("restart: never", 1, "restart cannot be 'never'; write always, on-failure or no"),
        ("variables:\n  log_level: x", 2, "variables: 'log_level' cannot be a name; write 1 to 63 of A-Z, 0-9 and _"),
        ("variables:\n  LEVEL: 3", 2, "variables.LEVEL cannot be '3'; write up to 4000 characters that can be printed"),
        ('variables:\n  A: "b\\nc"', 2, "variables.A: a variable holds up to 4000 characters that can be printed"),
        ("variables:\n  A: b\n  HOST: x", 3, "HOST is set by flstr; give your variable another name"),
        ("variables:\n  FLSTR_APP: x", 2, "FLSTR_APP is set by flstr; give your variable another name"),
        ("variables:\n  CREDENTIALS_DIRECTORY: x", 2, "CREDENTIALS_DIRECTORY is set by flstr; give your variable"),
        ("variables:\n  INFLUENCER_PATH: x", 2, "INFLUENCER_PATH says where influencer is; give your variable another"),
        (
            "hardening:\n  PrivateUser: no",
            2,
            "'hardening.PrivateUser' is not a known field; did you mean PrivateUsers?",
        ),
        ("hardening:\n  PrivateUsers: maybe", 2, "hardening.PrivateUsers cannot be 'maybe'; write true or false"),
        ("hardening:\n  ProtectHome: no", 2, "hardening.ProtectHome cannot be 'no'; write yes or read-only"),
        (
            "hardening:\n  SystemCallFilter:\n    - '@mount'\n    - '@mout'",
            4,
            "hardening.SystemCallFilter.1 cannot be '@mout'; write @cpu-emulation, @debug, @mount or @pkey",
        ),
        (
            "hardening:\n  NoNewPrivileges: no",
            1,
            "hardening: NoNewPrivileges cannot be loosened: a program that becomes",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, line: int, sentence: str) -> None:
    (fault,) = faults_of(with_fields(f"{text}\n"))
    assert fault.startswith(f"{PATH}:{LINES + line}: {sentence}"), fault


def test_a_variable_that_says_where_a_needed_app_is_belongs_to_flstr() -> None:
    needed = influencer(app="queue", env_prefix="QUEUE")
    mine = influencer(needs=["queue"], variables={"QUEUE_HOST": "elsewhere", "QUEUE_LENGTH": "3"})
    document = Document(PATH, YAML(typ="rt").load("variables:\n  QUEUE_LENGTH: '3'\n  QUEUE_HOST: elsewhere\n"))
    assert [str(fault) for fault in unit_faults(document, mine, [needed])] == [
        f"{PATH}:3: QUEUE_HOST says where queue is; give your variable another name"
    ]


def test_a_variable_that_says_where_a_needed_service_is_belongs_to_flstr() -> None:
    as_user = service_scene.cache_yaml(more="users: {site: {apps: [influencer]}}\n").replace("redis", "mongodb")
    revision = service_scene.files(as_user, needs="cache")
    revision[PATH] += "variables:\n  CACHE_SIZE: '3'\n  CACHE_HOST: x\n  CACHE_USER: me\n"
    assert faults_of(revision) == [
        f"{PATH}:{LINES + 4}: CACHE_HOST says where cache is; give your variable another name",
        f"{PATH}:{LINES + 5}: CACHE_USER says as whom to come to cache; give your variable another name",
    ]
    # One that does not need it is told nothing of it, and nobody comes to Redis as somebody.
    redis = service_scene.files(service_scene.cache_yaml(), needs="cache")
    redis[PATH] += "variables:\n  CACHE_USER: me\n"
    without = service_scene.files(service_scene.cache_yaml())
    without[PATH] += "variables:\n  CACHE_HOST: x\n"
    assert check(redis).services.keys() == check(without).services.keys() == {"cache"}


def test_every_variable_that_flstr_sets_is_one_that_nobody_else_may() -> None:
    mine = influencer(needs=["queue"])
    set_by_flstr = environment(mine, "1-11111111", Place("worker101", "m", "10.0.0.1", 20001), registered("several"))
    queue = influencer(app="queue", env_prefix="QUEUE")
    document = Document(PATH, YAML(typ="rt").load("a: b"))
    refused = unit_faults(document, mine.model_copy(update={"variables": set_by_flstr}), [queue])
    assert len(list(refused)) == len(set_by_flstr)


def test_an_app_has_no_more_secrets_than_an_operation_can_carry() -> None:
    text = "secrets:\n" + "".join(block(f"s{number}", encrypted(b"x" * 4096)) for number in range(6))
    (fault,) = faults_of(with_fields(text))
    assert fault.startswith(f"{PATH}:{LINES + 1}: the secrets of influencer have ")
    assert fault.endswith("and 32000 are the most; keep what is long elsewhere, and its key here")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"secrets:\n  token: {SECRET}", 2),
        (f"secrets:\n  token: |\n    -----BEGIN PRIVATE KEY-----\n    {SECRET}", 2),
        (f"secrets: {SECRET}", 1),
        (f"secrets:\n  - {SECRET}", 1),
        (f"secrets:\n  - token: {SECRET}", 1),
        (f"secrets:\n  token:\n    value: {SECRET}", 2),
        (f"secrets:\n  token: [{SECRET}]", 2),
        (f"secrets:\n  '{SECRET} ': x", 2),
        (f"secrets:\n  token: *{SECRET}", 2),
        (f"secrets:\n  token: '{SECRET}'\n  token: {SECRET}", 3),
        (f"secrets:\n  token: !!int {SECRET}", -LINES + 1),
        (f"secrets:\n  token: !!float {SECRET}", -LINES + 1),
        (f"secrets:\n  token: !!timestamp {SECRET}", 2),
        (f"secrets:\n  token: !{SECRET}!x y", 2),
        (f"secrets:\n  token: '{SECRET}", 3),
        (f"secrets:\n  token: @{SECRET}", 2),
        (f"secrets:\n  token: -----BEGIN AGE ENCRYPTED FILE----- {SECRET}", 2),
    ],
)
def test_what_stands_in_place_of_a_secret_is_refused_and_not_repeated(text: str, line: int) -> None:
    found = faults_of(with_fields(f"{text}\n"))
    assert found[0].startswith(f"{PATH}:{LINES + line}: "), found
    assert SECRET not in "".join(found)


@given(st.one_of(st.text(min_size=12), st.integers(min_value=10**12), st.lists(st.text(min_size=12), min_size=1)))
def test_no_value_whatever_is_repeated(value: object) -> None:
    # JSON is YAML as well.
    found = faults_of(with_fields(f"secrets:\n  token: {json.dumps(value)}\n"))
    shown = str(value[0] if isinstance(value, list) else value)
    assert all(shown not in fault for fault in found)


def test_a_secret_says_what_would_be_right() -> None:
    (fault,) = faults_of(with_fields(f"secrets:\n  token: {SECRET}\n"))
    assert fault == (
        f"{PATH}:{LINES + 2}: secrets.token: this cannot be used, and is not shown; "
        "write what `flstr secret set` writes here, a text that age has encrypted"
    )
    (fault,) = faults_of(with_fields(f"secrets:\n  my token: {encrypted(b'x')!r}\n".replace("\\n", "\n\n    ")))
    assert fault.startswith(f"{PATH}:{LINES + 2}: secrets: a name is 1 to 63 of letters, digits, _ and -")


@pytest.mark.parametrize("where", ["secrets: {recipients: [KEY]}", "secrets: {recipients: KEY}", "secrets: KEY"])
def test_a_private_key_among_the_public_ones_is_not_repeated(where: str) -> None:
    private = "AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQQQQQQQQQQ"
    found = faults_of(files({"cluster.yaml": CLUSTER_YAML + where.replace("KEY", private) + "\n"}))
    assert "not shown; write" in found[0]
    assert "QQQ" not in "".join(found)


def test_a_slip_in_a_public_key_is_found() -> None:
    right = IDENTITIES.recipient
    wrong = right[:-1] + ("q" if right[-1] != "q" else "p")
    text = CLUSTER_YAML + f"secrets:\n  recipients:\n    - {right}\n    - {wrong}\n"
    line = len(text.splitlines())
    sentence = f"{wrong} is not a public key of age: its checksum is wrong"
    assert faults_of(files({"cluster.yaml": text})) == [f"cluster.yaml:{line}: {sentence}"]


def test_each_loosened_setting_is_a_warning_with_its_line() -> None:
    found = with_fields("hardening:\n  PrivateUsers: no\n  SystemCallFilter:\n    - '@pkey'\n    - '@debug'\n")
    assert [str(one) for one in warnings(found, check(found))] == [
        f"{PATH}:{LINES + 2}: PrivateUsers is off: {COSTS['PrivateUsers', 'no']}",
        f"{PATH}:{LINES + 4}: SystemCallFilter has @pkey as well: {COSTS['SystemCallFilter', '@pkey']}",
        f"{PATH}:{LINES + 5}: SystemCallFilter has @debug as well: {COSTS['SystemCallFilter', '@debug']}",
    ]


def test_another_secret_is_another_instance() -> None:
    before = app().model_copy(update={"secrets": {"token": encrypted(b"one")}})
    after = before.model_copy(update={"secrets": {"token": encrypted(b"two")}})
    assert before.spec() != after.spec()
    assert before.spec() == before.model_copy().spec()


def test_a_secret_that_is_called_as_the_password_of_a_service_that_the_app_needs_is_named() -> None:
    cache = "service: cache\nplaybook: redis\nnodes: [service101]\npublish: {port: 6390}\nenv_prefix: CACHE\n"
    text = app_yaml() + "needs: [cache]\nsecrets:\n" + block("CACHE_PASSWORD", encrypted(b"x"))
    manifests = load(files({PATH: text, "services/cache.yaml": cache}))
    found = [str(fault) for fault in credential_faults({PATH: text}, manifests)]
    sentence = "CACHE_PASSWORD is the password of service cache; give your secret another name"
    assert found == [f"{PATH}:{LINES + 3}: {sentence}"]
    other = text.replace("CACHE_PASSWORD", "own-password")
    manifests = load(files({PATH: other, "services/cache.yaml": cache}))
    assert list(credential_faults({PATH: other}, manifests)) == []
