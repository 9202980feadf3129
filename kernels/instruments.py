"""What is priced and on which market: two tables of columns, valid once they exist."""

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from kernels.arrays import (
    BoolArray,
    FloatArray,
    IntArray,
    float64s,
    frozen,
    int64s,
    require,
    require_rows,
)

__all__ = ["FUTURE", "OPTION", "PERPETUAL", "SPOT", "InstrumentTable", "MarketTable"]

OPTION, PERPETUAL, FUTURE, SPOT = 0, 1, 2, 3
_PPT = 10**12


def _rises(keys: IntArray, times: FloatArray) -> BoolArray:
    """Whether each row is not below the one before it in (key, time)."""
    ordered = np.ones(keys.size, dtype=np.bool_)
    step, later = np.diff(keys), np.diff(times) >= 0.0
    ordered[1:] = (step > 0) | ((step == 0) & later)
    return ordered


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class InstrumentTable:
    """One row per instrument, ordered by (underlying_row, years); all columns of one length.

    kind: OPTION, PERPETUAL, FUTURE or SPOT (collateral lots). underlying_row: row of
    MarketTable.index_micro. expiry_row: row of MarketTable.forward_micro; -1 for perpetuals and
    spot, and for an expiry the market does not list, which is then interpolated in `years`.
    strike_micro: micro-USD, 0 unless an option. is_call: False for puts and all else.
    lot_nano: lot size in 1e-9 of the underlying. years: ACT/365 to expiry, 0 without expiry.

    Raises: KernelInputError naming field and row.
    """

    kind: IntArray
    underlying_row: IntArray
    expiry_row: IntArray
    strike_micro: IntArray
    is_call: BoolArray
    lot_nano: IntArray
    years: FloatArray

    def __post_init__(self) -> None:
        for name in ("kind", "underlying_row", "expiry_row", "strike_micro", "lot_nano"):
            column = frozen(int64s(getattr(self, name), field=name))
            object.__setattr__(self, name, column)
        object.__setattr__(self, "years", frozen(float64s(self.years)))
        object.__setattr__(self, "is_call", frozen(np.asarray(self.is_call, dtype=np.bool_)))
        self._check()

    def _check(self) -> None:
        _require_one_length(self, self.kind.shape)
        dated = self.is_dated
        require_rows((self.kind >= OPTION) & (self.kind <= SPOT), field="kind", reason="unknown")
        require_rows(self.underlying_row >= 0, field="underlying_row", reason="is negative")
        require_rows(self.lot_nano > 0, field="lot_nano", reason="must be positive")
        require_rows(self.expiry_row >= -1, field="expiry_row", reason="is below -1")
        require_rows(dated | (self.expiry_row == -1), field="expiry_row", reason="has no expiry")
        priced = (self.strike_micro > 0) == (self.kind == OPTION)
        require_rows(priced, field="strike_micro", reason="an option, and only one, has a strike")
        timed = np.where(dated, np.isfinite(self.years) & (self.years >= 0.0), self.years == 0.0)
        require_rows(timed, field="years", reason="negative, not finite, or without an expiry")
        ordered = _rises(self.underlying_row, self.years)
        require_rows(ordered, field="underlying_row", reason="must rise by (underlying, years)")

    @property
    def is_dated(self) -> BoolArray:
        """Which rows expire."""
        return np.isin(self.kind, (OPTION, FUTURE))

    @property
    def n_rows(self) -> int:
        """Number of instruments."""
        return int(self.kind.size)

    def expiry_groups(self) -> IntArray:
        """A number for each distinct (underlying, years), rising with the rows: int64[n_rows]."""
        new = np.zeros(self.n_rows, dtype=np.int64)
        new[1:] = (np.diff(self.underlying_row) != 0) | (np.diff(self.years) != 0.0)
        return np.cumsum(new)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MarketTable:
    """Index by underlying; forward and raw SVI by expiry, ordered by (underlying_row, years).

    index_micro: micro-USD, int64[n_underlyings]. The rest have one row per expiry: forward_micro
    in micro-USD; years to expiry, positive; a, b, rho, m, sigma as integers x 1e-12.

    Raises: KernelInputError naming field and row.
    """

    index_micro: IntArray
    underlying_row: IntArray
    forward_micro: IntArray
    years: FloatArray
    a: IntArray
    b: IntArray
    rho: IntArray
    m: IntArray
    sigma: IntArray

    def __post_init__(self) -> None:
        for field in fields(self):
            if field.name != "years":
                column = frozen(int64s(getattr(self, field.name), field=field.name))
                object.__setattr__(self, field.name, column)
        object.__setattr__(self, "years", frozen(float64s(self.years)))
        self._check()

    def _check(self) -> None:
        _require_one_length(self, self.underlying_row.shape, apart="index_micro")
        require_rows(self.index_micro > 0, field="index_micro", reason="must be positive")
        known = (self.underlying_row >= 0) & (self.underlying_row < self.index_micro.size)
        require_rows(known, field="underlying_row", reason="no such underlying")
        require_rows(self.forward_micro > 0, field="forward_micro", reason="must be positive")
        timed = np.isfinite(self.years) & (self.years > 0.0)
        require_rows(timed, field="years", reason="must be positive and finite")
        require_rows(self.b >= 0, field="b", reason="must not be negative")
        require_rows(np.abs(self.rho) <= _PPT, field="rho", reason="outside [-1, 1]")
        require_rows(self.sigma >= 0, field="sigma", reason="must not be negative")
        ordered = _rises(self.underlying_row, self.years)
        require_rows(ordered, field="underlying_row", reason="must rise by (underlying, years)")


def _require_one_length(
    table: InstrumentTable | MarketTable, shape: tuple[int, ...], *, apart: str = ""
) -> None:
    for field in fields(table):
        column: npt.NDArray[np.generic] = getattr(table, field.name)
        fits = field.name == apart or (column.ndim == 1 and column.shape == shape)
        require(that=fits, field=field.name, reason=f"needs one row per entry, {shape}")
