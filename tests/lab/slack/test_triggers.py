"""Triggers and response URLs end."""

import pytest

from lab.slack.triggers import ResponseUrls, Triggers
from lab.slack.wire import RefusedError

OPERATOR = "U01OPERATOR"


def test_a_trigger_is_good_once() -> None:
    triggers = Triggers(seconds=60)
    trigger_id = triggers.issue(OPERATOR)
    assert triggers.exchange(trigger_id) == OPERATOR
    with pytest.raises(RefusedError, match="exchanged_trigger_id"):
        triggers.exchange(trigger_id)


def test_a_trigger_expires() -> None:
    triggers = Triggers(seconds=-1)
    with pytest.raises(RefusedError, match="expired_trigger_id"):
        triggers.exchange(triggers.issue(OPERATOR))


def test_a_response_url_expires() -> None:
    urls = ResponseUrls(uses=5, seconds=-1)
    with pytest.raises(RefusedError, match="expired_url"):
        urls.use(urls.issue(OPERATOR, "C01FLSTR"))
