"""The operations room in a real browser: people type, click and read; all of flstr but its machines is real."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from bot import intake
from gitops import buttons
from tests.bot.people import Gate, People
from tests.bot.room import ETCD_PATIENCE_SECONDS, PATIENT, eventually
from tests.bot.scene import Scene, open_scene
from tests.browser import PATIENCE_MS, chromium, page_of
from tests.gitops.flstr import THREE_WORKERS

pytestmark = pytest.mark.browser

# Slack takes one post a second in a channel, and what several tests say waits in one outbox.
LONGER_MS = 60_000.0
# How long somebody looks for what they have typed a word of.
SUGGESTED_MS = 5_000.0
ALL_DONE = "done · asked by"


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Three workers and an app, as people find them in the morning."""
    scene = open_scene(tmp_path_factory.mktemp("room") / "scene", THREE_WORKERS, PATIENT)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(intake, "ETCD_SECONDS", ETCD_PATIENCE_SECONDS)
        try:
            scene.flstr.settle()
            scene.bot.speak()
            scene.work()
            yield scene
        finally:
            scene.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        expect.set_options(timeout=LONGER_MS)
        yield browser
    expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture
def people(browser: Browser, scene: Scene) -> Iterator[People]:
    with page_of(browser, scene.room.api.url) as page:
        yield People(page)


@pytest.fixture
def gate(scene: Scene) -> Iterator[Gate]:
    """What every step waits at."""
    gate = Gate(scene.room)
    scene.flstr.pretend.before = gate
    yield gate
    gate.open()
    scene.flstr.pretend.before = lambda _: None


def test_a_deploy_is_one_card_from_its_first_step_to_its_end(people: People, scene: Scene, gate: Gate) -> None:
    commit = scene.new_commit("Answer twice as fast")
    gate.shut()
    people.say("developer", f"/flstr deploy influencer@{commit[:7]}")
    expect(people.told('"Answer twice as fast": committed as')).to_have_count(1)
    title = f"deploy influencer@{commit[:8]}"
    card = people.card(title)
    expect(card).to_contain_text("running · asked by developer")
    expect(card).to_contain_text("0 of 12 steps done")
    expect(card.get_by_test_id("task").first).to_have_attribute("data-status", "in_progress")
    gate.open()
    expect(card).to_contain_text(re.compile(r"12 of 12 steps done.*done in \d+ s", re.DOTALL))
    expect(people.messages().filter(has=people.page.get_by_test_id("plan")).filter(has_text=title)).to_have_count(1)
    end = people.heard(re.compile(rf"@developer {title}"))
    expect(end).to_contain_text("replied to a thread")
    end.get_by_test_id("broadcast").click()
    expect(people.thread().get_by_test_id("message")).to_have_count(2)
    expect(people.thread().get_by_test_id("message").last).to_contain_text(re.compile(r"✅ done in \d+ s"))


def test_a_removal_is_denied_and_whoever_asked_may_not_approve_it(people: People, scene: Scene) -> None:
    people.say("operator", "/flstr destroy worker103")
    card = people.card("destroy worker103")
    expect(card).to_contain_text("waits for an approval · asked by operator")
    expect(card).to_contain_text("May approve: @reviewer")
    people.click(card, "Approve")
    window = people.window("Destroy machines?")
    window.get_by_label("Type worker103 to approve").fill("worker103")
    people.click(window, "Approve")
    expect(people.told("You asked for this yourself, so somebody else has to approve it: reviewer.")).to_have_count(1)
    people.be("reviewer")
    expect(people.told("yourself")).to_have_count(0)
    people.click(card, "Deny")
    people.click(people.page.get_by_role("alertdialog", name="Deny this plan?"), "Deny")
    expect(card).to_contain_text("reviewer denied it; nothing was changed")
    expect(card.get_by_role("button", name="Approve")).to_have_count(0)
    expect(people.told("Denied; nothing is changed.")).to_have_count(1)
    people.say("operator", "/flstr scale worker 3")
    expect(people.told("worker 2 → 3: committed")).to_have_count(1)
    scene.followed()


def test_a_plan_that_changes_while_it_waits_voids_its_card(people: People, scene: Scene) -> None:
    people.say("operator", "/flstr destroy worker103")
    old = people.card("destroy worker103")
    people.be("reviewer")
    people.click(old, "Approve")
    window = people.window("Destroy machines?")
    expect(window).to_be_visible()
    # Somebody else changes what would be destroyed while the reviewer reads.
    people.meanwhile("developer", "/flstr destroy worker102")
    new = people.card("destroy worker102; destroy worker103")
    expect(new).to_contain_text("destroys worker102 as well")
    window.get_by_label("Type worker103 to approve").fill("worker103")
    people.click(window, "Approve")
    expect(people.told("The plan has changed since")).to_have_count(1)
    expect(old).to_contain_text("the plan has changed since it was asked for: destroys worker102 as well")
    expect(old.get_by_role("button", name="Approve")).to_have_count(0)
    people.say("operator", "/flstr scale worker 3")
    expect(people.told("The plan has changed since")).to_have_count(0)
    expect(new).to_contain_text("nothing is to be destroyed any more")
    scene.followed()


def test_an_approval_wants_the_name_and_its_buttons_are_gone_first(
    people: People, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A busy machine takes the buttons away, however late: the operation does not begin before that.
    monkeypatch.setattr(buttons, "LIMIT_SECONDS", 60.0)
    gate.shut()
    people.say("developer", "/flstr destroy worker102")
    card = people.card("destroy worker102")
    expect(card).to_contain_text("Cost a month: 4.51 € less")
    expect(card).to_contain_text("etcd members after: 1 of 1")
    people.be("operator")
    people.click(card, "Approve")
    window = people.window("Destroy machines?")
    expect(window).to_contain_text("Machines destroyed: worker102")
    name = window.get_by_label("Type worker102 to approve")
    name.fill("worker101")
    people.click(window, "Approve")
    expect(window.get_by_role("alert")).to_have_text("Type exactly: worker102")
    name.fill("worker102")
    people.click(window, "Approve")
    expect(window).to_have_count(0)
    expect(people.told("Approved; the operation starts.")).to_have_count(1)
    eventually(lambda: gate.cards)
    [then] = [one for one in gate.cards if one["text"].startswith("destroy worker102:")]
    assert "actions" not in [block["type"] for block in then["blocks"]]
    expect(card).to_contain_text("running · asked by developer")
    gate.open()
    expect(card).to_contain_text(re.compile(r"done in \d+ s\s*Approved by operator\."))


def test_a_slip_is_asked_about_and_one_click_does_what_was_meant(people: People, scene: Scene) -> None:
    commit = scene.new_commit("Greet whoever comes in")
    people.say("developer", f"/flstr deploy inflencer@{commit[:7]}")
    asked = people.told("There is no app called inflencer; did you mean influencer?")
    people.click(asked, f"Yes: deploy influencer@{commit[:7]}")
    expect(asked).to_have_count(0)
    expect(people.card(f"deploy influencer@{commit[:8]}")).to_contain_text(ALL_DONE)


def test_what_stops_an_app_asks_back_and_no_leaves_it(people: People, scene: Scene) -> None:
    before = scene.flstr.cluster.subject()
    people.say("developer", "/flstr stop influencer")
    asked = people.told("Nothing is done yet")
    expect(asked).to_contain_text("take influencer")
    people.click(asked, "No")
    expect(people.told("Left as it is.")).to_have_count(1)
    expect(asked).to_have_count(0)
    assert scene.flstr.cluster.subject() == before


def test_the_modal_offers_the_commits_of_git_and_shows_what_it_would_do(people: People, scene: Scene) -> None:
    commit = scene.new_commit("Keep the door open")
    people.say("developer", "/flstr")
    window = people.window("flstr")
    app = window.get_by_role("combobox", name="App")
    app.press_sequentially("infl")
    people.page.get_by_role("option", name="influencer").click()
    field = window.get_by_role("combobox", name="Commit, branch or tag")
    offered = people.page.get_by_role("option", name=f"{commit[:7]} Keep the door open · developer")

    def searched() -> bool:
        """Git may take longer than Slack waits for suggestions; a person types again then."""
        field.fill("")
        field.press_sequentially("door")
        try:
            expect(offered).to_be_visible(timeout=SUGGESTED_MS)
        except AssertionError:
            return False
        return True

    eventually(searched)
    offered.click()
    people.click(window, "Show what it would do")
    expect(window).to_contain_text(f"build influencer@{commit[:8]} on worker101")
    people.click(window, "Do it")
    expect(window).to_have_count(0)
    expect(people.card(f"deploy influencer@{commit[:8]}")).to_contain_text(ALL_DONE)


def test_the_modal_asks_for_a_count_where_something_is_scaled(people: People) -> None:
    people.say("developer", "/flstr")
    window = people.window("flstr")
    window.get_by_label("What to do").select_option("scale")
    window.get_by_role("combobox", name="App or pool").focus()
    offered = people.page.get_by_role("listbox", name="Options for App or pool").get_by_role("option")
    expect(offered).to_have_text(["influencer", "controller", "ingress", "worker"])
    people.page.get_by_role("option", name="influencer").click()
    window.get_by_label("How many").fill("ten")
    people.click(window, "Do it")
    expect(window.get_by_role("alert")).to_have_text("scale needs a number from 0 to 200, not ten.")
    window.get_by_label("How many").fill("3")
    people.click(window, "Show what it would do")
    expect(window).to_contain_text("start influencer")
    expect(window.get_by_label("How many")).to_have_value("3")
    people.click(window, "Cancel")
    expect(window).to_have_count(0)


def test_app_home_shows_the_fleet_and_what_waits_for_whoever_looks(people: People) -> None:
    people.say("operator", "/flstr lock influencer 2h the database moves")
    expect(people.told("App influencer is locked")).to_have_count(1)
    people.say("operator", "/flstr destroy worker101")
    card = people.card("destroy worker101")
    expect(card).to_contain_text("waits for an approval")
    home = people.home("operator")
    expect(home).to_contain_text("worker101: worker, 10.77.0.101")
    expect(home).to_contain_text(re.compile("influencer: 2 instances of "))
    expect(home).to_contain_text("app influencer is locked")
    expect(home).to_contain_text("destroy worker101")
    expect(home).not_to_contain_text("Waits for you")
    people.home("reviewer")
    expect(home).to_contain_text("Waits for you")
    people.click(home, "Deny")
    people.click(people.page.get_by_role("alertdialog", name="Deny this plan?"), "Deny")
    expect(home).not_to_contain_text("Waits for you")
    people.back()
    expect(card).to_contain_text("reviewer denied it; nothing was changed")
    people.say("operator", "/flstr unlock influencer")
    expect(people.told("App influencer is not locked any more")).to_have_count(1)


def test_a_freeze_says_what_waits_and_thaw_lets_it_go(people: People, scene: Scene) -> None:
    commit = scene.new_commit("Close at night")
    people.say("operator", "/flstr freeze 2h holidays")
    frozen = people.heard("flstr is frozen by operator")
    expect(frozen).to_contain_text("(holidays)")
    people.say("developer", f"/flstr deploy influencer@{commit[:7]}")
    expect(people.told("What is asked for waits until then.")).to_have_count(1)
    expect(frozen).to_contain_text(f"waits: Deploy influencer@{commit[:12]}")
    people.say("operator", "/flstr thaw")
    expect(people.card(f"deploy influencer@{commit[:8]}")).to_contain_text(ALL_DONE)


def test_a_mention_is_answered_as_a_command_is(people: People) -> None:
    people.say("guest", "@flstr status")
    expect(people.told("No person of cluster.yaml has the id U04GUEST")).to_have_count(1)
    people.say("reviewer", "@flstr status")
    expect(people.told("follows")).to_contain_text("worker101")


def test_the_audit_has_all_of_it_and_its_chain_is_unbroken(people: People, scene: Scene) -> None:
    people.say("operator", "/flstr audit influencer")
    expect(people.told("developer, slack #flstr")).to_have_count(1)
    scene.audit_pushing.look()
    people.say("operator", "/flstr audit verify")
    expect(people.told(re.compile(r"✅ \d+ entries, unbroken since .*; \d+ of them are in Git as well"))).to_have_count(
        1
    )
