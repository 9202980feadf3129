"""Is a surface free of static arbitrage? Decided on the integers that will be used.

Every expiry is certified to +-6 standard deviations of the NEXT expiry, because interpolation
between two expiries reads the nearer one that far out. Checks: Lee's bound on the wings, positive
variance, Durrleman's g >= 0 (no butterfly), total variance that never falls with time (no
calendar spread).
"""

import numpy as np
import numpy.typing as npt

from oracles.errors import QuoteRejected
from oracles.model import SVI_ONE, ExpirySlice, SurfaceQuote
from oracles.svi import FloatArray, RawSvi, durrleman, raw_svi, to_svi_half_even, total_variance

__all__ = ["REACH_SIGMAS", "check_surface", "fitted_slice"]

REACH_SIGMAS = 6.0
_GRID_POINTS = 2001
_BEND_POINTS = 201


def check_surface(surface: SurfaceQuote) -> SurfaceQuote:
    """The same surface, or QuoteRejected naming the expiry, the log-moneyness and the breach."""
    for piece in surface.slices:
        _check_wings(piece)
    for near, far in zip(surface.slices, (*surface.slices[1:], surface.slices[-1]), strict=True):
        grid = _grid(raw_svi(near), reach=_reach(far))
        _check_butterfly(near, grid)
        _check_calendar(near, far, grid)
    return surface


def fitted_slice(
    svi: RawSvi,
    *,
    underlying: str,
    expiry_ms: int,
    forward_micro: int,
    vol_half_width_ppm: int,
    observed_ms: int,
    source: str,
) -> ExpirySlice:
    """A fit in floats -> slice in integers, parameters rounded to 1e-12 half-even.

    The rounded slice is checked by itself to its own 6 sigma; neighbours are `check_surface`'s.
    Raises QuoteRejected.
    """
    where = f"{source}: {underlying} expiry {expiry_ms}"
    piece = ExpirySlice(
        underlying=underlying,
        expiry_ms=expiry_ms,
        forward_micro=forward_micro,
        a=to_svi_half_even(svi.a, where=f"{where}: a"),
        b=to_svi_half_even(svi.b, where=f"{where}: b"),
        rho=to_svi_half_even(svi.rho, where=f"{where}: rho"),
        m=to_svi_half_even(svi.m, where=f"{where}: m"),
        sigma=to_svi_half_even(svi.sigma, where=f"{where}: sigma"),
        vol_half_width_ppm=vol_half_width_ppm,
        observed_ms=observed_ms,
        source=source,
    )
    check_surface(SurfaceQuote(underlying=underlying, slices=(piece,)))
    return piece


def _check_wings(piece: ExpirySlice) -> None:
    """Lee's moment formula: total variance grows slower than 2 |k|, decided in integers."""
    if piece.b * (SVI_ONE + abs(piece.rho)) >= 2 * SVI_ONE**2:
        raise QuoteRejected(f"{piece.where}: wing slope b (1 + |rho|) must be below 2; refit")


def _reach(piece: ExpirySlice) -> float:
    """Six standard deviations at the money, in log-moneyness."""
    at_the_money = float(total_variance(raw_svi(piece), np.zeros(1))[0])
    return REACH_SIGMAS * float(np.sqrt(at_the_money))


def _grid(svi: RawSvi, *, reach: float) -> FloatArray:
    """Even points over +-reach, and finer ones around the bend, whose width is sigma."""
    even = np.linspace(-reach, reach, _GRID_POINTS)
    bend = svi.m + svi.sigma * np.linspace(-10.0, 10.0, _BEND_POINTS)
    return np.sort(np.concatenate((even, bend[np.abs(bend) <= reach])))


def _check_butterfly(piece: ExpirySlice, grid: FloatArray) -> None:
    svi = raw_svi(piece)
    _refuse(piece, "total variance must be positive", grid, total_variance(svi, grid) <= 0)
    density = durrleman(svi, grid)
    _refuse(piece, "butterfly arbitrage (Durrleman's g < 0)", grid, ~(density >= 0))


def _check_calendar(near: ExpirySlice, far: ExpirySlice, grid: FloatArray) -> None:
    falls = total_variance(raw_svi(far), grid) < total_variance(raw_svi(near), grid)
    _refuse(near, f"calendar arbitrage against expiry {far.expiry_ms}", grid, falls)


def _refuse(
    piece: ExpirySlice, what: str, grid: FloatArray, breached: npt.NDArray[np.bool_]
) -> None:
    if breached.any():
        k = float(grid[np.argmax(breached)])
        raise QuoteRejected(
            f"{piece.where}: {what} at k = {k:.6f}; leave this surface out or refit"
        )
