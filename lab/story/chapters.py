"""The chapters, in order. Each plays one part and raises LabError where flstr does not do what the story says."""

import re
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Network, ip_address

from lab.errors import LabError
from lab.story.asking import Asking, Tally, ask_once
from lab.story.chat import DEVELOPER, OPERATOR, REVIEWER, Card
from lab.story.narrator import Narrator
from lab.story.stage import APP_HOST, Stage
from lab.surroundings import Wishes

BUILD_UP_SECONDS = 240.0
OPERATION_SECONDS = 180.0
TWO_WORKERS, THREE_WORKERS = "    count: 2\n    first: 101", "    count: 3\n    first: 101"
OVERLAY = IPv4Network("10.5.0.0/16")
TWO_INSTANCES, THREE_INSTANCES = "instances: 2", "instances: 3"

_INSTANCE = re.compile(r" on (\w+) at ([0-9.]+):([0-9]+),")

# Nobody who watches wants to wait for an hour until an approval expires; on a busy machine, a click takes seconds.
EXPIRES = "expires: 20s"
STORY_WISHES = Wishes(edits={"expires: 1h": EXPIRES})


@dataclass(frozen=True)
class Story:
    """The story on a stage, told by a narrator."""

    stage: Stage
    narrator: Narrator

    def play(self) -> None:
        """All of it."""
        self.build_up()
        self.deploy()
        self.look()
        self.grow()
        self.shrink()

    def build_up(self) -> float:
        """From nothing to the app answering; returns the seconds it took."""
        tell, stage = self.narrator, self.stage
        tell.chapter("flstr starts, and sees the first revision of the cluster repo")
        began = time.monotonic()
        stage.flstr.start()
        card = self._operation("add controller001", BUILD_UP_SECONDS)
        took = time.monotonic() - began
        answer = ask_once(self.ingress(), APP_HOST)
        _expect("influencer first" in answer, f"the ingress answered {answer!r}")
        tell.saw(f"{len(card.tasks)} steps, {len(stage.servers())} machines; the app answers after {took:.0f} s")
        tell.saw(f"http://{APP_HOST}/ → {answer}")
        tell.saw(f"the instances listen in the overlay alone, at {' and '.join(self._in_overlay())}")
        return took

    def _in_overlay(self) -> list[str]:
        """Where the instances listen, as somebody is told who asks; nobody reaches them from outside."""
        where = _INSTANCE.findall(self.stage.chat.command(OPERATOR, "/flstr status influencer"))
        _expect(len(where) > 0, "no instance is known")
        for node, address, port in where:
            _expect(ip_address(address) in OVERLAY, f"an instance listens at {address}, which is not in the overlay")
            _expect(not _is_open(self.stage.servers()[node], int(port)), f"{node} lets anybody in at port {port}")
        return [f"{address}:{port} ({node})" for node, address, port in where]

    def deploy(self) -> Tally:
        """From Slack to the second commit, while a client asks all the while."""
        tell, stage = self.narrator, self.stage
        tell.chapter("a developer deploys the second commit from Slack; nobody notices")
        second = stage.app_commit("main")
        refused = self._say("developer", DEVELOPER, "/flstr deploy influencer@00000000")
        _expect("near it are" in refused and "main" in refused, f"an unknown commit was answered {refused!r}")
        with Asking(self.ingress(), APP_HOST) as asking:
            before = self._records()
            self._say("developer", DEVELOPER, f"/flstr deploy influencer@{second[:7]}")
            tell.heard(stage.cluster_log())
            self._new_operation(before, f"deploy influencer@{second[:8]}", OPERATION_SECONDS)
            _until(lambda: "second" in ask_once(self.ingress(), APP_HOST), "the second commit to answer")
        tally = asking.tally
        _expect(not tally.failures, f"{len(tally.failures)} requests failed: {tally.failures[:3]}")
        answer = ask_once(self.ingress(), APP_HOST)
        _expect("influencer second" in answer and second[:7] in answer, f"the ingress answered {answer!r}")
        tell.saw(f"{tally.requests} requests meanwhile, {len(tally.failures)} failed")
        tell.saw(f"http://{APP_HOST}/ → {answer}")
        return tally

    def grow(self) -> None:
        """A merged branch adds a machine and an instance."""
        tell, stage = self.narrator, self.stage
        tell.chapter("a merged branch asks for a third worker and a third instance")
        before = self._records()
        stage.merge("third-worker", {TWO_WORKERS: THREE_WORKERS, TWO_INSTANCES: THREE_INSTANCES})
        self._new_operation(before, "add worker103", OPERATION_SECONDS)
        _expect("worker103" in stage.servers(), "worker103 was not rented")
        status = self._say("operator", OPERATOR, "/flstr status influencer")
        _expect(status.count("worker103") == 1, "no instance runs on worker103")
        tell.saw("worker103 has joined, and runs the third instance")

    def shrink(self) -> None:
        """A merged branch takes a worker away: denied, expired, then approved by a second person."""
        tell, stage = self.narrator, self.stage
        tell.chapter("a merged branch takes a worker away; nothing is destroyed without leave")
        before = self._records()
        stage.merge("two-workers", {THREE_WORKERS: TWO_WORKERS}, person="operator")
        self._deny(self._asked(before))
        before = self._records()
        self._say("operator", OPERATOR, "/flstr sync")
        self._let_expire(self._asked(before))
        before = self._records()
        self._say("operator", OPERATOR, "/flstr sync")
        tally = self._approve(self._asked(before))
        status = self._say("operator", OPERATOR, "/flstr status influencer")
        _expect(status.count("worker10") == 3, f"not three instances on the two workers: {status}")
        tell.saw(f"worker103 is gone, its instance lives on; {tally.requests} requests, none failed")

    def _deny(self, card: Card) -> None:
        said = "\n".join(card.sections)
        self.narrator.heard(said)
        for loss in ("destroyed:* worker103", "move:* influencer", "stay:* worker101, worker102"):
            _expect(loss in said, f"the card does not say what would be lost: {said}")
        self._click("reviewer", REVIEWER, card, "approval.deny")
        self._ends(card, "denied")
        self.narrator.saw("denied: worker103 stays")

    def _let_expire(self, card: Card) -> None:
        refused = self._click("operator", OPERATOR, card, "approval.approve")
        _expect("yourself" in refused, f"the requester could approve: {refused}")
        self._ends(card, "expired")
        self.narrator.saw("nobody else decided in time: worker103 stays")

    def _ends(self, card: Card, ending: str) -> None:
        chat, what = self.stage.chat, f"'{ending}' on the card"
        chat.await_card(lambda it: it.ts == card.ts and it.ending == ending, what, 120.0)
        _expect("worker103" in self.stage.servers(), f"a removal that was {ending} destroyed worker103")

    def _approve(self, card: Card) -> Tally:
        with Asking(self.ingress(), APP_HOST) as asking:
            self._click("reviewer", REVIEWER, card, "approval.approve")
            self._follow(lambda it: it.ts == card.ts, "destroy worker103", OPERATION_SECONDS)
        failures = asking.tally.failures
        _expect(not failures, f"{len(failures)} requests failed while worker103 went: {failures[:3]}")
        _expect("worker103" not in self.stage.servers(), "worker103 still costs money")
        return asking.tally

    def look(self) -> None:
        """The verbs that change nothing."""
        self.narrator.chapter("people look around")
        self._say("operator", OPERATOR, "/flstr status")
        plan = self._say("operator", OPERATOR, "/flstr plan")
        _expect("changes nothing" in plan, f"the plan of a settled cluster is {plan!r}")
        self._say("developer", DEVELOPER, "/flstr help")
        meant = self._say("developer", DEVELOPER, "/flstr depoly influencer@main")
        _expect("did you mean deploy?" in meant, f"a mistyped command was answered {meant!r}")
        self._say("operator", OPERATOR, f"/flstr padlock {APP_HOST}")
        found = self._say("operator", OPERATOR, "/flstr doctor")
        _expect("all well" in found, f"the doctor finds in a cluster where nothing is wrong: {found!r}")
        self._graph()

    def _graph(self) -> None:
        known = len(self.stage.chat.files())
        words = self._say("operator", OPERATOR, "/flstr graph")
        _expect("overlay" in words and "down" not in words, f"in words, the picture of the networks is {words!r}")
        picture = self.stage.chat.await_file(known)
        _expect(picture.mimetype == "image/png", f"the picture of the networks is {picture.mimetype}")
        self.narrator.saw(f"a picture in the channel: {picture.title}")

    def ingress(self) -> str:
        """The public address of the ingress."""
        return self.stage.servers()["ingress016"]

    def _say(self, name: str, person: str, text: str) -> str:
        self.narrator.typed(name, text)
        answer = self.stage.chat.command(person, text)
        self.narrator.heard(answer)
        return answer

    def _click(self, name: str, person: str, card: Card, action: str) -> str:
        self.narrator.typed(name, f"[{action.rpartition('.')[2]}]")
        answer = self.stage.chat.click(person, card, action)
        self.narrator.heard(answer)
        return answer

    def _records(self) -> set[str]:
        return {card.record for card in self.stage.chat.cards()}

    def _asked(self, before: set[str]) -> Card:
        return self.stage.chat.await_card(
            lambda card: card.record not in before and card.waits, "a card that asks for an approval"
        )

    def _new_operation(self, before: set[str], title: str, seconds: float) -> Card:
        return self._follow(lambda card: card.record not in before, title, seconds)

    def _operation(self, title: str, seconds: float) -> Card:
        return self._follow(lambda card: card.text.startswith(title), title, seconds)

    def _follow(self, wanted: Callable[[Card], bool], title: str, seconds: float) -> Card:
        """Watch an operation's card until its end, which has to be a good one."""

        def ended(card: Card) -> bool:
            if wanted(card):
                self.narrator.watch(card)
            return wanted(card) and card.ending is not None

        try:
            card = self.stage.chat.await_card(ended, f"the end of '{title}'", seconds)
        finally:
            self.narrator.watch(None)
        _expect(card.ending == "done", f"the operation ended otherwise: {card.text}")
        _expect(title in card.text, f"another operation ran: {card.text}")
        return card


def _expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise LabError(f"the story took another turn: {otherwise}")


def _is_open(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), timeout=2).close()
    except OSError:
        return False
    return True


def _until(holds: Callable[[], bool], what: str, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise LabError(f"waited {seconds:.0f} s for {what}")
        time.sleep(0.1)
