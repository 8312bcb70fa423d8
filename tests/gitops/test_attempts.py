"""A plan is tried once for a revision, until what was tried is forgotten."""

from concurrent.futures import ThreadPoolExecutor

from gitops.attempts import Attempts
from gitops.operations import Operations
from gitops.store import Store
from model import keys
from model.operation import Origin
from model.steps import Plan

MOVE = Plan(title="move", locks=("floating-ip-public",))
DEPLOY = Plan(title="deploy", locks=("app-influencer",))


def make(attempts: Attempts, plan: Plan = DEPLOY, revision: str = "r", *more: str) -> bool:
    return attempts.make(plan, revision, Origin, more)


def test_the_same_is_not_made_twice(store: Store) -> None:
    operations = Operations(store)
    attempts = Attempts(store, operations)
    assert make(attempts)
    assert not make(attempts)
    assert make(attempts, DEPLOY, "another revision")
    assert make(attempts, DEPLOY, "another revision", "with more")
    assert make(attempts, DEPLOY.model_copy(update={"title": "deploy something else"}))
    assert len(operations.all()) == 4


def test_what_was_forgotten_is_made_again(store: Store) -> None:
    attempts = Attempts(store, Operations(store))
    make(attempts)
    make(attempts, MOVE)
    attempts.forget_all_but(["app-other"])
    assert attempts.of_floating_ips() == {"floating-ip-public": ("r", MOVE.digest())}
    assert make(attempts)
    assert not make(attempts, MOVE)
    attempts.forget(["floating-ip-public"])
    assert make(attempts, MOVE)


def test_of_two_who_make_the_same_at_once_one_does(store: Store) -> None:
    operations = Operations(store)
    before = store.get(keys.attempt("app-influencer"))
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: operations.create_attempt(DEPLOY, "r", Origin(), before, "r 1"), range(8)))
    assert len([operation for operation in made if operation is not None]) == 1
    assert len(operations.all()) == 1
    assert operations.create_attempt(DEPLOY, "r", Origin(), "r 0", "r 2") is None
    assert operations.create_attempt(DEPLOY, "r", Origin(), "r 1", "r 2") is not None
