"""The volatility smile: raw SVI in log-moneyness, linear in total variance between expiries.

Everything here uses exactly rounded operations only, so the same integers in a snapshot give the
same volatilities everywhere. Raw SVI is Gatheral's w(k) = a + b (rho (k - m) + sqrt((k - m)^2 +
sigma^2)), with k = ln(K/F) and w = vol^2 x years.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kernels.arrays import FloatArray, IntArray, float64s, int64s, require, require_rows
from kernels.exact import log_ratio

__all__ = [
    "TermBrackets",
    "from_ppt",
    "interpolate",
    "log_moneyness",
    "svi_total_variance",
    "term_brackets",
    "vol_from_total_variance",
]

_PPT = 1e12


@dataclass(frozen=True, slots=True)
class TermBrackets:
    """For each time, the two nodes around it: value = lower + (upper - lower) x fraction.

    lower_rows, upper_rows: int64; a lower row of -1 is the origin, where the value is that at
    time zero. fractions: float64; exactly 0 on a node, above 1 beyond the last one.
    """

    lower_rows: IntArray
    upper_rows: IntArray
    fractions: FloatArray


def from_ppt(integers: npt.ArrayLike) -> FloatArray:
    """SVI parameters from integers x 1e-12: one division, hence one rounding, each."""
    return int64s(integers, field="integers").astype(np.float64) / _PPT


def log_moneyness(*, strikes: npt.ArrayLike, forwards: npt.ArrayLike) -> FloatArray:
    """k = ln(K/F); arrays broadcast together, all positive; canonical NaN elsewhere."""
    return log_ratio(strikes, forwards)


def svi_total_variance(
    *,
    k: npt.ArrayLike,
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    rho: npt.ArrayLike,
    m: npt.ArrayLike,
    sigma: npt.ArrayLike,
) -> FloatArray:
    """Total variance w(k) of raw SVI; arrays broadcast together, parameters as fractions."""
    centred = float64s(k) - float64s(m)
    root = np.sqrt(centred * centred + float64s(sigma) * float64s(sigma))
    return float64s(a) + float64s(b) * (float64s(rho) * centred + root)


def term_brackets(*, years: npt.ArrayLike, node_years: npt.ArrayLike) -> TermBrackets:
    """Where each of `years` lies among the nodes, for linear interpolation in time.

    Before the first node the line starts at the origin, so total variance is w1 t/T1. Beyond the
    last node the last segment goes on, which is a flat forward variance.

    years: float64[n], >= 0. node_years: float64[n_nodes], > 0 and strictly rising.
    Raises: KernelInputError.
    """
    times, nodes = float64s(years), float64s(node_years)
    require(that=nodes.size > 0, field="node_years", reason="is empty: an underlying has no expiry")
    require_rows(nodes > 0.0, field="node_years", reason="must be positive")
    require_rows(np.diff(nodes) > 0.0, field="node_years", reason="must rise strictly")
    lower = np.minimum(np.searchsorted(nodes, times, side="right") - 1, nodes.size - 1)
    on_node = (lower >= 0) & (nodes[lower] == times)
    beyond = (lower == nodes.size - 1) & ~on_node
    lower = np.where(beyond, lower - 1, lower)
    upper = np.where(on_node, lower, lower + 1)
    starts = np.where(lower >= 0, nodes[lower], 0.0)
    widths = np.where(on_node, 1.0, nodes[upper] - starts)
    return TermBrackets(lower, upper, (times - starts) / widths)


def interpolate(
    *, at_lower: npt.ArrayLike, at_upper: npt.ArrayLike, fractions: npt.ArrayLike
) -> FloatArray:
    """lower + (upper - lower) x fraction; equals `at_lower` exactly where the fraction is 0."""
    lower = float64s(at_lower)
    return lower + (float64s(at_upper) - lower) * float64s(fractions)


def vol_from_total_variance(*, total_variances: npt.ArrayLike, years: npt.ArrayLike) -> FloatArray:
    """vol = sqrt(w / years), a fraction per sqrt(year); 0 where w or years is not positive."""
    variances, times = np.broadcast_arrays(float64s(total_variances), float64s(years))
    usable = (variances > 0.0) & (times > 0.0)
    return np.sqrt(np.where(usable, variances, 0.0) / np.where(usable, times, 1.0))
