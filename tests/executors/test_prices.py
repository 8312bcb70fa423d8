"""What machines cost, asked of the lab's cloud."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from executors.prices import MonthlyPrices
from lab.cloud.catalog import SERVER_TYPES
from model.errors import StepFailed
from tests.lab.cloud.running_cloud import TOKEN, RunningCloud


@pytest.fixture
def cloud() -> Iterator[RunningCloud]:
    cloud = RunningCloud()
    yield cloud
    cloud.stop()


def test_a_month_of_each_machine_of_the_cluster(cloud: RunningCloud) -> None:
    for node, cluster in {"worker101": "ours", "worker102": "ours", "worker103": "other"}.items():
        cloud.server(node, labels={"cluster": cluster})
    found = MonthlyPrices(TOKEN, cloud.url)("ours", ["worker101", "worker103", "worker104"])
    assert found.keys() == {"worker101"}
    assert found["worker101"] in {Decimal(str(one.price_monthly)) for one in SERVER_TYPES}


def test_a_cloud_that_does_not_answer_is_one_sentence() -> None:
    with pytest.raises(StepFailed, match="asking what machines cost failed"):
        MonthlyPrices("wrong", "http://127.0.0.1:9/v1")("ours", ["worker101"])
