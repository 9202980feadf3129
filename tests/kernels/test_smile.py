"""SVI and the line between expiries."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernels.errors import KernelInputError
from kernels.smile import (
    from_ppt,
    interpolate,
    log_moneyness,
    svi_total_variance,
    term_brackets,
    vol_from_total_variance,
)

NODES = np.array([0.1, 0.25, 1.0])
TOTAL_VARIANCES = np.array([0.02, 0.05, 0.11])


def total_variance_at(years: float) -> float:
    place = term_brackets(years=np.array([years]), node_years=NODES)
    lower = np.where(place.lower_rows >= 0, TOTAL_VARIANCES[place.lower_rows], 0.0)
    upper = TOTAL_VARIANCES[place.upper_rows]
    return float(interpolate(at_lower=lower, at_upper=upper, fractions=place.fractions)[0])


def test_svi_at_its_vertex_is_a_plus_b_sigma() -> None:
    w = svi_total_variance(k=0.25, a=0.5, b=0.25, rho=0.5, m=0.25, sigma=2.0)
    assert float(w) == 1.0


def test_svi_wings_have_the_slopes_b_times_one_plus_and_minus_rho() -> None:
    k = np.array([-1001.0, -1000.0, 1000.0, 1001.0])
    w = svi_total_variance(k=k, a=0.04, b=0.1, rho=-0.3, m=0.0, sigma=0.2)
    assert np.diff(w)[[0, 2]] == pytest.approx([-0.13, 0.07], abs=1e-8)


def test_parameters_come_from_integers_by_one_division() -> None:
    assert from_ppt(np.array([-300_000_000_000, 1])).tolist() == [-0.3, 1e-12]


def test_parameters_that_are_not_integers_are_refused() -> None:
    with pytest.raises(KernelInputError, match="integers"):
        from_ppt(np.array([0.3]))


@pytest.mark.parametrize(("years", "expected"), [(0.1, 0.02), (0.25, 0.05), (1.0, 0.11)])
def test_on_an_expiry_the_slice_itself_is_returned(years: float, expected: float) -> None:
    assert total_variance_at(years) == expected


def test_before_the_first_expiry_variance_grows_from_zero() -> None:
    assert total_variance_at(0.05) == 0.02 * 0.5
    assert total_variance_at(0.0) == 0.0


def test_between_expiries_total_variance_is_linear() -> None:
    assert total_variance_at(0.175) == pytest.approx(0.035, rel=1e-14)


def test_beyond_the_last_expiry_forward_variance_is_flat() -> None:
    assert total_variance_at(1.75) == pytest.approx(0.11 + 0.06, rel=1e-14)


def test_a_single_expiry_keeps_its_volatility_at_all_times() -> None:
    place = term_brackets(years=np.array([0.1, 0.5, 2.0]), node_years=np.array([0.5]))
    assert place.lower_rows.tolist() == [-1, 0, -1]
    assert place.upper_rows.tolist() == [0, 0, 0]
    assert place.fractions.tolist() == [0.2, 0.0, 4.0]


@pytest.mark.parametrize("nodes", [[], [0.0, 1.0], [0.5, 0.5], [1.0, 0.5]])
def test_expiries_that_do_not_rise_are_refused(nodes: list[float]) -> None:
    with pytest.raises(KernelInputError, match="node_years"):
        term_brackets(years=np.array([0.1]), node_years=np.array(nodes))


@given(st.floats(0.0, 3.0), st.floats(0.0, 3.0))
def test_total_variance_never_falls_in_time_when_the_slices_do_not(t1: float, t2: float) -> None:
    early, late = sorted((t1, t2))
    assert total_variance_at(early) <= total_variance_at(late) * (1.0 + 1e-15)


def test_volatility_is_zero_where_variance_or_time_is_not_positive() -> None:
    vols = vol_from_total_variance(total_variances=[0.04, -0.01, 0.04], years=[0.25, 0.25, 0.0])
    assert vols.tolist() == [0.4, 0.0, 0.0]


def test_log_moneyness_of_a_strike_at_the_forward_is_zero() -> None:
    assert log_moneyness(strikes=[100.0, 200.0], forwards=[100.0, 100.0]).tolist() == [
        0.0,
        pytest.approx(0.6931471805599453),
    ]
