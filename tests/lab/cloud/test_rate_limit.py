from lab.cloud.rate_limit import RateLimit
from lab.cloud.settings import CloudSettings
from tests.lab.cloud.running_cloud import RunningCloud


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def test_requests_come_back_a_little_at_a_time() -> None:
    clock = Clock()
    limit = RateLimit(3600, clock)
    assert all(limit.spend() for _ in range(3600))
    assert not limit.spend()
    clock.now += 2
    assert limit.spend()
    assert limit.spend()
    assert not limit.spend()


def test_never_more_than_the_limit_is_given_back() -> None:
    clock = Clock()
    limit = RateLimit(10, clock)
    clock.now += 100 * 3600
    assert [limit.spend() for _ in range(11)] == [True] * 10 + [False]


def test_the_headers_say_what_is_left_and_when_all_is_back() -> None:
    clock = Clock()
    limit = RateLimit(3600, clock)
    for _ in range(10):
        limit.spend()
    assert limit.headers() == {
        "RateLimit-Limit": "3600",
        "RateLimit-Remaining": "3590",
        "RateLimit-Reset": "1000010",
    }


def test_every_answer_carries_the_headers(cloud: RunningCloud) -> None:
    first, missing = cloud.raw("GET", "/servers"), cloud.raw("GET", "/servers/1")
    assert int(first.headers["RateLimit-Limit"]) == 100_000
    assert int(missing.headers["RateLimit-Remaining"]) < int(first.headers["RateLimit-Limit"])
    assert first.headers["X-Correlation-Id"] != missing.headers["X-Correlation-Id"]


def test_a_spent_limit_is_answered_with_429() -> None:
    cloud = RunningCloud(CloudSettings(requests_per_hour=2))
    try:
        statuses = [cloud.raw("GET", "/servers").status_code for _ in range(3)]
        refused = cloud.raw("GET", "/servers")
    finally:
        cloud.stop()
    assert statuses == [200, 200, 429]
    assert refused.json()["error"]["code"] == "rate_limit_exceeded"
    assert refused.headers["RateLimit-Remaining"] == "0"


def test_the_lab_can_spend_the_limit() -> None:
    # So few an hour that none comes back while the test runs.
    cloud = RunningCloud(CloudSettings(requests_per_hour=2))
    try:
        before = cloud.raw("GET", "/servers").status_code
        cloud.control("POST", "/rate_limit", {"remaining": 0})
        after = cloud.raw("GET", "/servers").status_code
    finally:
        cloud.stop()
    assert (before, after) == (200, 429)
