"""The shock grid: which moves of spot and volatility a book must survive, as integers in ppm."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import product

import numpy as np
import numpy.typing as npt

from kernels.arrays import FloatArray, IntArray, float64s, frozen, int64s, require, require_rows
from kernels.exact import exp, log_positive, quantise

__all__ = ["Grid", "VolPower", "static_grid", "vol_shocks_ppm", "vol_time_factors"]

_PPM = 10**6
_DAY = 1.0 / 365.0
_THIRTY_DAYS = 30.0 / 365.0


@dataclass(frozen=True, slots=True, kw_only=True)
class VolPower:
    """Powers p of (30 d / T)^p by which a volatility shock falls with time to expiry, in ppm."""

    short_ppm: int = 300_000  # T <= 30 days
    long_ppm: int = 130_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Grid:
    """One scenario per row, int64[n_scenarios] each, relative shocks and the loss weight in ppm.

    spot_shock_ppm > -10^6 moves index and forwards alike. vol_shock_ppm is that of 30 days and
    scales with vol_power. skew_tilt_ppm and term_twist_ppm bend the surface. weight_ppm multiplies
    the loss. One row must be free of any shock: `base`.

    Raises: KernelInputError.
    """

    spot_shock_ppm: IntArray
    vol_shock_ppm: IntArray
    skew_tilt_ppm: IntArray
    term_twist_ppm: IntArray
    weight_ppm: IntArray
    vol_power: VolPower

    def __post_init__(self) -> None:
        for field in fields(self)[:-1]:
            column = frozen(int64s(getattr(self, field.name), field=field.name))
            fits = column.ndim == 1 and column.size == len(self.spot_shock_ppm)
            require(that=fits, field=field.name, reason="needs one row per scenario")
            object.__setattr__(self, field.name, column)
        survives = self.spot_shock_ppm > -_PPM
        require_rows(survives, field="spot_shock_ppm", reason="leaves no positive price")
        require_rows(self.weight_ppm >= 0, field="weight_ppm", reason="must not be negative")
        require(that=self._row_of_spot(0) >= 0, field="grid", reason="has no unshocked scenario")

    @property
    def n_scenarios(self) -> int:
        """Number of columns of a value table made on this grid."""
        return int(self.spot_shock_ppm.size)

    @property
    def base(self) -> int:
        """The first scenario without any shock."""
        return self._row_of_spot(0)

    def row_of_spot(self, shock_ppm: int) -> int:
        """The scenario that shocks nothing but spot, by `shock_ppm`.

        Raises: KernelInputError if that shock is no node of the grid.
        """
        row = self._row_of_spot(shock_ppm)
        require(that=row >= 0, field="shock_ppm", reason=f"{shock_ppm} is no node of the grid")
        return row

    def _row_of_spot(self, shock_ppm: int) -> int:
        bent = (self.vol_shock_ppm != 0) | (self.skew_tilt_ppm != 0) | (self.term_twist_ppm != 0)
        rows = np.flatnonzero((self.spot_shock_ppm == shock_ppm) & ~bent)
        return int(rows[0]) if rows.size else -1


def static_grid(
    *,
    spot_shocks_ppm: Sequence[int] = (
        0, -45_000, 45_000, -90_000, 90_000, -135_000, 135_000, -180_000, 180_000,
    ),
    vol_shocks_ppm: Sequence[int] = (0, -250_000, 500_000),
    skew_tilt_ppm: int = 100_000,
    term_twist_ppm: int = 200_000,
    tail_spot_ppm: Sequence[int] = (-500_000, 1_000_000),
    tail_weight_ppm: int = 320_000,
    vol_power: VolPower = VolPower(),
) -> Grid:  # fmt: skip
    """Every spot shock with every volatility shock, then both skew tilts, the twist and the tails.

    With the defaults (proposed, not calibrated) 9 x 3 + 2 + 1 + 2 = 32 scenarios, base first.
    Raises: KernelInputError, for example where 0 is missing among the shocks.
    """
    rows = [(spot, vol, 0, 0, _PPM) for spot, vol in product(spot_shocks_ppm, vol_shocks_ppm)]
    rows += [(0, 0, tilt, 0, _PPM) for tilt in (skew_tilt_ppm, -skew_tilt_ppm)]
    rows += [(0, 0, 0, term_twist_ppm, _PPM)]
    rows += [(spot, 0, 0, 0, tail_weight_ppm) for spot in tail_spot_ppm]
    spots, vols, tilts, twists, weights = np.array(rows, dtype=np.int64).T
    return Grid(
        spot_shock_ppm=spots,
        vol_shock_ppm=vols,
        skew_tilt_ppm=tilts,
        term_twist_ppm=twists,
        weight_ppm=weights,
        vol_power=vol_power,
    )


def vol_time_factors(*, years: npt.ArrayLike, power: VolPower) -> FloatArray:
    """(30 d / max(T, 1 d))^p for T in years, any shape, by exact log and exp."""
    times = float64s(years)
    ratios = _THIRTY_DAYS / np.where(times > _DAY, times, _DAY)
    powers = np.where(times <= _THIRTY_DAYS, power.short_ppm, power.long_ppm) / _PPM
    return exp(powers * log_positive(ratios))


def vol_shocks_ppm(*, years: npt.ArrayLike, shock_ppm: int, power: VolPower) -> IntArray:
    """s_vol(T), the shock of 30 days carried to T, in whole ppm: int64 in the shape of `years`."""
    return quantise(vol_time_factors(years=years, power=power), shock_ppm)
