"""Which services are watched for the loss of their leader."""

from gitops.service_failover import watched_services
from model.registered import RegisteredService
from tests.gitops.service_scene import ONE, TWO, Fleet, cache_yaml, wants


def test_one_that_is_led_is_watched_once_it_is_offered_to_anybody() -> None:
    scene, manifests = Fleet(), wants(cache_yaml((ONE, TWO)))
    scene.follow(manifests)
    installed = scene.tree(manifests)
    (watched,) = watched_services(manifests.cluster, installed)
    assert (watched.leader, list(watched.addresses)) == (ONE, [ONE, TWO])
    service = installed.services["cache"]
    begun = RegisteredService(instances=service.instances, record=service.record)
    assert watched_services(manifests.cluster, installed.model_copy(update={"services": {"cache": begun}})) == ()


def test_one_that_has_nobody_to_follow_is_not() -> None:
    scene, manifests = Fleet(), wants(cache_yaml((ONE,)))
    scene.follow(manifests)
    assert watched_services(manifests.cluster, scene.tree(manifests)) == ()
