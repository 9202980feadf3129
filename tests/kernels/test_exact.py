"""The exact functions: accuracy against 50 digits, edges, and the same bits for ever."""

from decimal import Decimal, localcontext
from hashlib import sha256

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernels.errors import KernelInputError
from kernels.exact import (
    _MILLS_NUMERATOR,
    CANONICAL_NAN,
    _polynomial,
    exp,
    exp_nonpositive,
    log_positive,
    log_ratio,
    mills,
    normal_cdf,
    normal_pdf,
    quantise,
)

PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459")
NAN_BITS = 0x7FF8000000000000


def spread(low: float, high: float, n: int) -> np.ndarray:
    """n doubles between low and high with full mantissas, the same on every machine."""
    steps = np.arange(1, n + 1, dtype=np.float64) * 0.6180339887498949
    return low + (high - low) * (steps - np.floor(steps))


def greatest_ulps(got: np.ndarray, expected: list[Decimal]) -> float:
    errors = (
        abs(Decimal(float(value)) - wanted) / Decimal(float(np.spacing(abs(float(wanted)))))
        for value, wanted in zip(got, expected, strict=True)
    )
    return float(max(errors))


def test_log_is_within_0_81_units_in_the_last_place() -> None:
    x = np.concatenate([spread(0.5, 2.0, 2000), 2.0 ** spread(-100.0, 100.0, 500)])
    with localcontext(prec=50):
        expected = [Decimal(float(value)).ln() for value in x]
        assert greatest_ulps(log_positive(x), expected) < 0.81


def test_log_ratio_keeps_relative_accuracy_around_one() -> None:
    above, below = 1.0 + spread(-1e-4, 1e-4, 1000), 1.0 + spread(-1e-4, 1e-4, 1001)[1:]
    with localcontext(prec=50):
        expected = [
            (Decimal(float(a)) / Decimal(float(b))).ln() for a, b in zip(above, below, strict=True)
        ]
        assert greatest_ulps(log_ratio(above, below), expected) < 2.0


def test_exp_is_within_one_unit_in_the_last_place() -> None:
    x = spread(-700.0, 700.0, 2000)
    with localcontext(prec=50):
        assert greatest_ulps(exp(x), [Decimal(float(value)).exp() for value in x]) < 1.0


def test_exp_of_two_parts_uses_the_second() -> None:
    highs, lows = spread(-300.0, 0.0, 500), spread(-(2.0**-13), 2.0**-13, 500)
    with localcontext(prec=50):
        expected = [
            (Decimal(float(high)) + Decimal(float(low))).exp()
            for high, low in zip(highs, lows, strict=True)
        ]
        assert greatest_ulps(exp_nonpositive(highs, lows), expected) < 1.0


def test_normal_density_is_within_two_units_far_into_the_tail() -> None:
    z = spread(0.0, 30.0, 1500)
    with localcontext(prec=50):
        expected = [(-(Decimal(float(x)) ** 2) / 2).exp() / (2 * PI).sqrt() for x in z]
        assert greatest_ulps(normal_pdf(z), expected) < 2.0


def tail_by_continued_fraction(z: Decimal) -> Decimal:
    """N(-z)/phi(z) = 1/(z + 1/(z + 2/(z + 3/(z + ...)))), Laplace."""
    fraction = z
    for k in range(4000, 0, -1):
        fraction = z + k / fraction
    return 1 / fraction


def test_mills_ratio_agrees_with_the_continued_fraction() -> None:
    z = spread(1.5, 30.0, 40)
    with localcontext(prec=40):
        expected = [tail_by_continued_fraction(Decimal(float(x))) for x in z]
        assert greatest_ulps(mills(z), expected) < 8.0


def test_normal_cdf_of_known_points() -> None:
    assert normal_cdf(np.array([np.inf, -np.inf, 31.0, -31.0])).tolist() == [1.0, 0.0, 1.0, 0.0]
    assert abs(normal_cdf(0.0) - 0.5) < 3e-16
    assert abs(normal_cdf(1.0) - 0.8413447460685429) < 3e-16
    assert abs(float(normal_cdf(-10.0)) / 7.619853024160526e-24 - 1.0) < 2e-15


@given(st.floats(-30.0, 30.0))
def test_normal_cdf_of_both_sides_adds_to_one(z: float) -> None:
    assert normal_cdf(z) + normal_cdf(-z) == pytest.approx(1.0, abs=2.0**-52)


@pytest.mark.parametrize("x", [0.0, -0.0, -1.0, np.inf, -np.inf, np.nan, 5e-324])
def test_log_outside_its_domain_is_the_canonical_nan(x: float) -> None:
    assert int(log_positive(np.array([x])).view(np.int64)[0]) == NAN_BITS


def test_log_ratio_outside_its_domain_is_the_canonical_nan() -> None:
    above = np.array([0.0, -1.0, np.nan, np.inf, 1.0, 1.0, np.inf])
    below = np.array([1.0, -1.0, 1.0, 1.0, 0.0, np.nan, np.inf])
    assert set(log_ratio(above, below).view(np.int64).tolist()) == {NAN_BITS}


def test_nan_in_is_the_canonical_nan_out_whatever_its_sign() -> None:
    negative_nan = np.array([-1], dtype=np.int64).view(np.float64)
    for function in (exp, normal_pdf, normal_cdf):
        assert function(negative_nan).view(np.int64).tolist() == [NAN_BITS]
    assert np.isnan(CANONICAL_NAN)


def test_exp_saturates_instead_of_wrapping_its_exponent() -> None:
    assert exp(np.array([-1e300, -709.0, 710.0, np.inf, -np.inf])).tolist() == [
        0.0, 0.0, np.inf, np.inf, 0.0,
    ]  # fmt: skip
    assert exp_nonpositive(np.array([-1e6, 0.0]), np.zeros(2)).tolist() == [0.0, 1.0]


def test_bits_are_those_every_machine_must_return() -> None:
    x = spread(1e-3, 30.0, 10_000)
    outputs = [log_positive(x), exp(x), exp(-x), normal_pdf(x), mills(x), normal_cdf(x - 15.0)]
    digest = sha256(b"".join(output.tobytes() for output in outputs)).hexdigest()
    assert digest[:16] == "d8ddf885fd6d3496"


def test_a_contracted_multiply_and_add_would_change_the_bits() -> None:
    """Negative control: with one rounding for each multiply and add, as FMA does, bits differ."""
    x = spread(0.0, 30.0, 200)
    contracted = []
    with localcontext(prec=60):
        for z in x:
            total = _MILLS_NUMERATOR[-1]
            for coefficient in _MILLS_NUMERATOR[-2::-1]:
                total = float(Decimal(total) * Decimal(float(z)) + Decimal(coefficient))
            contracted.append(total)
    assert (np.array(contracted) != _polynomial(x, _MILLS_NUMERATOR)).sum() > 50


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 2.0**62, -(2.0**62)])
def test_quantise_refuses_what_does_not_fit_and_names_the_row(bad: float) -> None:
    with pytest.raises(KernelInputError, match=r"price\[1\]") as refusal:
        quantise(np.array([1.0, bad]), 1, field="price")
    assert (refusal.value.field, refusal.value.row) == ("price", 1)


def test_quantise_rounds_ties_to_even() -> None:
    assert quantise(np.array([0.5, 1.5, 2.5, -0.5, -1.5]), 1).tolist() == [0, 2, 2, 0, -2]
    assert quantise(np.array([1.25]), 10**6).tolist() == [1_250_000]


@given(st.integers(-(2**53), 2**53))
def test_quantise_leaves_integers_alone(amount: int) -> None:
    assert int(quantise(float(amount), 1)) == amount
