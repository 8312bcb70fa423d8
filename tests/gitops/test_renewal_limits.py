"""What the authority allows is never overrun, whoever asks, and whoever waits hears until when."""

from datetime import timedelta

from gitops.certificates import put_failure
from model.certificates import IssueFailure
from tests.gitops.flstr import Flstr
from tests.gitops.renewing import DAY, HOUR, Failing, kept, later, poll, publish, today
from tests.gitops.scene import HOST


def test_five_failures_in_an_hour_are_all_whoever_says_so(flstr: Flstr) -> None:
    publish(flstr)
    failing = Failing(flstr, HOST)
    poll(flstr)
    for _ in range(6):
        later(flstr, 60)
        flstr.ask("sync")
        flstr.settle()
        poll(flstr)
    assert failing.asked == [HOST] * 5
    assert any("could not be authorised 5 times in an hour" in notice for notice in flstr.notices())


def test_a_date_that_the_authority_gave_is_kept_whoever_says_sync(flstr: Flstr) -> None:
    publish(flstr)
    failing = Failing(flstr, HOST)
    poll(flstr)
    until = today(flstr) + timedelta(days=2)
    put_failure(flstr.store, HOST, IssueFailure(sentence="too many", at=today(flstr), retry_at=until))
    flstr.ask("sync")
    flstr.settle()
    poll(flstr)
    assert len(failing.asked) == 1
    later(flstr, 2 * DAY + 60)
    poll(flstr)
    assert len(failing.asked) == 2


def test_sixty_new_hosts_are_fifty_certificates_and_one_notice_with_the_date(flstr: Flstr) -> None:
    flstr.settle()
    hosts = [f"host{number:02}.flstr.lab" for number in range(60)]
    publish(flstr, *hosts)
    assert "host50.flstr.lab, host51.flstr.lab, host52.flstr.lab, host53.flstr.lab, host54.flstr.lab and 5 more: " in (
        flstr.ask("plan")
    )
    flstr.settle()
    operations = poll(flstr)
    assert sum(len(operation.plan.steps) - 1 for operation in operations) == 50
    told = [notice for notice in flstr.notices() if "No certificate can be had yet" in notice]
    assert len(told) == 1
    assert "host50.flstr.lab" in told[0]
    assert "flstr.lab has had its 50 new certificates in 7 days; the next one can be had from 1970-01-08 01" in told[0]
    refused = kept(flstr, hosts[59])
    assert refused.failure is not None
    assert refused.failure.over_budget
    assert f"{hosts[59]}: no certificate yet; nobody is asked for a certificate, because " in flstr.ask("status")
    for ask in ("status", "plan"):
        assert "from 1970-01-08 01" in flstr.ask(ask)
    before = flstr.store._prefix("")[1]
    assert not flstr.renewals.look()
    assert flstr.store._prefix("")[1] == before
    later(flstr, 7 * DAY + HOUR + 60)
    poll(flstr)
    assert [host for host in hosts if kept(flstr, host).issued is None] == []


def test_room_that_comes_earlier_is_used_earlier(flstr: Flstr) -> None:
    hosts = [f"host{number:02}.flstr.lab" for number in range(51)]
    publish(flstr, *hosts)
    failing = Failing(flstr, hosts[0])
    flstr.settle()
    poll(flstr)
    # One of the fifty came to nothing, so that it counts for nothing.
    assert kept(flstr, hosts[50]).issued is not None
    assert failing.asked.count(hosts[50]) == 1
