"""An order that was interrupted anywhere counts, and is gone on with: nothing is issued twice, or uncounted."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from acme import errors
from acme.client import ClientV2

from executors.certificates.office import Office
from gitops.certificate_budget import Known
from gitops.certificates import (
    key_safe,
    put_order,
    read_certificate,
    read_history,
    read_order,
)
from gitops.secrets import read_identities
from model import keys
from model.errors import StepFailed
from tests.executors.certificates.obtaining import HOST, PowerCut, Step
from tests.gitops.scene import asked_for, certificate


def cut(*_: object) -> None:
    raise PowerCut


def cut_after(carry_out: Callable[..., object]) -> Callable[..., None]:
    """The power goes right after it."""

    def then_cut(*args: object) -> None:
        carry_out(*args)
        raise PowerCut

    return then_cut


CUTS: dict[str, tuple[type, str, Callable[..., None]]] = {
    "before the authority is asked to issue": (ClientV2, "begin_finalization", cut),
    "before its answer is heard": (ClientV2, "begin_finalization", cut_after(ClientV2.begin_finalization)),
    "after the certificate came": (ClientV2, "poll_finalization", cut_after(ClientV2.poll_finalization)),
    "before the certificate is kept": (Office, "_checked", cut),
}


@pytest.mark.parametrize("when", CUTS)
def test_whenever_the_power_goes_what_was_ordered_counts_and_is_not_ordered_again(
    step: Step, monkeypatch: pytest.MonkeyPatch, issued: Callable[[], int], when: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(*CUTS[when])
        with pytest.raises(PowerCut):
            step.run(HOST)
    assert step.due() == [HOST]
    assert read_certificate(step.store, HOST) is None
    counted = Known({}, read_history(step.store), step.office.authority.directory).issued()
    assert {(one.names, one.renewal) for one in counted} == {(frozenset({HOST}), "no")}
    kept = step.run(HOST).issued
    assert kept is not None
    assert step.office.key_of(kept)
    assert (step.orders, step.due(), issued()) == (1, [], 1)
    assert "going on with the last order" in step.reports


def test_an_authority_that_takes_too_long_is_asked_for_the_same_certificate_later(
    step: Step, monkeypatch: pytest.MonkeyPatch, issued: Callable[[], int]
) -> None:
    def too_late(*_: object) -> None:
        raise errors.TimeoutError

    with monkeypatch.context() as patch:
        patch.setattr(ClientV2, "poll_finalization", too_late)
        with pytest.raises(StepFailed, match="did not decide in time"):
            step.run(HOST)
    assert (step.orders, step.due()) == (1, [])
    step.note(HOST)
    assert step.run(HOST).issued is not None
    assert (step.orders, issued()) == (1, 1)


@pytest.mark.parametrize("useless", ["its key cannot be opened", "the authority does not know it"])
def test_an_order_of_which_nothing_can_come_gives_way_to_a_new_one(
    step: Step, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, useless: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(ClientV2, "begin_finalization", cut)
        with pytest.raises(PowerCut):
            step.run(HOST)
    order = read_order(step.store, HOST)
    assert order is not None
    stranger = key_safe(read_identities(tmp_path / "stranger"))
    changed = {"sealed_key": stranger.seal(b"a key")} if "key" in useless else {"url": f"{order.url}0"}
    put_order(step.store, order.model_copy(update=changed))
    assert step.run(HOST).issued is not None
    assert read_order(step.store, HOST) is None
    assert "going on with the last order" not in step.reports


def test_going_on_with_an_order_is_within_the_limits(step: Step, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(4):
        before = certificate(HOST, datetime.now(UTC), directory=step.office.authority.directory)
        step.store.put(keys.asked_for(before.serial), asked_for(before).to_json())
    with monkeypatch.context() as patch:
        patch.setattr(Office, "_checked", cut)
        with pytest.raises(PowerCut):
            step.run(HOST)
    assert step.run(HOST).issued is not None
    assert step.orders == 5


def test_however_often_the_power_goes_the_limits_hold(step: Step, monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime.now(UTC)
    for day in range(5):
        lost = certificate(HOST, now - timedelta(days=day), directory=step.office.authority.directory)
        step.store.put(keys.asked_for(lost.serial), asked_for(lost).to_json())
    with pytest.raises(
        StepFailed, match=r"app\.example\.com had 5 certificates in 7 days; the next one can be had from"
    ):
        step.run(HOST)
    failure = step.kept(HOST).failure
    assert failure is not None
    assert failure.over_budget
    assert failure.retry_at == now + timedelta(days=3)
    assert step.due() == []
