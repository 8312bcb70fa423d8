"""What an app may loosen of its sandbox: each setting by itself, with what it costs."""

from typing import Any, get_args

import pytest
from pydantic import ValidationError

from executors.unit_files import Place, environment, unit_file
from model.hardening import COSTS, KEPT, Hardening, loosened, settings
from tests.executors.example import influencer, registered

PLACE = Place("worker101", "vpn_ingr", "10.111.0.1", 20001)


def unit(**hardening: object) -> list[str]:
    app = influencer(hardening=hardening)
    return unit_file(app, "1-11111111", PLACE, environment(app, "1-11111111", PLACE, registered())).splitlines()


def every_loosening() -> dict[tuple[str, str], object]:
    """By setting and value, as a manifest has it."""
    found: dict[tuple[str, str], object] = {}
    for field in Hardening.model_fields.values():
        name, default = str(field.alias), field.default
        if isinstance(default, bool):
            found[name, "no"] = False
        elif isinstance(default, tuple):
            found |= {(name, item): [item] for item in get_args(get_args(field.annotation)[0])}
        else:
            found |= {(name, item): item for item in get_args(field.annotation) if item != default}
    return found


def test_every_loosening_has_its_cost() -> None:
    assert every_loosening().keys() == COSTS.keys()


@pytest.mark.parametrize(("setting", "value"), every_loosening().items(), ids=str)
def test_loosening_one_setting_changes_one_line_of_the_unit(setting: tuple[str, str], value: object) -> None:
    name, word = setting
    strict, loose = unit(), unit(**{name: value})
    (before,) = set(strict) - set(loose)
    (after,) = set(loose) - set(strict)
    assert before.startswith(f"{name}=")
    assert word in after.removeprefix(f"{name}=").split()
    if isinstance(value, list) and name != "RestrictNamespaces":
        assert after == f"{before} {word}"


def test_each_loosening_is_told_with_its_cost() -> None:
    hardening = Hardening.model_validate({"PrivateUsers": False, "SystemCallFilter": ["@mount", "@pkey"]})
    assert [str(one) for one in loosened(hardening)] == [
        f"PrivateUsers is off: {COSTS['PrivateUsers', 'no']}",
        f"SystemCallFilter has @mount as well: {COSTS['SystemCallFilter', '@mount']}",
        f"SystemCallFilter has @pkey as well: {COSTS['SystemCallFilter', '@pkey']}",
    ]


def test_nothing_is_loosened_by_default() -> None:
    assert list(loosened(Hardening())) == []
    assert settings(Hardening()) == {
        "ProtectHome": "yes",
        "ProtectProc": "invisible",
        "PrivateDevices": "yes",
        "PrivateUsers": "yes",
        "LockPersonality": "yes",
        "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX",
        "RestrictNamespaces": "yes",
        "SystemCallArchitectures": "native",
        "SystemCallFilter": "@system-service",
    }


@pytest.mark.parametrize("name", KEPT)
def test_what_no_app_may_loosen_is_in_every_unit_and_refused_with_the_reason(name: str) -> None:
    assert [line for line in unit() if line.startswith(f"{name}=")] != []
    value: Any = {name: False}
    with pytest.raises(ValidationError, match=f"{name} cannot be loosened: "):
        Hardening.model_validate(value)


def test_a_setting_is_loosened_by_a_word_of_the_table_alone() -> None:
    for value in ({"SystemCallFilter": ["@swap"]}, {"ProtectHome": "no"}, {"ProtectHome": "yes\nUser=root"}):
        with pytest.raises(ValidationError):
            Hardening.model_validate(value)
