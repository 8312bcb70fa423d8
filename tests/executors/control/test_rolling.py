"""The order in which controllers are upgraded, and that never more than one of them is down."""

from executors.control.rolling import in_order, others_down
from executors.control.standing import Standing, standing
from gitops.store import Store
from model import keys
from model.registered import ControllerRecord

NODES = ("controller101", "controller102", "controller103")


def now(*running: str, leader: str = "controller101") -> Standing:
    records = {node: ControllerRecord(node=node, version="0123456789abcdef", since=1.0) for node in running}
    return Standing(records, leader, token=5)


def test_followers_first_and_whoever_leads_last() -> None:
    assert in_order(NODES, now(*NODES)) == ["controller102", "controller103", "controller101"]


def test_one_that_is_down_comes_first_as_nobody_misses_it() -> None:
    assert in_order(NODES, now("controller101", "controller102")) == [
        "controller103", "controller102", "controller101"
    ]  # fmt: skip


def test_nobody_is_restarted_while_another_is_down() -> None:
    two = now("controller101", "controller102")
    assert others_down("controller102", NODES, two) == ["controller103"]
    assert others_down("controller103", NODES, two) == []


def test_the_machines_obey_the_leaders_token_or_any_later_one_where_nobody_leads(store: Store) -> None:
    store.put(keys.EPOCH, "2")
    store.put(keys.LEADER, "controller102")
    created = store.create_revision(keys.LEADER)
    assert created is not None
    led = standing(store)
    assert (led.leads, led.token) == ("controller102", 2 << 40 | created)
    store.delete(keys.LEADER)
    nobody = standing(store)
    assert nobody.leads == ""
    assert nobody.token > led.token
    store.put(keys.LEADER, "controller103")
    assert standing(store).token > nobody.token
