"""Who is deleveraged first: one list over all chains, by profit times the risk of the book.

    profit = max(0, u) / max(c, phi e)
    lambda = sum over underlyings of (w_d |d| + w_g curv + w_v |v|) / e
    score = profit x lambda        (not ranked where e <= 0 or u <= 0)

d = Delta$ x s; curv = max(0, -(V(+s) - V0 - d), -(V(-s) - V0 + d)); v = sum of Vega$ x s_vol(T).
Amounts are added as integers; floats begin at the quotients, in a fixed order of + - * and /, and
end in a 40-bit integer, so the order is the same everywhere.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kernels.arrays import BoolArray, FloatArray, IntArray, int64s, require, require_rows
from kernels.book import Book, Split, split_by, values
from kernels.exactint import add_amounts, mul_ppm_toward_zero
from kernels.grid import Grid, vol_shocks_ppm
from kernels.instruments import InstrumentTable
from kernels.margin import RiskTables

__all__ = [
    "RiskTerms",
    "RiskWeights",
    "Scores",
    "order",
    "risk_terms",
    "scenario_scores",
    "score40",
    "scores",
]

_PPM = 10**6
_ROW_BITS = 24
_SCORE_BITS = 40
_SCORE_HIGHEST = (1 << _SCORE_BITS) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskWeights:
    """phi, w_d, w_g, w_v of the score in ppm. phi must be positive: it bounds profit / c."""

    phi_ppm: int
    delta_ppm: int
    curvature_ppm: int
    vega_ppm: int


@dataclass(frozen=True, slots=True, eq=False)
class RiskTerms:
    """By piece (account and underlying), int64[n_pieces] micro-USD; `pieces` says whose they are.

    d: loss or gain to first order at +s. curv: what convexity can cost beyond it. v: at the
    volatility shock.
    """

    pieces: Split
    d: IntArray
    curv: IntArray
    v: IntArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scores:
    """By row: the parts, their product and whether the row is ranked at all (else all are 0)."""

    profit: FloatArray
    leverage: FloatArray
    score: FloatArray
    is_ranked: BoolArray


def risk_terms(
    book: Book,
    instruments: InstrumentTable,
    tables: RiskTables,
    grid: Grid,
    *,
    spot_shock_ppm: int,
    vol_shock_ppm: int,
) -> RiskTerms:
    """d, curv and v of every account and underlying.

    spot_shock_ppm: s > 0; +s and -s must be nodes of the grid. Raises: KernelInputError.
    """
    pieces = split_by(book, instruments.underlying_row)
    shocks = vol_shocks_ppm(years=instruments.years, shock_ppm=vol_shock_ppm, power=grid.vol_power)
    up, down = grid.row_of_spot(spot_shock_ppm), grid.row_of_spot(-spot_shock_ppm)
    columns = [
        tables.greeks.delta_usd_micro,
        tables.values[:, up] - tables.values[:, grid.base],
        tables.values[:, down] - tables.values[:, grid.base],
        _vega_at_shock(tables.greeks.vega_usd_micro, shocks),
    ]
    delta, change_up, change_down, v = values(pieces.book, np.stack(columns, axis=1)).T
    d = mul_ppm_toward_zero(delta, spot_shock_ppm)
    curv = np.maximum(0, np.maximum(d - change_up, -d - change_down))
    return RiskTerms(pieces, d, curv, v)


def _vega_at_shock(vega_usd_micro: IntArray, shocks_ppm: IntArray) -> IntArray:
    """Vega$ x s_vol(T) of one lot toward zero; times shared by an expiry are multiplied at once."""
    product = np.zeros_like(vega_usd_micro)
    for shock in np.unique(shocks_ppm):
        rows = shocks_ppm == shock
        product[rows] = mul_ppm_toward_zero(vega_usd_micro[rows], int(shock))
    return product


def scores(
    *,
    u: npt.ArrayLike,
    c: npt.ArrayLike,
    e: npt.ArrayLike,
    d: npt.ArrayLike,
    curv: npt.ArrayLike,
    v: npt.ArrayLike,
    weights: RiskWeights,
) -> Scores:
    """The `risk_adjusted` score of each row.

    u, c, e: profit, principal and equity, int64[n] micro-USD. d, curv, v: int64[n], or
    int64[n, n_underlyings] whose absolutes are added over underlyings.
    Raises: KernelInputError.
    """
    e_micro = int64s(e, field="e")
    amounts = [
        _absolute_sums(term, field, weight, e_micro.shape)
        for term, field, weight in (
            (d, "d", weights.delta_ppm),
            (curv, "curv", weights.curvature_ppm),
            (v, "v", weights.vega_ppm),
        )
    ]
    risk = (amounts[0] + amounts[1] + amounts[2]) / _PPM
    return _scores(u=u, c=c, e_micro=e_micro, risk=risk, phi_ppm=weights.phi_ppm)


def scenario_scores(
    *,
    u: npt.ArrayLike,
    c: npt.ArrayLike,
    e: npt.ArrayLike,
    worst_loss: npt.ArrayLike,
    phi_ppm: int,
) -> Scores:
    """The `scenario` variant: lambda is the worst scenario loss over equity; int64[n] micro-USD."""
    e_micro = int64s(e, field="e")
    risk = _absolute_sums(worst_loss, "worst_loss", 1, e_micro.shape)
    return _scores(u=u, c=c, e_micro=e_micro, risk=risk, phi_ppm=phi_ppm)


def _absolute_sums(
    terms: npt.ArrayLike, field: str, weight_ppm: int, shape: tuple[int, ...]
) -> FloatArray:
    """weight x sum of |term| over underlyings: the sum in integers, the product in float64."""
    amounts = np.abs(int64s(terms, field=field))
    sums = amounts if amounts.ndim == 1 else add_amounts(*amounts.T)
    require(that=sums.shape == shape, field=field, reason=f"needs one row per row of e, {shape}")
    return sums.astype(np.float64) * float(weight_ppm)


def _scores(
    *, u: npt.ArrayLike, c: npt.ArrayLike, e_micro: IntArray, risk: FloatArray, phi_ppm: int
) -> Scores:
    require(that=phi_ppm > 0, field="phi_ppm", reason="must be positive")
    u_micro, c_micro = int64s(u, field="u"), int64s(c, field="c")
    is_ranked = (e_micro > 0) & (u_micro > 0)
    equity = np.where(is_ranked, e_micro, 1).astype(np.float64)
    floor = equity * float(phi_ppm) / _PPM
    principal = c_micro.astype(np.float64)
    profit = u_micro / np.where(principal > floor, principal, floor)
    leverage = risk / equity
    return Scores(
        profit=np.where(is_ranked, profit, 0.0),
        leverage=np.where(is_ranked, leverage, 0.0),
        score=np.where(is_ranked, profit * leverage, 0.0),
        is_ranked=is_ranked,
    )


def score40(score: npt.ArrayLike) -> npt.NDArray[np.uint64]:
    """The upper 40 of the 63 bits of non-negative doubles: monotone, 2^-29 relative, uint64[n].

    Raises: KernelInputError naming the first score that is negative, infinite or NaN.
    """
    numbers = np.asarray(score, dtype=np.float64) + 0.0  # -0 becomes 0
    good = (numbers >= 0.0) & (numbers < np.inf)
    require_rows(good, field="score", reason="negative or not finite")
    return numbers.view(np.uint64) >> np.uint64(63 - _SCORE_BITS)


def order(score40s: npt.NDArray[np.uint64], is_ranked: npt.ArrayLike | None = None) -> IntArray:
    """Rows from the highest score down, ties by lower row; rows not ranked are left out.

    score40s: uint64[n], n <= 2^24, rows in AccountId order. Returns int64[n_ranked].
    The key carries the tie-break, so a plain sort of values gives the total order.
    Raises: KernelInputError.
    """
    require(
        that=score40s.size <= 1 << _ROW_BITS, field="score40s", reason="more than 2^24 rows a list"
    )
    require_rows(score40s <= _SCORE_HIGHEST, field="score40s", reason="exceeds 40 bits")
    keys = (np.uint64(_SCORE_HIGHEST) - score40s) << np.uint64(_ROW_BITS)
    keys |= np.arange(keys.size, dtype=np.uint64)
    if is_ranked is not None:
        keys = keys[np.asarray(is_ranked, dtype=np.bool_)]
    keys.sort()
    return (keys & np.uint64((1 << _ROW_BITS) - 1)).astype(np.int64)
