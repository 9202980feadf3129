"""Integer products on arrays against Python's unbounded integers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernels.errors import KernelInputError
from kernels.exactint import (
    add_amounts,
    mul_div_down,
    mul_ppm_down,
    mul_ppm_toward_zero,
    mul_ppm_up,
)

money = st.integers(-(2**53), 2**53)
ppm = st.integers(0, 2_000_000)


@given(st.lists(money, min_size=1, max_size=20), ppm)
def test_shares_in_ppm_are_exact_in_every_rounding(amounts: list[int], share: int) -> None:
    values = np.array(amounts)
    assert mul_ppm_down(values, share).tolist() == [a * share // 10**6 for a in amounts]
    assert mul_ppm_up(values, share).tolist() == [-(-a * share // 10**6) for a in amounts]
    toward_zero = [abs(a) * share // 10**6 * (1 if a > 0 else -1) for a in amounts]
    assert mul_ppm_toward_zero(values, share).tolist() == toward_zero


@pytest.mark.parametrize("amount", [2**62, -(2**62), 2**60])
def test_a_share_that_would_leave_int64_is_refused(amount: int) -> None:
    with pytest.raises(KernelInputError, match=r"values\[1\]"):
        mul_ppm_up(np.array([1, amount]), 5_000_000)


@pytest.mark.parametrize("share", [-1, 2**42])
def test_a_share_out_of_range_is_refused(share: int) -> None:
    with pytest.raises(KernelInputError, match="ppm"):
        mul_ppm_down(np.array([1]), share)


@given(
    st.lists(st.integers(0, 2**61), min_size=1, max_size=20),
    st.integers(0, 2**62 - 1),
    st.integers(0, 2**60),
)
def test_quotient_and_remainder_are_those_of_python(
    amounts: list[int], multiplier: int, above: int
) -> None:
    divisor = max(amounts) + above + 1
    quotients, remainders = mul_div_down(np.array(amounts), multiplier=multiplier, divisor=divisor)
    expected = [divmod(amount * multiplier, divisor) for amount in amounts]
    assert list(zip(quotients.tolist(), remainders.tolist(), strict=True)) == expected


@pytest.mark.parametrize("divisor_bits", [1, 20, 53, 57, 58, 59, 61])
def test_digits_and_long_division_agree_at_every_size(divisor_bits: int) -> None:
    divisor, multiplier = 2**divisor_bits - 1, 2**62 - 57
    amounts = [0, 1, divisor // 3, divisor - 1, divisor]
    amounts = [amount for amount in amounts if 0 <= amount <= divisor]
    quotients, remainders = mul_div_down(np.array(amounts), multiplier=multiplier, divisor=divisor)
    expected = [divmod(amount * multiplier, divisor) for amount in amounts]
    assert list(zip(quotients.tolist(), remainders.tolist(), strict=True)) == expected


@pytest.mark.parametrize(
    ("values", "multiplier", "divisor", "field"),
    [([1], 1, 0, "divisor"), ([1], 1, 2**62, "divisor"), ([1], -1, 2, "multiplier"),
     ([1], 2**62, 2, "multiplier"), ([3], 1, 2, "values"), ([-1], 1, 2, "values")],
)  # fmt: skip
def test_a_product_out_of_range_is_refused(
    values: list[int], multiplier: int, divisor: int, field: str
) -> None:
    with pytest.raises(KernelInputError) as refusal:
        mul_div_down(np.array(values), multiplier=multiplier, divisor=divisor)
    assert refusal.value.field == field


def test_sums_that_would_leave_int64_are_refused_and_others_are_exact() -> None:
    near = np.array([5, 2**61])
    with pytest.raises(KernelInputError, match=r"amounts\[1\]"):
        add_amounts(near, near)
    assert add_amounts(near, -np.array([1, 2]), np.array([3, 3])).tolist() == [7, 2**61 + 1]
