"""A host that was served in plain comes to be served by https, and at no moment by nothing."""

from collections.abc import Callable
from typing import Any

import pytest

from gitops import desired
from model.errors import StepFailed
from model.registered import IngressLocation, IngressRecord
from tests.gitops.flstr import Flstr
from tests.gitops.renewing import Failing, poll, publish
from tests.gitops.scene import HOST, app_yaml, registered

PLAIN, SECURE = f"{HOST}:80", f"{HOST}:443"


def published(flstr: Flstr) -> set[str]:
    return set(flstr.registry.read().ingress)


@pytest.fixture
def plain(flstr: Flstr) -> Flstr:
    flstr.settle()
    assert published(flstr) == {PLAIN}
    return flstr


def seen_at(flstr: Flstr, kind: str) -> list[set[str]]:
    """What is published whenever a step of this kind is carried out."""
    seen: list[set[str]] = []
    act: Callable[..., None] = flstr.pretend.act[kind]

    def look_first(step: Any, context: Any) -> None:
        seen.append(published(flstr))
        act(step, context)

    flstr.pretend.act[kind] = look_first
    return seen


def test_it_is_served_in_plain_until_its_certificate_is_in_place(plain: Flstr) -> None:
    routed, obtained = seen_at(plain, "routing.apply"), seen_at(plain, "certificate.obtain")
    publish(plain)
    plain.settle()
    assert obtained == [{PLAIN, SECURE}]
    # Routed to both, given the certificate, then to the one; none of it at once with another.
    assert routed == [{PLAIN, SECURE}, {PLAIN, SECURE}, {SECURE}]
    assert published(plain) == {SECURE}
    assert "changes nothing" in plain.ask("plan")


def test_without_a_certificate_it_stays_so(plain: Flstr) -> None:
    authority = Failing(plain, HOST)
    publish(plain)
    plain.settle()
    poll(plain)
    assert authority.asked == [HOST]
    assert published(plain) == {PLAIN, SECURE}
    assert "changes nothing" in plain.ask("plan")


def test_what_changes_with_it_holds_for_both() -> None:
    tree = registered()
    (record,) = tree.ingress.values()
    location = (IngressLocation(location="/new", type="backend", name="influencer"),)
    publish = record.publish.model_copy(update={"port": 443, "ssl": True})
    secure = IngressRecord(publish=publish, location=location, nodes=("ingress016",))
    wanted = desired.with_plain_until_certified({SECURE: secure}, tree)
    assert wanted == {SECURE: secure, PLAIN: secure.model_copy(update={"publish": record.publish})}


def test_an_old_address_stays_until_the_new_release_serves_at_the_new_one(plain: Flstr) -> None:
    def breaks(step: Any, context: Any) -> None:
        raise StepFailed("it does not start")

    plain.pretend.act["instance.start"] = breaks
    text = app_yaml(plain.app[0].url, plain.app[2])
    plain.cluster.push({"apps/influencer.yaml": text.replace(HOST, "new.flstr.lab")})
    plain.settle()
    assert PLAIN in published(plain)


def test_who_has_left_https_is_served_in_plain_at_once(flstr: Flstr) -> None:
    publish(flstr)
    poll(flstr)
    assert published(flstr) == {SECURE}
    flstr.cluster.push({"apps/influencer.yaml": app_yaml(flstr.app[0].url, flstr.app[1])})
    flstr.settle()
    assert published(flstr) == {PLAIN}
