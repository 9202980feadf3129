"""Shocked value of one lot of every instrument, rounded once to integer micro-USD.

A spot shock multiplies index and forwards; the smile keeps its place on log-moneyness measured
against the shocked forward (sticky forward-moneyness). Volatility is multiplied by

    (1 + v (30d / max(T, 1d))^p) (1 + tilt clip(k / (atm vol sqrt T), +-2))
                                 (1 + twist clip((30d - T) / 30d, +-1))

and never below 0. Perpetuals and spot are worth the shocked index, futures the shocked forward.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kernels.arrays import FloatArray, IntArray, int64s, require, require_rows
from kernels.black76 import price_and_greeks, prices
from kernels.exact import quantise
from kernels.grid import Grid, static_grid, vol_time_factors
from kernels.instruments import OPTION, InstrumentTable, MarketTable
from kernels.surface import Surface, make_surface

__all__ = [
    "GreeksTable",
    "Grid",
    "InstrumentTable",
    "MarketTable",
    "corner_table",
    "greeks_table",
    "price_table",
    "static_grid",
]

_PPM = 10**6
_NANO_PER_MILLI = 1000.0  # USD x nano-lots / 1000 = micro-USD
_THIRTY_DAYS = 30.0 / 365.0
_CORNERS = np.array([(0, 0), (1, 1), (1, -1), (-1, 1), (-1, -1)], dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GreeksTable:
    """Sensitivities of one long lot, int64[n_instruments] micro-USD each.

    delta_usd_micro: per 100 % of spot. gamma_usd_micro: change of that delta per 100 % of spot.
    vega_usd_micro: per 100 % of relative volatility (vega x vol). theta_usd_micro: per year.
    index_notional_micro: index x lot size.
    """

    delta_usd_micro: IntArray
    gamma_usd_micro: IntArray
    vega_usd_micro: IntArray
    theta_usd_micro: IntArray
    index_notional_micro: IntArray


def price_table(*, instruments: InstrumentTable, market: MarketTable, grid: Grid) -> IntArray:
    """Value of one lot in every scenario, int64[n_instruments, n_scenarios] micro-USD.

    Raises: KernelInputError naming the instrument that does not fit the market or int64.
    """
    surface = make_surface(instruments, market)
    factors = vol_time_factors(years=instruments.years, power=grid.vol_power)[:, np.newaxis]
    vol_factors = 1.0 + _fractions(grid.vol_shock_ppm) * factors
    forwards = surface.forwards[:, np.newaxis] * (1.0 + _fractions(grid.spot_shock_ppm))
    return _per_lot(instruments, surface, forwards, vol_factors * _bends(surface, forwards, grid))


def corner_table(
    *,
    instruments: InstrumentTable,
    market: MarketTable,
    index_half_width_ppm: npt.ArrayLike,
    vol_half_width_ppm: npt.ArrayLike,
) -> IntArray:
    """Value of one lot at the centre and the corners of the market's uncertainty.

    index_half_width_ppm, vol_half_width_ppm: relative, int64[n_underlyings].
    Returns int64[n_instruments, 5] micro-USD: base, then (index, volatility) = (+, +), (+, -),
    (-, +), (-, -).
    Raises: KernelInputError.
    """
    surface = make_surface(instruments, market)
    shocks = [
        _fractions(_of_underlyings(widths, field, market)[instruments.underlying_row])
        for field, widths in (
            ("index_half_width_ppm", index_half_width_ppm),
            ("vol_half_width_ppm", vol_half_width_ppm),
        )
    ]
    spot, vol = (
        1.0 + shock[:, np.newaxis] * signs for shock, signs in zip(shocks, _CORNERS.T, strict=True)
    )
    return _per_lot(instruments, surface, surface.forwards[:, np.newaxis] * spot, vol)


def greeks_table(*, instruments: InstrumentTable, market: MarketTable) -> GreeksTable:
    """Sensitivities of one lot on the unshocked market; see GreeksTable.

    Raises: KernelInputError naming the instrument that does not fit the market or int64.
    """
    surface = make_surface(instruments, market)
    forwards, n = surface.forwards, instruments.n_rows
    delta, gamma, vega, theta = np.ones(n), np.zeros(n), np.zeros(n), np.zeros(n)
    options = np.flatnonzero(instruments.kind == OPTION)
    vols = surface.vols(forwards[:, np.newaxis])[:, 0]
    greeks = price_and_greeks(
        forwards=forwards[options],
        strikes=surface.strikes[options],
        years=instruments.years[options],
        vols=vols[options],
        is_calls=instruments.is_call[options],
    )
    delta[options], gamma[options] = greeks.deltas, greeks.gammas
    vega[options], theta[options] = greeks.vegas, greeks.thetas
    return GreeksTable(
        delta_usd_micro=_to_lot_micro(instruments, delta * forwards, "delta_usd_micro"),
        gamma_usd_micro=_to_lot_micro(instruments, gamma * forwards * forwards, "gamma_usd_micro"),
        vega_usd_micro=_to_lot_micro(instruments, vega * vols, "vega_usd_micro"),
        theta_usd_micro=_to_lot_micro(instruments, theta, "theta_usd_micro"),
        index_notional_micro=_to_lot_micro(instruments, surface.indices, "index_notional_micro"),
    )


def _fractions(ppm: IntArray) -> FloatArray:
    return ppm / _PPM


def _of_underlyings(widths: npt.ArrayLike, field: str, market: MarketTable) -> IntArray:
    ppm = int64s(widths, field=field)
    require(that=ppm.shape == market.index_micro.shape, field=field, reason="one per underlying")
    require_rows((ppm >= 0) & (ppm < _PPM), field=field, reason="outside [0, 10^6) ppm")
    return ppm


def _bends(surface: Surface, forwards: FloatArray, grid: Grid) -> FloatArray:
    """Factor of skew tilt and term twist, float64[n_instruments, n_scenarios]."""
    factors = np.ones(forwards.shape)
    tilted = np.flatnonzero(grid.skew_tilt_ppm)
    tilts = _fractions(grid.skew_tilt_ppm[tilted])
    factors[:, tilted] = 1.0 + tilts * _clip(surface.standard_moneyness(forwards[:, tilted]), 2.0)
    age = _clip((_THIRTY_DAYS - surface.years) / _THIRTY_DAYS, 1.0)[:, np.newaxis]
    return factors * (1.0 + _fractions(grid.term_twist_ppm) * age)


def _clip(x: FloatArray, limit: float) -> FloatArray:
    above = np.where(x > limit, limit, x)
    return np.where(above < -limit, -limit, above)


def _per_lot(
    instruments: InstrumentTable, surface: Surface, forwards: FloatArray, vol_factors: FloatArray
) -> IntArray:
    """Micro-USD a lot; forwards and vol_factors are float64[n_instruments, n_scenarios]."""
    worth = forwards.copy()
    options = np.flatnonzero(instruments.kind == OPTION)
    positive = np.where(vol_factors > 0.0, vol_factors, 0.0)
    worth[options] = prices(
        forwards=forwards[options],
        strikes=surface.strikes[options, np.newaxis],
        years=instruments.years[options, np.newaxis],
        vols=(surface.vols(forwards) * positive)[options],
        is_calls=instruments.is_call[options, np.newaxis],
    )
    return _to_lot_micro(instruments, worth, "value")


def _to_lot_micro(instruments: InstrumentTable, usd: FloatArray, field: str) -> IntArray:
    lots = instruments.lot_nano.astype(np.float64)
    lots = lots.reshape(-1, *(1,) * (usd.ndim - 1))
    return quantise(usd * lots / _NANO_PER_MILLI, 1, field=field)
