"""Routing: one script a machine, what is looked at afterwards, and which machines must not fail."""

from collections.abc import Iterable

import pytest
from pydantic import TypeAdapter

from executors.certificates.ingress_files import MISSING_MARK, MISSING_STATUS, REFUSED_STATUS
from executors.routing import Checks, Routing, checks_of, routing_script
from executors.routing_files import routing_files
from executors.script import wrapped
from executors.templates import quote
from gitops.executor import HostFence, StepContext
from gitops.registry import Registry
from gitops.routed import routing_digest, wrongly_routed
from gitops.store import Store
from model import keys
from model.certificates import CertificateRecord
from model.errors import StepFailed
from model.names import AppKind
from model.steps import ApplyRouting
from tests.executors.clusters import cluster
from tests.executors.example import registered, registered_keys
from tests.executors.expected import FIXTURES, check, shellcheck
from tests.executors.issued import pair_for, record_of
from tests.executors.scripted import Answer, ScriptedRemote
from tests.identity import IDENTITIES, OTHERS, encrypted

FIRST_INSTANCE: tuple[AppKind, str, str] = ("backend", "influencer", "1-ab12cd34")


SHOP, WILD = "shop.example.com", "*.example.com"


@pytest.mark.parametrize("node", ["ingress016", "worker101"])
def test_the_script_of_each_machine(node: str) -> None:
    tree = registered()
    checks = checks_of([FIRST_INSTANCE], tree, node) if node == "ingress016" else Checks()
    script = routing_script(routing_files(tree, node), checks)
    check(FIXTURES / "routing" / f"{node}.sh", script)
    shellcheck(wrapped(script, HostFence(1)))


def test_serving_instances_are_seen_in_haproxy_and_under_each_of_their_addresses() -> None:
    checks = checks_of([("backend", "api", "1-ab12cd34")], registered("several"), "ingress016")
    assert checks.servers == (("backend-api", "1-ab12cd34"),)
    assert checks.addresses == ("http://shop.example.com:80/api", "http://shop.example.com:80/api/")


def test_an_ingress_is_asked_for_what_it_serves_only_and_by_https_where_the_certificate_is_there() -> None:
    serving = [("backend", "api", "1-ab12cd34"), ("frontend", "shop", "1-00000001")]

    def seen(node: str) -> tuple[str, ...]:
        return checks_of(
            TypeAdapter(list[tuple[AppKind, str, str]]).validate_python(serving), registered("secure"), node
        ).addresses

    both = {
        "http://both.example.com:80/",
        "https://both.example.com:443/",
        "https://flstr-padlock.example.com:443/",
        "https://shop.example.com:443/",
        "https://shop.example.com:443/api",
    }
    assert set(seen("ingress016")) == both | {"http://plain.example.com:8080/"}
    assert set(seen("edge101")) == both | {"https://admin.example.com:8443/api"}
    assert seen("worker101") == ()


class Field:
    """The example's registry, and machines that answer as a test says."""

    def __init__(
        self,
        store: Store,
        answer: Answer = lambda node, script: "",
        dead: tuple[str, ...] = (),
        case: str = "example",
        certificates: Iterable[CertificateRecord] = (),
    ) -> None:
        store.write({**registered_keys(case), keys.CLUSTER: cluster("small").to_json()})
        store.write({keys.certificate(one.name): one.to_json() for one in certificates})
        self.remote = ScriptedRemote(answer, dead)
        self.reports: list[str] = []
        self.told: list[str] = []
        self.context = StepContext("op", Registry(store), HostFence(1), self.reports.append, self.told.append)

    def apply(self, *serving: tuple[str, str, str]) -> None:
        Routing(self.remote, IDENTITIES.decrypt).apply(ApplyRouting.model_validate({"serving": serving}), self.context)


def test_every_machine_but_controllers_is_configured_once(store: Store) -> None:
    field = Field(store)
    field.apply()
    assert sorted(node for node, _ in field.remote.ran) == ["ingress016", "worker101", "worker102"]


def test_only_the_ingresses_look_at_what_serves(store: Store) -> None:
    field = Field(store)
    field.apply(FIRST_INSTANCE)
    assert field.remote.nodes("see_server backend-influencer 1-ab12cd34") == ["ingress016"]


def test_without_an_ingress_the_instances_own_machines_look(store: Store) -> None:
    field = Field(store)
    store.delete("node/ingress016")
    field.apply(FIRST_INSTANCE)
    assert field.remote.nodes("see_server backend-influencer 1-ab12cd34") == ["worker101"]


def test_a_dead_worker_that_nothing_new_serves_from_is_a_line(store: Store) -> None:
    field = Field(store, dead=("worker102",))
    field.apply(FIRST_INSTANCE)
    assert any(line.startswith("worker102 keeps its old routing: ") for line in field.reports)


@pytest.mark.parametrize("dead", ["ingress016", "worker101"])
def test_a_dead_ingress_or_serving_machine_fails_the_step(store: Store, dead: str) -> None:
    field = Field(store, dead=(dead,))
    with pytest.raises(StepFailed, match=f"^{dead}: no SSH connection"):
        field.apply(FIRST_INSTANCE)
    # Nobody else waited for it.
    assert len(field.remote.ran) == 2


def test_what_each_machine_took_is_noted_once(store: Store) -> None:
    field = Field(store, dead=("worker102",))
    field.apply()
    tree = field.context.registry.read()
    assert tree.routed == {node: routing_digest(tree, node) for node in ("ingress016", "worker101")}
    assert wrongly_routed(tree) == ("worker102",)
    revision = store._prefix("")[1]
    field.apply()
    assert store._prefix("")[1] == revision


def test_a_machine_that_failed_is_not_noted(store: Store) -> None:
    field = Field(store, dead=("ingress016",))
    with pytest.raises(StepFailed):
        field.apply()
    assert wrongly_routed(field.context.registry.read()) == ("ingress016",)


def test_an_instance_that_is_not_registered_cannot_serve(store: Store) -> None:
    field = Field(store)
    with pytest.raises(StepFailed, match=r"^influencer 9-ab12cd34 is not registered"):
        field.apply(("backend", "influencer", "9-ab12cd34"))
    assert field.remote.ran == []


def refusing(*nodes: str) -> Answer:
    """Machines whose HAProxy takes nothing."""

    def answer(node: str, script: str) -> str:
        if node in nodes:
            output = f"[NOTICE] haproxy\n[ALERT] (7) : [{script[:3]}] unknown keyword\nHAProxy refuses it"
            raise StepFailed(f"{node}: HAProxy refuses it", output, 1)
        return ""

    return answer


def test_a_machine_that_refuses_is_told_of_in_the_thread_with_why(store: Store) -> None:
    field = Field(store, refusing("worker102"))
    field.apply(FIRST_INSTANCE)
    (line,) = field.told
    assert line.startswith("worker102 keeps its old routing: worker102: HAProxy refuses it ([ALERT] (7) : [")
    assert "unknown keyword" in line
    assert wrongly_routed(field.context.registry.read()) == ("worker102",)


def secure_field(store: Store, answer: Answer = lambda node, script: "", **sealed: str) -> Field:
    """The cluster with two ingresses, and certificates with real keys; `sealed` are keys that others have."""
    pairs = [pair_for(name) for name in (SHOP, WILD, "both.example.com", "admin.example.com")]
    records = [record_of(one, "5", sealed.get(one.name.partition(".")[0])) for one in pairs]
    return Field(store, answer, case="secure", certificates=records)


def carried(field: Field) -> dict[str, list[str]]:
    """By machine, the hosts whose certificates came with the last script."""
    found = {}
    for node, script in field.remote.ran:
        lines = (line.split() for line in script.splitlines() if line.startswith("take_pair "))
        found[node] = [line[1].strip("'") for line in lines]
    field.remote.ran.clear()
    return found


def test_an_ingress_is_given_the_certificates_of_what_it_serves_once(store: Store) -> None:
    field = secure_field(store)
    field.apply()
    both = [WILD, "both.example.com", SHOP]
    assert carried(field) == {
        "ingress016": both,
        "edge101": [WILD, "admin.example.com", "both.example.com", SHOP],
        "worker101": [],
    }
    field.apply()
    assert not any(carried(field).values())
    assert wrongly_routed(field.context.registry.read()) == ()
    assert field.context.registry.read().certified["ingress016"] == dict.fromkeys(both, "5")


def test_an_ordinary_script_holds_no_key(store: Store) -> None:
    field = secure_field(store)
    field.apply()
    assert "PRIVATE KEY" in "".join(script for _, script in field.remote.ran)
    field.remote.ran.clear()
    field.apply()
    assert "PRIVATE KEY" not in "".join(script for _, script in field.remote.ran)


def test_of_a_renewed_certificate_only_that_one_is_brought(store: Store) -> None:
    field = secure_field(store)
    field.apply()
    carried(field)
    store.write({keys.certificate(SHOP): record_of(pair_for(SHOP), "6").to_json()})
    assert wrongly_routed(field.context.registry.read()) == ("edge101", "ingress016")
    field.apply()
    assert carried(field) == {"ingress016": [SHOP], "edge101": [SHOP], "worker101": []}


def test_a_first_certificate_is_brought_where_its_host_is_served(store: Store) -> None:
    field = secure_field(store)
    field.apply()
    carried(field)
    store.write({keys.certificate("later.example.com"): record_of(pair_for("later.example.com"), "7").to_json()})
    field.apply()
    scripts = dict(field.remote.ran)
    assert "return 503;" not in scripts["edge101"]
    assert carried(field)["edge101"] == ["later.example.com"]


def test_a_new_machine_of_the_same_name_is_given_all_of_them(store: Store) -> None:
    field = secure_field(store)
    field.apply()
    node = field.context.registry.read().nodes["edge101"]
    field.context.registry.forget_node("edge101")
    assert "edge101" not in field.context.registry.read().certified
    field.context.registry.put_node(node)
    carried(field)
    field.apply()
    assert len(carried(field)["edge101"]) == 4


def lacking(node: str, *hosts: str) -> Answer:
    """A machine on which the certificates of some hosts are not found."""

    def answer(at: str, script: str) -> str:
        missing = [host for host in hosts if f"see_certificate {quote(host)} " in script]
        if at == node and missing:
            said = " ".join([MISSING_MARK, *missing])
            raise StepFailed(f"{node}: {said}", said, MISSING_STATUS)
        return ""

    return answer


def test_a_machine_that_lost_some_is_given_those_at_once(store: Store) -> None:
    field = secure_field(store, lacking("edge101", WILD, SHOP))
    field.apply()
    carried(field)
    field.apply()
    assert [node for node, _ in field.remote.ran].count("edge101") == 2
    assert carried(field)["edge101"] == [WILD, SHOP]
    assert wrongly_routed(field.context.registry.read()) == ()


def test_where_one_is_lost_a_host_whose_new_key_cannot_be_opened_is_still_served(store: Store) -> None:
    field = secure_field(store, lacking("edge101", WILD))
    field.apply()
    renewed = record_of(pair_for(SHOP), "6", encrypted(b"its key", OTHERS))
    store.write({keys.certificate(SHOP): renewed.to_json()})
    carried(field)
    field.apply()
    assert f"ssl_certificate /etc/nginx/certificates/{SHOP}.pem" in dict(field.remote.ran)["edge101"]
    assert carried(field)["edge101"] == [WILD]
    assert field.context.registry.read().certified["edge101"][SHOP] == "5"


def test_a_key_that_cannot_be_opened_leaves_the_others_served_and_is_said(store: Store) -> None:
    field = secure_field(store, shop=encrypted(b"its key", OTHERS))
    field.apply()
    scripts = dict(field.remote.ran)
    assert SHOP not in carried(field)["ingress016"]
    assert f"ssl_certificate /etc/nginx/certificates/{SHOP}.pem" not in scripts["ingress016"]
    assert "ssl_certificate /etc/nginx/certificates/both.example.com.pem" in scripts["ingress016"]
    (line,) = field.told
    assert line.startswith(f"{SHOP} keeps the certificate it has, if any: the key of the new one cannot be opened: ")
    assert wrongly_routed(field.context.registry.read()) == ("edge101", "ingress016")


def test_a_key_of_a_renewal_that_cannot_be_opened_leaves_the_old_one_served(store: Store) -> None:
    field = secure_field(store)
    field.apply()
    carried(field)
    renewed = record_of(pair_for(SHOP), "6", encrypted(b"its key", OTHERS))
    store.write({keys.certificate(SHOP): renewed.to_json()})
    field.apply()
    assert f"ssl_certificate /etc/nginx/certificates/{SHOP}.pem" in dict(field.remote.ran)["ingress016"]
    assert not any(carried(field).values())
    assert field.context.registry.read().certified["ingress016"][SHOP] == "5"


def test_one_that_nginx_refuses_is_said_and_tried_again(store: Store) -> None:
    field = secure_field(store)
    field.apply()
    store.write({keys.certificate(SHOP): record_of(pair_for(SHOP), "6").to_json()})
    carried(field)
    field.remote._answer = lambda node, script: (
        f"refused certificate: {SHOP} key values mismatch\n" * (node == "edge101")
    )
    field.apply()
    assert field.told == [
        f"edge101 keeps the old certificate of {SHOP}, because nginx refuses the new one: key values mismatch"
    ]
    tree = field.context.registry.read()
    assert (tree.certified["edge101"][SHOP], tree.certified["ingress016"][SHOP]) == ("5", "6")
    assert wrongly_routed(tree) == ("edge101",)


def test_a_first_one_that_nginx_refuses_leaves_its_host_waiting_and_the_others_served(store: Store) -> None:
    def answer(node: str, script: str) -> str:
        if node == "edge101" and f"take_pair {SHOP} " in script:
            output = f"refused certificate: {SHOP} key values mismatch"
            raise StepFailed(f"edge101: {output}", output, REFUSED_STATUS)
        return ""

    field = secure_field(store, answer)
    field.apply()
    assert carried(field)["edge101"] == [WILD, "admin.example.com", "both.example.com"]
    assert field.told == [
        f"edge101 does not serve {SHOP} by https yet, because nginx refuses its certificate: key values mismatch"
    ]
    tree = field.context.registry.read()
    assert SHOP not in tree.certified["edge101"]
    assert wrongly_routed(tree) == ("edge101",)


def test_no_key_is_in_what_a_failing_step_says(store: Store) -> None:
    def answer(node: str, script: str) -> str:
        raise StepFailed(f"{node}: {script.splitlines()[-1]}", script, 1)

    field = secure_field(store, answer)
    with pytest.raises(StepFailed) as failed:
        field.apply()
    said = "\n".join([str(failed.value), failed.value.output, *field.reports, *field.told])
    assert "take_pair" in said
    assert "PRIVATE" not in said
    assert not any(line in said for _, script in field.remote.ran for line in key_lines(script))


def key_lines(script: str) -> list[str]:
    """The lines of the private keys in a script."""
    inside, found = False, []
    for line in script.splitlines():
        inside = (inside or "BEGIN PRIVATE" in line) and "END PRIVATE" not in line
        if inside:
            found.append(line)
    return found


def test_what_another_ingress_serves_changes_nothing_on_this_one() -> None:
    tree = registered("secure")
    admin = tree.ingress["admin.example.com:8443"]
    without = tree.model_copy(update={"ingress": {key: one for key, one in tree.ingress.items() if one != admin}})
    assert routing_digest(tree, "ingress016") == routing_digest(without, "ingress016")
    assert routing_digest(tree, "worker101") == routing_digest(without, "worker101")
    assert routing_digest(tree, "edge101") != routing_digest(without, "edge101")
    renewed = record_of(pair_for(SHOP), "9")
    again = tree.model_copy(update={"certificates": {**tree.certificates, SHOP: renewed}})
    assert routing_digest(tree, "edge101") == routing_digest(again, "edge101")
    first = tree.model_copy(update={"certificates": {}})
    assert routing_digest(tree, "edge101") != routing_digest(first, "edge101")
    more = admin.model_copy(update={"pool": None, "nodes": ("edge101", "edge102")})
    moved = tree.model_copy(update={"ingress": {**tree.ingress, "admin.example.com:8443": more}})
    assert routing_digest(tree, "edge101") == routing_digest(moved, "edge101")
