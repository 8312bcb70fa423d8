"""Changes of one value leave the rest of the file as it was written."""

import pytest

from gitops.edit import set_value
from model.errors import Refused

TEXT = """# our app
app: influencer   # the name
commit: "abc"     # keep me
publish: {port: 5001}
pools:
  worker:
    count: 2
"""


def test_only_the_value_changes() -> None:
    assert set_value(TEXT, ["commit"], '"def"') == TEXT.replace('"abc"', '"def"')
    assert set_value(TEXT, ["pools", "worker", "count"], "3") == TEXT.replace("count: 2", "count: 3")
    assert set_value(TEXT, ["publish", "port"], "5002") == TEXT.replace("5001", "5002")


def test_a_missing_field_is_added() -> None:
    assert set_value(TEXT, ["pools", "worker", "first"], "5") == TEXT.replace(
        "    count: 2", "    first: 5\n    count: 2"
    )
    assert set_value(TEXT, ["instances"], "4").startswith("# our app\ninstances: 4\napp:")


def test_what_is_no_single_value_is_refused() -> None:
    with pytest.raises(Refused, match="change it by hand"):
        set_value(TEXT, ["pools"], "1")
    with pytest.raises(Refused, match="change it by hand"):
        set_value(TEXT, ["nothing", "here"], "1")


@pytest.mark.parametrize("anchor", ["worker: &size\n    count: 2", "worker:\n    count: &many 2"])
def test_a_value_that_may_stand_elsewhere_too_is_left_to_a_person(anchor: str) -> None:
    text = f"pools:\n  {anchor}\n"
    with pytest.raises(Refused, match=r"pools.worker.count is not a single value in the manifest; change it by hand"):
        set_value(text, ["pools", "worker", "count"], "3")
