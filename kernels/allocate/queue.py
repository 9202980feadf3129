"""First in the ranking pays first, up to its capacity."""

import numpy as np
import numpy.typing as npt

from kernels.arrays import IntArray, int64s, require, require_rows
from kernels.exactint import AMOUNT_LIMIT

__all__ = ["queue"]


def queue(*, need: int, capacities: npt.ArrayLike) -> IntArray:
    """Exhaust each capacity before touching the next; the sum is min(need, sum of capacities).

    need: 0 <= need < 2^62. capacities: int64[n], >= 0, in ranking order. Returns int64[n].
    Raises: KernelInputError.
    """
    limits = int64s(capacities, field="capacities")
    require(that=0 <= need < AMOUNT_LIMIT, field="need", reason=f"{need} is outside [0, 2^62)")
    require_rows(limits >= 0, field="capacities", reason="must not be negative")
    taken = np.minimum(limits, need)
    # Sums may wrap beyond the row that meets the need, never before it: both addends are < 2^62.
    reached = np.cumsum(taken)
    met = np.flatnonzero(reached >= need)
    if met.size:
        last = int(met[0])
        taken[last] -= int(reached[last]) - need
        taken[last + 1 :] = 0
    return taken
