"""Queue: the first in the ranking is exhausted before the next is touched."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernels.allocate import queue
from kernels.errors import KernelInputError

needs = st.integers(0, 2**62 - 1)
capacities = st.lists(st.one_of(st.integers(0, 100), st.integers(0, 2**62)), max_size=30)


@pytest.mark.parametrize(
    ("need", "limits", "field"),
    [(-1, [1], "need"), (2**62, [1], "need"), (1, [2, -1], "capacities")],
)
def test_negative_or_too_large_amounts_are_refused(
    need: int, limits: list[int], field: str
) -> None:
    with pytest.raises(KernelInputError) as refusal:
        queue(need=need, capacities=np.array(limits))
    assert refusal.value.field == field


def test_higher_ranked_winner_is_exhausted_first() -> None:
    assert queue(need=12, capacities=[5, 0, 10, 100]).tolist() == [5, 0, 7, 0]


def test_a_need_beyond_all_capacity_takes_everything() -> None:
    assert queue(need=500, capacities=[5, 0, 10]).tolist() == [5, 0, 10]
    assert queue(need=500, capacities=[]).tolist() == []


@given(needs, capacities)
def test_queue_conserves_and_touches_nobody_behind_a_free_capacity(
    need: int, limits: list[int]
) -> None:
    taken = queue(need=need, capacities=np.array(limits, dtype=np.int64)).tolist()
    assert sum(taken) == min(need, sum(limits))
    assert all(0 <= x <= limit for x, limit in zip(taken, limits, strict=True))
    free = next((i for i, x in enumerate(taken) if x < limits[i]), len(taken))
    assert not any(taken[free + 1 :])


@given(needs, needs, capacities)
def test_nobody_pays_less_when_the_need_grows(a: int, b: int, limits: list[int]) -> None:
    small, large = (queue(need=n, capacities=np.array(limits, np.int64)) for n in sorted((a, b)))
    assert (small <= large).all()
