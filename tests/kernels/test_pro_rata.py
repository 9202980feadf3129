"""Pro rata: exact shares, largest remainders, capacities handed on."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernels.allocate import pro_rata
from kernels.errors import KernelInputError

amounts = st.one_of(st.integers(0, 10), st.integers(0, 2**40), st.integers(0, 2**56))
needs = st.one_of(st.integers(0, 20), st.integers(0, 2**62 - 1))
rows = st.lists(st.tuples(amounts, amounts), max_size=25)


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"need": -1, "weights": [1]}, "need"),
        ({"need": 2**62, "weights": [1]}, "need"),
        ({"need": 1, "weights": [1, -1]}, "weights"),
        ({"need": 1, "weights": [2**61, 2**61]}, "weights"),
        ({"need": 1, "weights": [1], "capacities": [1, 1]}, "capacities"),
        ({"need": 1, "weights": [1], "capacities": [-1]}, "capacities"),
    ],
)
def test_amounts_out_of_range_are_refused(arguments: dict[str, list[int]], field: str) -> None:
    with pytest.raises(KernelInputError) as refusal:
        pro_rata(**arguments)
    assert refusal.value.field == field


def test_rounding_goes_to_the_largest_remainder_and_ties_to_the_lower_row() -> None:
    assert pro_rata(need=10, weights=[1, 1, 1]).tolist() == [4, 3, 3]
    assert pro_rata(need=7, weights=[50, 31, 19]).tolist() == [4, 2, 1]  # 3.5, 2.17, 1.33
    assert pro_rata(need=2, weights=[3, 3, 3, 3]).tolist() == [1, 1, 0, 0]


def test_what_a_full_row_cannot_take_is_shared_by_the_others() -> None:
    assert pro_rata(need=100, weights=[1, 1, 2], capacities=[10, 90, 90]).tolist() == [10, 30, 60]
    assert pro_rata(need=100, weights=[8, 1, 1], capacities=[10, 20, 90]).tolist() == [10, 20, 70]


def test_a_row_without_weight_takes_nothing() -> None:
    assert pro_rata(need=9, weights=[0, 1], capacities=[9, 5]).tolist() == [0, 5]
    assert pro_rata(need=9, weights=[0, 0]).tolist() == [0, 0]
    assert pro_rata(need=9, weights=[]).tolist() == []


def columns_of(parts: list[tuple[int, int]]) -> tuple[list[int], list[int]]:
    return [weight for weight, _ in parts], [limit for _, limit in parts]


@given(needs, rows)
def test_pro_rata_conserves_to_the_last_unit_within_every_capacity(
    need: int, parts: list[tuple[int, int]]
) -> None:
    weights, limits = (np.array(x, dtype=np.int64) for x in columns_of(parts))
    taken = pro_rata(need=need, weights=weights, capacities=limits)
    assert (taken >= 0).all()
    assert (taken <= limits).all()
    assert int(taken.sum()) == min(need, int(limits[weights > 0].sum()))


@given(needs, st.lists(amounts, min_size=1, max_size=25))
def test_every_share_is_within_one_unit_of_the_exact_fraction(
    need: int, weights: list[int]
) -> None:
    taken = pro_rata(need=need, weights=weights).tolist()
    total = sum(weights)
    assert sum(taken) == (need if total else 0)
    for share, weight in zip(taken, weights, strict=True):
        assert abs(share - (Fraction(need * weight, total) if total else 0)) < 1


@given(needs, st.lists(amounts, min_size=1, max_size=25))
def test_capacities_as_weights_are_filled_in_one_pass(need: int, limits: list[int]) -> None:
    with_caps = pro_rata(need=need, weights=limits, capacities=limits)
    if need <= sum(limits):
        assert with_caps.tolist() == pro_rata(need=need, weights=limits).tolist()
    else:
        assert with_caps.tolist() == limits


@given(needs, rows, st.integers(0, 2**32))
def test_input_order_moves_at_most_the_tie_breaking_unit(
    need: int, parts: list[tuple[int, int]], seed: int
) -> None:
    weights, limits = (np.array(x, dtype=np.int64) for x in columns_of(parts))
    order = np.random.default_rng(seed).permutation(weights.size)
    straight = pro_rata(need=need, weights=weights, capacities=limits)
    mixed = pro_rata(need=need, weights=weights[order], capacities=limits[order])
    assert (np.abs(straight[order] - mixed) <= 1).all()


@given(needs, st.lists(amounts, min_size=2, max_size=25))
def test_a_larger_weight_never_pays_less(need: int, weights: list[int]) -> None:
    taken = pro_rata(need=need, weights=weights).tolist()
    ranked = sorted(zip(weights, taken, strict=True))
    for (low, paid_low), (high, paid_high) in pairwise(ranked):
        assert paid_low <= paid_high + (low == high)


def test_the_shares_of_many_rows_are_those_of_python() -> None:
    rng = np.random.default_rng(2)
    weights = rng.integers(0, 2**36, 20_000)
    need, total = 10**15 + 7, int(weights.sum())
    floors, rests = zip(*(divmod(need * w, total) for w in weights.tolist()), strict=True)
    extra = need - sum(floors)
    first = sorted(range(20_000), key=lambda i: (-rests[i], i))[:extra]
    expected = np.array(floors)
    expected[first] += 1
    assert (pro_rata(need=need, weights=weights) == expected).all()
