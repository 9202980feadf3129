"""Everybody pays in proportion to weight; rounding goes to the largest remainders."""

import numpy as np
import numpy.typing as npt

from kernels.arrays import BoolArray, IntArray, int64s, require, require_rows
from kernels.exactint import AMOUNT_LIMIT, mul_div_down

__all__ = ["pro_rata"]


def pro_rata(
    *, need: int, weights: npt.ArrayLike, capacities: npt.ArrayLike | None = None
) -> IntArray:
    """Shares of `need` by weight: floors, then one unit each to the largest remainders.

    Ties go to the lower row. A row at its capacity stays there and the others share what it could
    not take, again by weight. A row without weight takes nothing. The sum is exactly the smaller
    of `need` and the capacities of all rows with weight (no capacities: exactly `need`, if any
    weight is positive).

    need: 0 <= need < 2^62. weights, capacities: int64[n], >= 0, weights summing below 2^62.
    Returns int64[n]. Raises: KernelInputError.
    """
    parts = int64s(weights, field="weights")
    require(that=0 <= need < AMOUNT_LIMIT, field="need", reason=f"{need} is outside [0, 2^62)")
    require_rows(parts >= 0, field="weights", reason="must not be negative")
    total = float(parts.astype(np.float64).sum()) * (1.0 + 2.0**-20)
    require(that=total < AMOUNT_LIMIT, field="weights", reason="sum reaches 2^62")
    if capacities is None:
        return _share(need, parts, np.full(parts.shape, need, dtype=np.int64))
    limits = int64s(capacities, field="capacities")
    require(that=limits.shape == parts.shape, field="capacities", reason="one per weight")
    require_rows(limits >= 0, field="capacities", reason="must not be negative")
    return _share(need, parts, np.minimum(limits, need))


def _share(need: int, weights: IntArray, limits: IntArray) -> IntArray:
    """Fill rows that reach their limit, and share the rest anew, until no more reach it."""
    shares = np.zeros_like(weights)
    left, open_rows = need, np.flatnonzero((weights > 0) & (limits > 0))
    while left > 0 and open_rows.size:
        parts = weights[open_rows]
        quotients, remainders = mul_div_down(parts, multiplier=left, divisor=int(parts.sum()))
        full = quotients >= limits[open_rows]
        if not full.any():
            shares[open_rows] = quotients + _first_largest(remainders, left - int(quotients.sum()))
            return shares
        shares[open_rows[full]] = limits[open_rows[full]]
        left -= int(limits[open_rows[full]].sum())
        open_rows = open_rows[~full]
    return shares


def _first_largest(remainders: IntArray, count: int) -> BoolArray:
    """Flags the `count` largest remainders, lower rows first among equals."""
    if count == 0:
        return np.zeros(remainders.shape, dtype=np.bool_)
    threshold = np.partition(remainders, remainders.size - count)[remainders.size - count]
    chosen: BoolArray = remainders > threshold
    equals = np.flatnonzero(remainders == threshold)
    chosen[equals[: count - int(chosen.sum())]] = True
    return chosen
