"""Arbitrage is refused on the integers that will be used; rounding of a fit is exact."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracles.errors import QuoteRejected
from oracles.model import SVI_ONE
from oracles.surface import check_surface, fitted_slice
from oracles.svi import RawSvi, durrleman, raw_svi, to_svi_half_even, total_variance

# Vogt's smile, the standard example with butterfly arbitrage (Gatheral and Jacquier, example 5.1).
VOGT = {
    "a": -41_000_000_000,
    "b": 133_100_000_000,
    "rho": 306_000_000_000,
    "m": 358_600_000_000,
    "sigma": 415_300_000_000,
}


def test_vogts_smile_is_refused_for_its_butterfly(worlds):
    with pytest.raises(QuoteRejected, match=r"butterfly.*at k = 0\.[67]"):
        check_surface(worlds.surface(worlds.slice(**VOGT)))


def test_wings_at_lees_bound_are_refused(worlds):
    # 1.6 x (1 + 0.25) is exactly 2.
    at_bound = worlds.slice(b=16 * SVI_ONE // 10, rho=-SVI_ONE // 4, sigma=SVI_ONE)
    with pytest.raises(QuoteRejected, match="wing slope"):
        check_surface(worlds.surface(at_bound))


def test_variance_that_touches_zero_is_refused(worlds):
    touching = worlds.slice(
        a=-40_000_000_000, b=100_000_000_000, rho=600_000_000_000, sigma=500_000_000_000
    )
    with pytest.raises(QuoteRejected, match="positive"):
        check_surface(worlds.surface(touching))


def test_a_flat_zero_surface_is_refused(worlds):
    with pytest.raises(QuoteRejected, match="positive"):
        check_surface(worlds.surface(worlds.slice(a=0, b=0)))


def test_total_variance_that_falls_with_time_is_refused(worlds):
    near = worlds.slice()
    far = worlds.slice(expiry_ms=near.expiry_ms + worlds.day_ms, a=near.a - 1)
    with pytest.raises(QuoteRejected, match=f"calendar arbitrage against expiry {far.expiry_ms}"):
        check_surface(worlds.surface(near, far))


def test_wings_that_cross_far_from_the_money_are_refused(worlds):
    near = worlds.slice(b=40_000_000_000)
    far = worlds.slice(expiry_ms=near.expiry_ms + worlds.day_ms, a=4_000_000_000, b=10_000_000_000)
    at_the_money = np.zeros(1)
    assert total_variance(raw_svi(far), at_the_money) > total_variance(raw_svi(near), at_the_money)
    with pytest.raises(QuoteRejected, match="calendar"):
        check_surface(worlds.surface(near, far))


def test_a_slice_is_certified_as_far_as_its_next_expiry_reaches(worlds):
    # Honest to its own 6 sigma (k = 1.51), its right wing has butterflies from there to k = 6.
    near = worlds.slice(
        a=-53_236_000_000,
        b=150_000_000_000,
        rho=300_000_000_000,
        m=SVI_ONE,
        sigma=400_000_000_000,
    )
    wide = worlds.slice(expiry_ms=near.expiry_ms + worlds.day_ms, a=4 * SVI_ONE, b=0)
    check_surface(worlds.surface(near))
    with pytest.raises(QuoteRejected, match=f"{near.expiry_ms}: butterfly"):
        check_surface(worlds.surface(near, wide))


def test_an_honest_surface_passes_unchanged(worlds):
    surface = worlds.market().surface_of("BTC")
    assert check_surface(surface) is surface


def test_equal_total_variance_at_two_expiries_is_allowed(worlds):
    near = worlds.slice()
    check_surface(worlds.surface(near, worlds.slice(expiry_ms=near.expiry_ms + 1)))


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_parameter_that_is_not_finite_is_refused(number):
    with pytest.raises(QuoteRejected, match=r"deribit: rho = .*finite"):
        to_svi_half_even(number, where="deribit: rho")


def test_a_fit_with_arbitrage_is_refused_after_rounding(worlds):
    with pytest.raises(QuoteRejected, match="butterfly"):
        fit_to_slice(worlds, RawSvi(a=-0.041, b=0.1331, rho=0.306, m=0.3586, sigma=0.4153))


def test_a_fit_is_rounded_to_the_nearest_unit(worlds):
    piece = fit_to_slice(
        worlds, RawSvi(a=0.0005, b=0.03, rho=-0.3, m=1.4999e-12, sigma=0.0850000000004)
    )
    assert (piece.a, piece.b, piece.rho, piece.m, piece.sigma) == (
        500_000_000,
        30_000_000_000,
        -300_000_000_000,
        1,
        85_000_000_000,
    )


def test_a_tie_goes_to_the_even_unit():
    # 2^-13 is 122070312.5 units, 3 x 2^-13 is 366210937.5: both are exact floats.
    assert to_svi_half_even(2.0**-13, where="a") == 122_070_312
    assert to_svi_half_even(3 * 2.0**-13, where="a") == 366_210_938


@given(units=st.integers(min_value=-(10**15), max_value=10**15))
def test_an_integer_parameter_survives_the_way_through_float(units):
    assert to_svi_half_even(units / SVI_ONE, where="a") == units


@given(number=st.floats(min_value=-1e3, max_value=1e3))
def test_rounding_is_never_off_by_more_than_half_a_unit(number):
    rounded = to_svi_half_even(number, where="a")
    assert abs(Fraction(number) * SVI_ONE - rounded) <= Fraction(1, 2)


def test_durrleman_matches_central_differences(worlds):
    svi = raw_svi(worlds.slice())
    k, step = np.linspace(-0.4, 0.4, 41), 1e-4
    below, at, above = (total_variance(svi, k + shift) for shift in (-step, 0.0, step))
    slope, bend = (above - below) / (2 * step), (above - 2 * at + below) / step**2
    expected = (1 - k * slope / (2 * at)) ** 2 - slope**2 / 4 * (1 / at + 0.25) + bend / 2
    np.testing.assert_allclose(durrleman(svi, k), expected, rtol=1e-5)


def test_a_flat_smile_is_lognormal_so_g_is_one(worlds):
    flat = raw_svi(worlds.slice(b=0, a=3_000_000_000))
    assert durrleman(flat, np.linspace(-1.0, 1.0, 5)).tolist() == [1.0] * 5


def fit_to_slice(worlds, svi):
    return fitted_slice(
        svi,
        underlying="BTC",
        expiry_ms=worlds.now_ms + 365 * worlds.day_ms,
        forward_micro=95_100_000_000,
        vol_half_width_ppm=20_000,
        observed_ms=worlds.now_ms,
        source="deribit",
    )
