"""The ingress that holds a floating IP dies: its users are served by the other one within seconds."""

import http.client
import time
from dataclasses import dataclass

import pytest
from hcloud import Client

from gitops.names import wanted_names
from gitops.registry import Registry
from gitops.store import Store
from lab.dns.server import PORT
from lab.story.asking import ask_once
from lab.story.chapters import BUILD_UP_SECONDS
from lab.story.chat import OPERATOR
from lab.story.stage import APP_HOST, Stage
from lab.surroundings import CLOUD_TOKEN, Wishes
from tests.lab.dns.asking import Resolver
from tests.story.asked import await_settled
from tests.story.views import etcd_endpoint, registered

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(600)]

ZONE = "flstr.lab"
PUBLIC = f"dns:\n  nodes: {ZONE}\n\nfloating_ips:\n  public: {{}}\n\n"
ONE_INGRESS, TWO_INGRESSES = "    count: 1\n    first: 16", "    count: 2\n    first: 16"
WISHES = Wishes(edits={ONE_INGRESS: TWO_INGRESSES, "people:\n  operator:": f"{PUBLIC}people:\n  operator:"})
FIRST, SECOND = "ingress016", "ingress017"


@dataclass(frozen=True)
class Public:
    """A cluster that is as it should be, and the floating IP that leads to it."""

    stage: Stage
    address: str

    def holder(self) -> str | None:
        return registered(self.stage).floating_ips["public"].node

    def sent_to(self) -> str | None:
        """The server to which the cloud sends what is for the address."""
        floating = cloud(self.stage).floating_ips.get_by_name("public")
        servers = {server.id: server.name for server in cloud(self.stage).servers.get_all()}
        return None if floating is None or floating.server is None else servers[floating.server.id]

    def answered_at(self, node: str) -> bool:
        """Whether a machine has the address."""
        return self.address in self.stage.in_host(self.stage.servers()[node], "ip -oneline address show dev lo")

    def names_are_right(self) -> bool:
        """Whether DNS says what it should, for every name that there should be."""
        resolver = Resolver(PORT, self.stage.around.nameserver)
        store = Store([etcd_endpoint(self.stage)])
        try:
            registry = Registry(store)
            wanted = wanted_names(registry.cluster(), registry.read())
        finally:
            store.close()
        assert wanted[APP_HOST] == (self.address,)
        return {name: tuple(resolver.values(name)) for name in wanted} == wanted


def cloud(stage: Stage) -> Client:
    return Client(CLOUD_TOKEN, api_endpoint=stage.around.cloud_url)


@pytest.fixture(scope="module")
def public(stage: Stage) -> Public:
    """Two ingresses; the first holds the address."""
    cloud(stage).zones.create(name=ZONE, mode="primary").action.wait_until_finished()
    stage.flstr.start()
    stage.chat.await_card(lambda card: card.ending == "done", "the first operation to end", BUILD_UP_SECONDS)
    await_settled(stage)
    return Public(stage, str(registered(stage).floating_ips["public"].ip))


@pytest.fixture(scope="module")
def moved(public: Public) -> float:
    """Its holder has died; how many seconds it took until somebody answered again."""
    public.stage.cut_power(FIRST)
    began = time.monotonic()
    while not answers(public.address):
        assert time.monotonic() < began + 60, "nobody answers at the floating IP"
    return time.monotonic() - began


@pytest.fixture(scope="module")
def back(public: Public, moved: float) -> None:
    """The one that died has booted, and flstr has seen to it."""
    public.stage.power_on(FIRST)
    public.stage.chat.await_card(
        lambda card: f"have {FIRST} let go of floating IP public" in card.text and card.ending is not None,
        f"{FIRST} to be back", 120.0,
    )  # fmt: skip
    await_settled(public.stage)


def answers(address: str) -> bool:
    """Whether the app answers there, for whoever asks for half a second at most."""
    connection = http.client.HTTPConnection(address, timeout=0.5)
    try:
        connection.request("GET", "/", headers={"Host": APP_HOST})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        time.sleep(0.05)
        return False
    finally:
        connection.close()


def test_users_come_in_by_the_floating_ip_which_the_hosts_name_leads_to(public: Public) -> None:
    assert (public.holder(), public.sent_to()) == (FIRST, FIRST)
    assert "influencer" in ask_once(public.address, APP_HOST)
    assert public.names_are_right()


def test_they_are_served_by_the_other_one_after_the_holder_has_died(public: Public, moved: float) -> None:
    print(f"answered again {moved:.1f} s after the power of the holder was cut")
    assert "influencer" in ask_once(public.address, APP_HOST)
    public.stage.chat.await_card(
        lambda card: f"move floating IP public from {FIRST} to {SECOND}" in card.text and card.ending == "done",
        "the card of the move",
    )
    assert (public.holder(), public.sent_to()) == (SECOND, SECOND)
    assert FIRST in registered(public.stage).unreachable
    assert public.names_are_right()


def test_the_channel_hears_of_it_and_status_says_who_holds_it(public: Public, moved: float) -> None:
    said = public.stage.chat.command(OPERATOR, "/flstr status")
    assert f"public: {public.address}, held by {SECOND}" in said
    assert f"{FIRST} (ingress" in said
    assert "has not answered" in said


def test_the_old_holder_lets_go_once_it_is_back_and_nobody_notices(public: Public, back: None) -> None:
    assert not public.answered_at(FIRST)
    assert public.answered_at(SECOND)
    assert (public.holder(), public.sent_to()) == (SECOND, SECOND)
    assert "influencer" in ask_once(public.address, APP_HOST)
    assert registered(public.stage).unreachable == {}
    assert public.names_are_right()


def test_an_ingress_that_leaves_hands_the_address_over_and_its_name_goes(public: Public, back: None) -> None:
    stage = public.stage
    before = {card.record for card in stage.chat.cards()}
    stage.merge("one-ingress", {TWO_INGRESSES: ONE_INGRESS})
    asked = stage.chat.await_card(lambda card: card.record not in before and card.waits, "a card that asks")
    stage.chat.click("U03REVIEWER", asked, "approval.approve")
    card = stage.chat.await_card(lambda it: it.ts == asked.ts and it.ending is not None, "the removal to end", 180.0)
    assert card.ending == "done", card.text
    assert (public.holder(), public.sent_to()) == (FIRST, FIRST)
    assert "influencer" in ask_once(public.address, APP_HOST)
    assert public.names_are_right()
    assert Resolver(PORT, stage.around.nameserver).values(f"{SECOND}.{ZONE}") == []
