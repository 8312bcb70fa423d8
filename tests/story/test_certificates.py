"""A manifest that wants https ends with certificates that are kept, by the worker alone: in a lab, with its authority,
its zones and its logs."""

import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests
from hcloud import Client
from hcloud.zones import ZoneRecord

from executors.certificates.faults import faults
from executors.certificates.roots import trusted_roots
from gitops.certificates import key_safe
from gitops.secrets import read_identities
from lab.story.chapters import Story
from lab.story.chat import OPERATOR, Card
from lab.story.narrator import Silent
from lab.story.stage import APP_HOST, Stage
from lab.surroundings import CLOUD_TOKEN, Wishes
from model.certificates import CertificateRecord
from tests.lab.cloud.running_cloud import AnyClient
from tests.story.asked import await_new, await_settled, records
from tests.story.killing import PowerCuts
from tests.story.renewals import want_renewal
from tests.story.views import registered

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(600)]

# One worker with one instance is enough.
WISHES = Wishes(edits={"count: 2": "count: 1", "instances: 2": "instances: 1"})
WILD, OTHER_WILD, NOWHERE = "*.flstr.lab", "*.more.flstr.lab", "shop.nowhere.lab"
BOTH = {APP_HOST, WILD}
LOGGED_SECONDS = 60.0
SECURED = f'    ssl: true\n  - host: "{WILD}"\n    ssl: true\n'


@pytest.fixture(scope="module")
def published(stage: Stage) -> Stage:
    """The example's app, which answers at a name in a zone of the lab; nobody has asked for https yet."""
    story = Story(stage, Silent())
    story.build_up()
    cloud: AnyClient = Client(CLOUD_TOKEN, api_endpoint=stage.around.cloud_url, poll_interval=0.02)
    zone = cloud.zones.create(name="flstr.lab", mode="primary").zone
    for label in (APP_HOST.partition(".")[0], "*"):
        zone.create_rrset(name=label, type="A", records=[ZoneRecord(story.ingress())]).action.wait_until_finished()
    return stage


def kept(stage: Stage) -> dict[str, CertificateRecord]:
    return registered(stage).certificates


def serials(stage: Stage) -> dict[str, str]:
    return {name: record.issued.serial for name, record in kept(stage).items() if record.issued is not None}


def await_certificates(stage: Stage, before: set[str], title: str) -> Card:
    """The operation about certificates, once it has ended; others may come before it."""
    while not (card := await_new(stage, before, title)).text.startswith(title):
        before.add(card.record)
    return card


def test_a_manifest_that_wants_https_ends_with_a_certificate_a_host(published: Stage) -> None:
    before = records(published)
    published.merge("https", {"    port: 80\n    location: /\n": SECURED})
    card = await_certificates(published, before, f"get certificates for {WILD}, {APP_HOST}")
    assert card.ending == "done", card.text
    assert {status for _, status in card.tasks} == {"complete"}
    roots = trusted_roots(published.around.acme.root)
    safe = key_safe(read_identities(published.around.state / "age" / "identity"))
    assert set(kept(published)) == BOTH
    for name, record in kept(published).items():
        assert record.failure is None
        assert record.issued is not None
        key = safe.open(record.issued.sealed_key)
        assert faults(record.issued.chain, key, [name], roots, datetime.now(UTC)) == ()
    assert registered(published).due == {}


def test_nothing_is_left_of_the_proofs(published: Stage) -> None:
    folder = "/var/www/acme/.well-known/acme-challenge"
    ingress = published.servers()["ingress016"]
    assert published.in_host(ingress, f"ls -A {folder} | wc -l") == "0\n"
    assert not has_proof(published)


def has_proof(stage: Stage) -> bool:
    """Whether a record is in the zone that proves a name."""
    (zone,) = stage.around.cloud.project.zones
    # Its cloud, on a thread of its own, may be changing them.
    return "TXT" in {rrset.type for rrset in list(zone.rrsets.values())}


def issued(stage: Stage) -> Counter[str]:
    """How many certificates the authority has issued, by their one name, as crt.sh has it."""
    asked = {"Identity": "flstr.lab", "match": "LIKE", "output": "json"}
    return Counter(row["name_value"] for row in requests.get(stage.around.ct_url, asked, timeout=10).json())


def issued_at_last(stage: Stage, wanted: Counter[str]) -> Counter[str]:
    """The same, once all that is wanted is there: the logs hear of a certificate a little later than who asked for it."""
    deadline = time.monotonic() + LOGGED_SECONDS
    while not (found := issued(stage)) >= wanted:
        assert time.monotonic() < deadline, f"issued are {found}, and not {wanted}"
        time.sleep(0.1)
    return found


def test_people_are_told_of_them(published: Stage) -> None:
    await_settled(published)
    status = published.chat.command(OPERATOR, "/flstr status")
    assert f"• {APP_HOST}: good for 89 days" in status
    published.chat.await_answer(OPERATOR, "/flstr crtsh flstr.lab", "2 of 50 new ones in 7 days by Pebble")


def test_no_key_is_in_the_log(published: Stage) -> None:
    log = published.flstr.log.read_text()
    assert "certificates are due" in log
    assert "PRIVATE KEY" not in log


def test_a_power_cut_while_they_are_renewed_loses_none_and_repeats_none(published: Stage) -> None:
    first, before, had = serials(published), records(published), issued(published)
    cuts = PowerCuts(published)
    published.flstr.stop()
    cuts.start()
    published.chat.await_connected()
    want_renewal(published)
    # What was issued this moment, nobody has fetched yet.
    cuts.when(lambda: issued(published)[WILD] > had[WILD], f"a certificate for {WILD} to be issued")
    card = await_certificates(published, before, f"renew certificates of {WILD}, {APP_HOST}")
    assert card.ending == "done", card.text
    assert cuts.count == 1
    second = serials(published)
    assert second.keys() == BOTH
    assert not set(first.values()) & set(second.values())
    await_settled(published)
    assert serials(published) == second
    wanted = had + Counter(BOTH)
    assert issued_at_last(published, wanted) == wanted
    assert published.chat.command(OPERATOR, "/flstr plan").endswith("the cluster is as the manifests say.")


def test_a_proof_that_a_killed_controller_left_in_the_zone_is_taken_away(published: Stage) -> None:
    before, cuts = records(published), PowerCuts(published)
    published.flstr.stop()
    cuts.start()
    published.push("another-wildcard", lambda folder: add_hosts(folder, OTHER_WILD))
    cuts.when(lambda: has_proof(published), "a proof to be in the zone")
    card = await_certificates(published, before, f"get a certificate for {OTHER_WILD}")
    assert card.ending == "done", card.text
    assert not has_proof(published)
    assert issued_at_last(published, Counter([OTHER_WILD]))[OTHER_WILD] == 1


def add_hosts(folder: Path, *hosts: str) -> None:
    """Have the app answer at more names, by https."""
    with (folder / "apps/influencer.yaml").open("a") as manifest:
        manifest.writelines(f'  - host: "{host}"\n    ssl: true\n' for host in hosts)


def test_whoever_loses_the_private_key_gets_certificates_with_keys_that_can_be_opened(published: Stage) -> None:
    before, first = records(published), serials(published)
    identity = published.around.state / "age" / "identity"
    published.flstr.stop()
    identity.unlink()
    published.flstr.start()
    card = await_certificates(published, before, f"renew certificates of {WILD}, {OTHER_WILD}, {APP_HOST}")
    assert card.ending == "done", card.text
    assert not set(first.values()) & set(serials(published).values())
    safe = key_safe(read_identities(identity))
    assert all(safe.can_open(one.issued.sealed_key) for one in kept(published).values() if one.issued is not None)


def test_one_that_fails_among_many_is_told_and_holds_up_no_other(published: Stage) -> None:
    before, first = records(published), serials(published)
    many = [f"host{number}.flstr.lab" for number in range(10)]
    published.push("many-hosts", lambda folder: add_hosts(folder, *many, NOWHERE))
    card = await_certificates(published, before, "get certificates for host0.flstr.lab, ")
    assert card.ending == "failed"
    assert f"get a certificate for {NOWHERE}: {NOWHERE}: no certificate, because " in card.text
    assert [title for title, status in card.tasks if status == "error"] == [f"get a certificate for {NOWHERE}"]
    assert serials(published).keys() == {*BOTH, OTHER_WILD, *many}
    assert first.items() <= serials(published).items()
    assert registered(published).due == {}
    status = published.chat.command(OPERATOR, "/flstr status")
    assert f":warning: {NOWHERE}: no certificate yet; the last attempt failed: " in status
    assert "; tried again at 20" in status
