"""The market seen from each instrument: its forward, and its volatility at any forward."""

from dataclasses import dataclass

import numpy as np

from kernels.arrays import FloatArray, IntArray, require_rows
from kernels.instruments import InstrumentTable, MarketTable
from kernels.smile import (
    from_ppt,
    interpolate,
    log_moneyness,
    svi_total_variance,
    term_brackets,
    vol_from_total_variance,
)

__all__ = ["Surface", "make_surface"]

_MICRO = 1e6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Surface:
    """Columns by instrument row, prices in USD. Make it with `make_surface`.

    forwards: the index where an instrument has no expiry. strikes: 1 where it has none.
    lower_rows, upper_rows, fractions: its place between expiry rows, as in smile.TermBrackets.
    svi: float64[5, n_expiries], the rows a, b, rho, m, sigma.
    """

    indices: FloatArray
    forwards: FloatArray
    strikes: FloatArray
    years: FloatArray
    lower_rows: IntArray
    upper_rows: IntArray
    fractions: FloatArray
    svi: FloatArray

    def vols(self, forwards: FloatArray) -> FloatArray:
        """Volatility at the shocked `forwards`, float64[n_instruments, n_scenarios]."""
        k = log_moneyness(strikes=self.strikes[:, np.newaxis], forwards=forwards)
        return self._vols_at(k)

    def standard_moneyness(self, forwards: FloatArray) -> FloatArray:
        """k / (at-the-money vol x sqrt(T)), shaped as `forwards`; 0 where that is undefined."""
        k = log_moneyness(strikes=self.strikes[:, np.newaxis], forwards=forwards)
        at_the_money = self._vols_at(np.zeros((self.years.size, 1)))
        widths = at_the_money * np.sqrt(self.years)[:, np.newaxis]
        return np.where(widths > 0.0, k / np.where(widths > 0.0, widths, 1.0), 0.0)

    def _vols_at(self, k: FloatArray) -> FloatArray:
        total_variances = interpolate(
            at_lower=self._total_variances(k, self.lower_rows),
            at_upper=self._total_variances(k, self.upper_rows),
            fractions=self.fractions[:, np.newaxis],
        )
        return vol_from_total_variance(
            total_variances=total_variances, years=self.years[:, np.newaxis]
        )

    def _total_variances(self, k: FloatArray, rows: IntArray) -> FloatArray:
        """w(k) on the expiry of `rows`; nothing has varied yet at the origin, row -1."""
        if self.svi.shape[1] == 0:
            return np.zeros(k.shape)
        a, b, rho, m, sigma = self.svi[:, rows, np.newaxis]
        variances = svi_total_variance(k=k, a=a, b=b, rho=rho, m=m, sigma=sigma)
        return np.where(rows[:, np.newaxis] >= 0, variances, 0.0)


def make_surface(instruments: InstrumentTable, market: MarketTable) -> Surface:
    """Find every instrument's place on the market.

    Raises: KernelInputError where an instrument names an underlying or expiry the market lacks,
    or disagrees with its expiry on underlying or years.
    """
    _check_fit(instruments, market)
    lower, upper, fractions = _brackets(instruments, market)
    indices = market.index_micro[instruments.underlying_row] / _MICRO
    nodes = np.append(market.forward_micro / _MICRO, 0.0)  # the last is row -1, replaced below
    at_lower = np.where(lower >= 0, nodes[lower], indices)
    at_upper = np.where(upper >= 0, nodes[upper], indices)
    strikes = np.where(instruments.strike_micro > 0, instruments.strike_micro / _MICRO, 1.0)
    return Surface(
        indices=indices,
        forwards=interpolate(at_lower=at_lower, at_upper=at_upper, fractions=fractions),
        strikes=strikes,
        years=instruments.years,
        lower_rows=lower,
        upper_rows=upper,
        fractions=fractions,
        svi=from_ppt(np.stack([market.a, market.b, market.rho, market.m, market.sigma])),
    )


def _check_fit(instruments: InstrumentTable, market: MarketTable) -> None:
    known = instruments.underlying_row < market.index_micro.size
    require_rows(known, field="underlying_row", reason="no such underlying in the market")
    known = instruments.expiry_row < market.years.size
    require_rows(known, field="expiry_row", reason="no such expiry in the market")
    listed = np.flatnonzero(instruments.expiry_row >= 0)
    agrees = np.ones(instruments.n_rows, dtype=np.bool_)
    rows = instruments.expiry_row[listed]
    agrees[listed] = market.underlying_row[rows] == instruments.underlying_row[listed]
    agrees[listed] &= market.years[rows] == instruments.years[listed]
    require_rows(agrees, field="expiry_row", reason="another underlying or other years there")


def _brackets(
    instruments: InstrumentTable, market: MarketTable
) -> tuple[IntArray, IntArray, FloatArray]:
    lower, upper = instruments.expiry_row.copy(), instruments.expiry_row.copy()
    fractions = np.zeros(instruments.n_rows)
    unlisted = instruments.is_dated & (instruments.expiry_row < 0)
    for underlying in np.unique(instruments.underlying_row[unlisted]):
        rows = np.flatnonzero(unlisted & (instruments.underlying_row == underlying))
        expiries = np.flatnonzero(market.underlying_row == underlying)
        place = term_brackets(years=instruments.years[rows], node_years=market.years[expiries])
        lower[rows] = np.where(place.lower_rows >= 0, expiries[place.lower_rows], -1)
        upper[rows] = expiries[place.upper_rows]
        fractions[rows] = place.fractions
    return lower, upper, fractions
