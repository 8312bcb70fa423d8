"""Variables of services are looked at by the options that our playbooks really have."""

import pytest

from model.playbooks import OURS
from tests.gitops.service_faults import faults
from tests.gitops.service_scene import ONE, TWO, cluster_yaml

RIGHT = {
    "redis": "redis_memory: 512mb\n  redis_save_points: [{seconds: 60, changes: 1}]\n  redis_replicas_to_write: 1",
    "mongodb": "mongodb_cache_gb: 0.5\n  mongodb_oplog_mb: 990\n  mongodb_suite: bookworm/mongodb-org/8.2",
    "elasticsearch": "elasticsearch_heap: 512m\n  elasticsearch_repository: http://mirror/apt",
    "nginx": "nginx_index: [a.html]\n  nginx_spa_fallback: /a.html\n  nginx_headers: {X-A: b}\n  nginx_uploads: false",
}


def said(playbook: str, variables: str, nodes: str = f"nodes: [{ONE}, {TWO}]") -> list[str]:
    text = f"service: mine\nplaybook: {playbook}\n{nodes}\npublish: {{port: 6390}}\nenv_prefix: MINE\n"
    return faults(f"{text}variables:\n  {variables}\n")


@pytest.mark.parametrize("playbook", OURS)
def test_what_its_role_takes_is_right(playbook: str) -> None:
    assert said(playbook, RIGHT[playbook]) == []


@pytest.mark.parametrize(
    ("variable", "sentence"),
    [
        ("redis_memory: 512m", "redis_memory cannot be '512m'; write a number with kb, mb or gb, such as 256mb"),
        ("redis_max_clients: 0", "redis_max_clients cannot be '0'; write a whole number from 1 to 60000"),
        (
            "redis_save_points: [60]",
            "redis_save_points cannot be '[60]'; write a list, each with seconds: a whole number, changes: a whole number",
        ),
        ("mongodb_oplog_mb: 5", "mongodb_oplog_mb cannot be '5'; write a whole number from 990 to 10000000, or 0"),
        ("elasticsearch_heap: 1gb", "elasticsearch_heap cannot be '1gb'; write a number with m or g, such as 512m or 4g"),
        ("nginx_index: [a b]", "nginx_index cannot be '['a b']'; write a list of names of files, such as index.html"),
        (
            "redis_replicas_to_write: 2",
            "redis_replicas_to_write is 2, and the leader would take no writes; there can be 1, one less than machines",
        ),
        (
            "nginx_uploads: true",
            "nginx_uploads needs one machine and there are 2, to which nothing would bring the files; "
            "name one under nodes",
        ),
    ],
)  # fmt: skip
def test_what_its_role_would_refuse_is_refused_before_the_merge(variable: str, sentence: str) -> None:
    assert said(variable.partition("_")[0], variable) == [f"services/mine.yaml:7: {sentence}"]


def test_uploads_and_a_fallback_exclude_one_another() -> None:
    both = "nginx_uploads: true\n  nginx_spa_fallback: /index.html"
    assert said("nginx", both, f"nodes: [{ONE}]") == [
        "services/mine.yaml:8: nginx_uploads and nginx_spa_fallback exclude one another; "
        "a path without a file is where uploads go, so take one of the two out"
    ]
    assert said("nginx", "nginx_uploads: true", f"nodes: [{ONE}]") == []


def test_machines_of_a_pool_count_as_those_that_are_named() -> None:
    (fault,) = said("nginx", "nginx_uploads: true", "pool: service")
    assert "nginx_uploads needs one machine and there are 2" in fault
    text = "service: mine\nplaybook: redis\npool: service\npublish: {port: 6390}\nenv_prefix: MINE\n"
    text += "variables: {redis_replicas_to_write: 2}\n"
    assert faults(text, cluster=cluster_yaml(3)) == []
    # Without any machine, that is what is wrong.
    (fault,) = faults(text, cluster=cluster_yaml(0))
    assert "give it a count above 0" in fault
