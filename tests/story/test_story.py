"""The story as the demo plays it, then what a person does on the Slack page, and what flstr does when nothing happens."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect, sync_playwright

from lab.story.asking import Asking, Tally, ask_once
from lab.story.chapters import EXPIRES, STORY_WISHES, TWO_WORKERS, Story
from lab.story.chat import OPERATOR, Card
from lab.story.narrator import Silent
from lab.story.stage import APP_HOST, Stage
from tests.story.views import (
    answered,
    enabled_units,
    etcd_writes,
    listening,
    overlay_leases,
    overlay_peers,
    packets,
    polls,
    registered,
    registered_units,
    running_units,
    ssh_logins,
)

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(900)]

# Only there to end what hangs.
expect.set_options(timeout=30_000)

WISHES = STORY_WISHES
ONE_WORKER = "    count: 1\n    first: 101"
OPERATION_MS = 180_000


class Watching(Silent):
    """Remembers every state of a card that somebody who watches the channel could see."""

    def __init__(self) -> None:
        self.seen: list[Card] = []

    def watch(self, card: Card | None) -> None:
        if card is not None and (not self.seen or self.seen[-1] != card):
            self.seen.append(card)


@pytest.fixture(scope="module")
def narrator() -> Watching:
    return Watching()


@pytest.fixture(scope="module")
def built_up(stage: Stage, narrator: Watching) -> Story:
    story = Story(stage, narrator)
    story.build_up()
    return story


@pytest.fixture(scope="module")
def deployed(built_up: Story) -> Tally:
    return built_up.deploy()


@pytest.fixture(scope="module")
def grown(built_up: Story, deployed: Tally) -> None:
    built_up.grow()


@pytest.fixture(scope="module")
def shrunk(built_up: Story, grown: None) -> None:
    built_up.shrink()


def test_machines_that_did_not_exist_serve_the_first_commit(stage: Stage, built_up: Story) -> None:
    assert set(stage.servers()) == {"controller001", "worker101", "worker102", "ingress016"}
    assert answered(stage, "POST", "/servers", 201) == 4
    (card,) = stage.chat.cards()
    assert {status for _, status in card.tasks} == {"complete"}
    assert running_units(stage) == enabled_units(stage) == registered_units(stage)
    assert [len(units) for units in running_units(stage).values()] == [1, 1]


def test_instances_listen_in_the_overlay_alone_and_are_asked_through_it(stage: Stage, built_up: Story) -> None:
    tree = registered(stage)
    instances = tree.apps["backend", "influencer"].instances.values()
    for instance in instances:
        assert instance.ip == tree.nodes[instance.node].addresses["overlay"]
        assert listening(stage, instance.node) == [f"{instance.ip}:{instance.port}"]
    before = {device: packets(stage, "ingress016", device) for device in ("flannel-wg", "vpn_ingr")}
    for _ in range(100):
        ask_once(built_up.ingress(), APP_HOST)
    sent = {device: packets(stage, "ingress016", device) - count for device, count in before.items()}
    assert sent["flannel-wg"] > 100
    assert sent["vpn_ingr"] < 100


def test_every_machine_that_carries_apps_has_a_subnet_and_the_others_as_peers(stage: Stage, built_up: Story) -> None:
    assert_overlay(stage, {"ingress016", "worker101", "worker102"})


def test_the_card_was_alive_meanwhile(built_up: Story, narrator: Watching) -> None:
    ended = [sum(status == "complete" for _, status in card.tasks) for card in narrator.seen]
    assert ended == sorted(ended)
    assert len(set(ended)) > 3
    assert any(status == "in_progress" for card in narrator.seen for _, status in card.tasks)


def test_a_deploy_replaces_the_instances_and_fails_no_request(stage: Stage, deployed: Tally) -> None:
    assert deployed.requests > 100
    assert deployed.failures == []
    assert {line.split()[1] for line in deployed.answers} == {"first", "second"}
    assert running_units(stage) == enabled_units(stage) == registered_units(stage)


def test_a_deploy_is_a_commit_under_the_persons_name(stage: Stage, deployed: Tally) -> None:
    log = stage.cluster_log()
    second = stage.app_commit("main")
    assert log.startswith("developer <developer@flstr.lab>\n")
    assert f"Deploy influencer@{second[:12]}" in log
    assert f"Asked-as: /flstr deploy influencer@{second[:7]}" in log


def test_people_look_around(stage: Stage, built_up: Story, deployed: Tally) -> None:
    built_up.look()
    picture = stage.chat.files()[-1]
    assert picture.title == "Networks of flstr-lab"
    for network in ("vpn_ctrl: 10.110.0.0/24, 4 machines", "vpn_ingr: 10.111.0.0/24, 3", "overlay: 10.5.0.0/16, 3"):
        assert network in picture.alt
    assert stage.chat.download(picture).startswith(b"\x89PNG")


def test_the_same_verbs_work_in_a_shell(stage: Stage, deployed: Tally, tmp_path: Path) -> None:
    ended, said, _ = shell(stage, "operator", "status")
    assert ended == 0
    assert "flstr-lab follows" in said
    refused = "flstr: You may not scale; developer or operator may.\n"
    assert shell(stage, "reviewer", "scale", "influencer", "1") == (1, "", refused)
    checked, said, _ = shell(stage, "operator", "audit", "verify")
    assert (checked, "unbroken since" in said) == (0, True)
    assert "deploy influencer@" in shell(stage, "reviewer", "audit", "influencer")[1]
    drawn, said, _ = shell(stage, "operator", "mesh", "graph", "--output", str(tmp_path / "networks.png"))
    assert (drawn, said.splitlines()[-1]) == (0, f"The picture is in {tmp_path}/networks.png.")
    assert (tmp_path / "networks.png").read_bytes().startswith(b"\x89PNG")


def test_a_merged_branch_adds_a_machine_and_an_instance(stage: Stage, grown: None) -> None:
    assert [len(units) for units in running_units(stage).values()] == [1, 1, 1]
    assert answered(stage, "POST", "/servers", 201) == 5
    assert_overlay(stage, {"ingress016", "worker101", "worker102", "worker103"})


def test_a_machine_goes_with_the_leave_of_a_second_person_only(stage: Stage, shrunk: None) -> None:
    endings = [card.ending for card in stage.chat.cards()]
    assert endings[-3:] == ["denied", "expired", "done"]
    assert running_units(stage) == enabled_units(stage) == registered_units(stage)
    assert sum(len(units) for units in running_units(stage).values()) == 3


def test_the_lease_of_a_machine_that_is_gone_is_gone_and_it_is_nobodys_peer(stage: Stage, shrunk: None) -> None:
    assert_overlay(stage, {"ingress016", "worker101", "worker102"})


def test_an_unchanged_repo_costs_nothing(stage: Stage, shrunk: None) -> None:
    stage.flstr.stop()
    logins = {node: ssh_logins(stage, node) for node in stage.servers()}
    # A flstr that has just started has no warm connection: whatever it does on a host is a new one, or goes by the one
    # by which it asks each whether it lives.
    stage.flstr.start(FLSTR_POLL_SECONDS="0.3")
    settled = polls(stage) + 5
    once = {node: before + 1 for node, before in logins.items()}
    _until(lambda: stage.chat.connected() and polls(stage) >= settled, 180.0)
    _until(lambda: {node: ssh_logins(stage, node) for node in once} == once, 180.0)
    asked, writes, polled = len(stage.around.cloud.requests.requests), etcd_writes(stage), polls(stage)

    _until(lambda: polls(stage) >= polled + 15)

    assert etcd_writes(stage) == writes
    assert [request.path for request in stage.around.cloud.requests.requests[asked:]] == []
    assert {node: ssh_logins(stage, node) for node in once} == once


@pytest.fixture(scope="module")
def page(stage: Stage, shrunk: None) -> Iterator[Page]:
    """The Slack page in a browser; an error in its scripts fails the test."""
    errors: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(stage.around.slack.url)
        yield page
        browser.close()
    assert errors == []


@pytest.mark.browser
def test_a_person_asks_on_the_page(page: Page) -> None:
    as_person(page, "developer")
    type_line(page, "/flstr status")
    answer = newest(page, "flstr-lab follows")
    expect(answer).to_contain_text("Only visible to you")
    expect(answer).to_contain_text("worker102 (worker")


@pytest.mark.browser
def test_a_person_deploys_on_the_page_and_reads_the_card(page: Page, stage: Stage, built_up: Story) -> None:
    first = stage.app_commit("main~1")
    as_person(page, "developer")
    with Asking(built_up.ingress(), APP_HOST) as asking:
        type_line(page, f"/flstr deploy influencer@{first[:7]}")
        card = newest(page, f"asked by developer with /flstr deploy influencer@{first[:7]}")
        expect(card).to_contain_text(f"deploy influencer@{first[:8]}")
        expect(card).to_contain_text(re.compile(r"done in \d+ s"), timeout=OPERATION_MS)
    assert asking.tally.failures == []
    assert ask_once(built_up.ingress(), APP_HOST) == f"influencer first {first}"


@pytest.mark.browser
def test_a_person_approves_a_removal_on_the_page(page: Page, stage: Stage, built_up: Story) -> None:
    # A browser types for longer than the approval of the story lives.
    stage.merge("one-worker", {TWO_WORKERS: ONE_WORKER, EXPIRES: "expires: 1h"}, person="operator")
    as_person(page, "reviewer")
    card = newest(page, "destroy worker102")
    expect(card).to_contain_text("Machines destroyed: worker102")
    expect(card).to_contain_text("Machines of the same pools that stay: worker101")
    expect(card.get_by_role("button", name="Deny")).to_be_visible()
    card.get_by_role("button", name="Approve").click()
    window = page.get_by_role("dialog", name="Destroy machines?")
    expect(window).to_contain_text("Machines destroyed: worker102")
    window.get_by_label("Type worker102 to approve").fill("worker101")
    window.get_by_role("button", name="Approve").click()
    expect(window.get_by_role("alert")).to_have_text("Type exactly: worker102")
    window.get_by_label("Type worker102 to approve").fill("worker102")
    window.get_by_role("button", name="Approve").click()
    expect(window).to_have_count(0)
    expect(card).to_contain_text(re.compile(r"done in \d+ s"), timeout=OPERATION_MS)
    expect(card.get_by_role("button", name="Approve")).to_have_count(0)
    expect(card).to_contain_text("Approved by reviewer")
    assert set(stage.servers()) == {"controller001", "worker101", "ingress016"}
    assert running_units(stage) == enabled_units(stage) == registered_units(stage)
    assert "first" in ask_once(built_up.ingress(), APP_HOST)


def test_nothing_was_said_by_halves(stage: Stage, shrunk: None) -> None:
    cards = stage.chat.cards()
    assert all(card.ending for card in cards)
    assert "in_progress" not in {status for card in cards for _, status in card.tasks}
    assert len({card.record for card in cards}) == len(cards)
    assert "nothing" in stage.chat.command(OPERATOR, "/flstr plan")


def assert_overlay(stage: Stage, nodes: set[str]) -> None:
    """These machines have a subnet each, are each other's peers, and nobody else is."""
    leases = overlay_leases(stage)
    assert leases.keys() == nodes
    for node in nodes:
        assert overlay_peers(stage, node) == {subnet for other, subnet in leases.items() if other != node}


def shell(stage: Stage, person: str, *words: str) -> tuple[int, str, str]:
    """How the `flstr` command ends for a person on the controller, and what it prints."""
    environment = {**os.environ, **stage.around.environment(), "FLSTR_EMAIL": f"{person}@flstr.lab"}
    done = subprocess.run(
        [sys.executable, "-m", "cli", *words], capture_output=True, text=True, env=environment, timeout=60, check=False
    )
    return done.returncode, done.stdout, done.stderr


def as_person(page: Page, name: str) -> None:
    page.get_by_role("radio", name=name).click()


def type_line(page: Page, line: str) -> None:
    page.get_by_label("Message #flstr").fill(line)
    page.keyboard.press("Enter")


def newest(page: Page, text: str) -> Locator:
    """The newest message with a text in it, leaving out what the channel sees of threads."""
    message = page.get_by_test_id("message").filter(has_text=text, has_not_text="replied to a thread").last
    expect(message).to_be_visible(timeout=30_000)
    return message


def _until(holds: Any, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)
