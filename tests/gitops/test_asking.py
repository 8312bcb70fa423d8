"""What people ask for, from the intent to the commit and the answer."""

import threading

import pytest

from gitops.intents import attachment_of, delivered
from model import keys
from model.attachment import Attachment, Reply
from model.errors import Unreadable
from model.operation import Intent
from tests.gitops.flstr import DEVELOPER, OPERATOR, REVIEWER, STRANGER, THREE_WORKERS, Flstr
from tests.gitops.remote import git
from tests.gitops.scene import CLUSTER_YAML


def test_a_deploy_from_slack_is_a_commit_under_the_persons_name(flstr: Flstr) -> None:
    flstr.settle()
    second = flstr.app[2]
    answer = flstr.ask(f"deploy influencer@{second[:7]}", DEVELOPER)
    assert f"→ {second[:8]}" in answer
    flstr.cluster.pull()
    log = git(flstr.cluster.work, "log", "-1", "--format=%an <%ae>%n%s%n%b")
    assert log.startswith(f"developer <developer@flstr.lab>\nDeploy influencer@{second[:12]}")
    assert "Asked-in: slack #flstr" in log
    assert f'commit: "{second}"' in (flstr.cluster.work / "apps/influencer.yaml").read_text()
    operation = flstr.settle()[-1]
    assert operation.status == "done"
    assert (operation.origin.person, operation.origin.place) == ("developer", "slack #flstr")
    commits = {item.commit for item in flstr.registry.read().apps["backend", "influencer"].instances.values()}
    assert commits == {second}


def test_what_was_committed_but_not_answered_is_not_committed_again(flstr: Flstr) -> None:
    flstr.settle()
    intent = flstr._intent("scale influencer 3", DEVELOPER)
    flstr.store.put(keys.intent(intent.id), intent.to_json())
    first = flstr.desk.reply(intent).text
    # The controller is killed here. Before the next one finds the intent, somebody asks for something else.
    flstr.ask("scale influencer 4")
    head = git(flstr.cluster.bare, "rev-parse", "main")
    flstr.desk._answer(intent)
    answered = Intent.model_validate_json(flstr.store.get(keys.intent(intent.id)) or "")
    assert answered.answer.partition(": committed")[2] == first.partition(": committed")[2]
    assert git(flstr.cluster.bare, "rev-parse", "main") == head


def test_an_answer_is_written_once_etcd_takes_it(flstr: Flstr, monkeypatch: pytest.MonkeyPatch) -> None:
    flstr.settle()
    swap, silent = flstr.store.swap, iter([True])

    def silent_once(key: str, old: str, new: str) -> bool:
        if next(silent, False):
            raise Unreadable("etcd does not answer")
        return swap(key, old, new)

    monkeypatch.setattr(flstr.store, "swap", silent_once)
    assert "influencer is already at 2" in flstr.answer("scale influencer 2")


@pytest.mark.parametrize(
    ("words", "user", "expected"),
    [
        ("deploy influencer@ffffffff", DEVELOPER, "has no commit, branch or tag 'ffffffff'; near it are"),
        ("deploy inflencer@main", DEVELOPER, "There is no app called inflencer; did you mean influencer?"),
        ("deploy influencer@main", REVIEWER, "You may not deploy; developer or operator may."),
        ("deploy influencer@main", STRANGER, "No person of cluster.yaml has the id U99STRANGER"),
        ("scale worke 3", OPERATOR, "There is no app or pool called worke; did you mean worker?"),
        ("scale worker 0", OPERATOR, "influencer has no worker to run on"),
        ("scale influencer 2", OPERATOR, "influencer is already at 2; nothing to do."),
        ("status nothing", OPERATOR, "There is no app or node called nothing."),
        ("approve 7f3a", OPERATOR, "'7f3a' is no operation that waits; nothing waits for an approval."),
    ],
)
def test_what_cannot_be_done_gets_one_sentence_and_changes_nothing(
    flstr: Flstr, words: str, user: str, expected: str
) -> None:
    flstr.settle()
    head = git(flstr.cluster.bare, "rev-parse", "main")
    assert expected in flstr.ask(words, user)
    assert git(flstr.cluster.bare, "rev-parse", "main") == head
    assert len(flstr.settle()) == 1


def test_an_answer_says_whether_it_is_a_refusal(flstr: Flstr) -> None:
    flstr.settle()
    assert flstr.answered("deploy influencer@main", REVIEWER).refused
    assert not flstr.answered("scale influencer 2", OPERATOR).refused


def test_a_file_goes_with_an_answer_until_it_was_delivered(flstr: Flstr) -> None:
    flstr.settle()
    picture = Attachment.of("networks.png", "Networks", "all up", b"\x89PNG")
    flstr.checks["graph"] = lambda arguments, registry: Reply("all up", picture)
    answered = flstr.answered("graph")
    assert (answered.answer, answered.attached) == ("all up", True)
    assert attachment_of(flstr.store, answered) == picture
    delivered(flstr.store, answered)
    assert attachment_of(flstr.store, answered) is None


@pytest.mark.parametrize(("line", "names"), [("crtsh", ()), ("crtsh flstr.lab", ("flstr.lab",))])
def test_who_may_only_read_may_ask_what_was_issued_for_one_name_or_all(
    flstr: Flstr, line: str, names: tuple[str, ...]
) -> None:
    flstr.settle()
    flstr.checks["crtsh"] = lambda arguments, registry: f"looked for {arguments}"
    assert flstr.ask(line, REVIEWER) == f"looked for {names}"


@pytest.mark.parametrize("verb", ["logs", "env"])
def test_who_may_only_read_may_look_at_what_instances_print_and_see(flstr: Flstr, verb: str) -> None:
    flstr.settle()
    flstr.checks[verb] = lambda arguments, registry: f"{verb} of {' '.join(arguments)}"
    assert flstr.ask(f"{verb} influencer 1-0a1b2c3d", REVIEWER) == f"{verb} of influencer 1-0a1b2c3d"


def test_who_may_only_read_may_ask_the_doctor_and_have_nothing_mended(flstr: Flstr) -> None:
    flstr.settle()
    flstr.checks["doctor"] = lambda arguments, registry: f"doctor {' '.join(arguments)}".rstrip()
    assert flstr.ask("doctor", REVIEWER) == "doctor"
    assert flstr.ask("doctor --fix", REVIEWER) == "You may not doctor --fix; operator may."
    assert flstr.ask("doctor worker101 --fix", OPERATOR) == "doctor worker101 --fix"


def test_the_doctor_mends_nothing_while_an_operation_changes_machines(flstr: Flstr) -> None:
    asked: list[str] = []
    flstr.checks["doctor"] = lambda arguments, registry: "all well"
    flstr.pretend.before = lambda _: asked.append(flstr.ask("doctor --fix"))
    flstr.settle()
    assert set(asked) == {
        "The operation 'add controller001, ingress016, worker101, worker102; deploy influencer@"
        f"{flstr.app[1][:8]}' changes machines just now; say it again once that has ended."
    }
    flstr.pretend.before = lambda _: asked.append(flstr.ask("doctor"))
    flstr.cluster.push({"cluster.yaml": THREE_WORKERS})
    flstr.settle()
    assert asked[-1] == "all well"
    assert flstr.ask("doctor --fix") == "all well"


def test_an_operation_waits_until_the_doctor_has_mended(flstr: Flstr) -> None:
    begun = threading.Event()

    def mend(arguments: tuple[str, ...], registry: object) -> str:
        worker = threading.Thread(target=flstr.settle)
        worker.start()
        waited = not begun.wait(0.5)
        threads.append(worker)
        return "waited" if waited else "did not wait"

    threads: list[threading.Thread] = []
    flstr.pretend.before = lambda _: begun.set()
    flstr.worker.look()
    flstr.settle()
    begun.clear()
    flstr.checks["doctor"] = mend
    flstr.cluster.push({"cluster.yaml": THREE_WORKERS})
    assert flstr.ask("doctor --fix") == "waited"
    threads[0].join(timeout=30)
    flstr.settle()
    assert begun.is_set()


def test_status_and_plan_answer(flstr: Flstr) -> None:
    flstr.settle()
    assert "worker101 (worker, 10.77.0.101), 1 instance" in flstr.ask("status")
    assert "influencer: `" in flstr.ask("status")
    assert "changes nothing" in flstr.ask("plan")
    flstr.cluster.push({"cluster.yaml": THREE_WORKERS})
    assert "rent worker103" in flstr.ask("plan")


def test_words_of_strangers_are_no_markup(flstr: Flstr) -> None:
    flstr.settle()
    app, _, _ = flstr.app
    shouting = app.push({"run.sh": "three"}, "<!channel> look & <https://evil.example|here>")
    git(app.bare, "branch", "<!here>", "main")
    assert '"&lt;!channel&gt; look &amp; &lt;https://evil.example|here&gt;"' in flstr.ask(
        f"deploy influencer@{shouting}"
    )
    assert "<!" not in flstr.answer("deploy influencer@<!here")
    flstr.settle()
    flstr.cluster.pull()
    flstr.cluster.push({"cluster.yaml": CLUSTER_YAML.replace("cluster: flstr-lab", "cluster: <!channel>")})
    flstr.settle()
    assert "cluster cannot be '&lt;!channel&gt;'" in flstr.notices()[0]
    assert "&lt;!channel&gt;" in flstr.ask("status")
    assert "<!" not in flstr.ask("status") + flstr.notices()[0]
