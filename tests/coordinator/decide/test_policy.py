"""Every number a risk committee may change, refused by name when it makes no sense."""

from dataclasses import fields, replace

import pytest

from coordinator.decide.canonical import decode, encode
from coordinator.decide.policy import MoneyPolicy, Policy
from coordinator.errors import SettingsError


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"im_factor_ppm": 1_150_000}, "policy.im_factor_ppm: expected above 1 \\+ buffer"),
        ({"spot_shocks_ppm": (-180_000, 180_000)}, "spot_shocks_ppm: expected to contain 0"),
        ({"vol_shocks_ppm": (500_000,)}, "vol_shocks_ppm"),
        ({"score_spot_shock_ppm": 170_000}, "score_spot_shock_ppm: expected to be a grid node"),
        ({"severity_ppm": 0}, "severity_ppm"),
        ({"severity_ppm": 1_000_001}, "severity_ppm"),
        ({"account_cap_ppm": 0}, "account_cap_ppm"),
        ({"capacity_safety_ppm": 1_000_000}, "capacity_safety_ppm"),
        ({"chunk_words": 33}, "chunk_words"),
        ({"chunk_words": 0}, "chunk_words"),
        ({"plan_window_s": 601}, "plan_window_s"),
        ({"buffer_ppm": -1}, "buffer_ppm"),
        ({"buffer_ppm": 0.15}, "buffer_ppm"),
        ({"mm_factor_ppm": True}, "mm_factor_ppm"),
        ({"spot_shocks_ppm": (0, -1_000_000)}, "spot_shocks_ppm"),
    ],
)
def test_a_number_that_makes_no_sense_is_refused_by_name(
    changes: dict[str, object], named: str
) -> None:
    with pytest.raises(SettingsError, match=named):
        replace(Policy(), **changes)  # type: ignore[arg-type]


def test_the_digest_moves_with_every_single_field() -> None:
    base = Policy()
    for field in fields(Policy):
        value = getattr(base, field.name)
        if isinstance(value, tuple):
            other: object = (*value, 123_000)
        elif isinstance(value, int):
            other = value - 1
        else:
            other = next(option for option in type(value) if option is not value)
        if field.name == "score_spot_shock_ppm":
            other = 135_000
        changed = replace(base, **{field.name: other})  # type: ignore[arg-type]
        assert changed.digest != base.digest, field.name


def test_a_policy_reads_back_from_its_bytes() -> None:
    rules = Policy(money_policy=MoneyPolicy.QUEUE, buffer_ppm=140_000)
    assert decode(Policy, encode(rules)) == rules
