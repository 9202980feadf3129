"""Names of the array types and the checks every public kernel makes at its door."""

from typing import Any

import numpy as np
import numpy.typing as npt

from kernels.errors import KernelInputError

__all__ = [
    "BoolArray",
    "FloatArray",
    "Int32Array",
    "IntArray",
    "first_row",
    "float64s",
    "frozen",
    "int64s",
    "require",
    "require_rows",
]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Int32Array = npt.NDArray[np.int32]
BoolArray = npt.NDArray[np.bool_]


def int64s(values: npt.ArrayLike, *, field: str) -> IntArray:
    """`values` as int64, refusing what is not an integer already."""
    array = np.asarray(values)
    if array.size == 0:
        return array.astype(np.int64)
    require(that=array.dtype.kind in "iu", field=field, reason=f"needs integers, not {array.dtype}")
    require(that=array.dtype != np.uint64, field=field, reason="uint64 does not fit in int64")
    return array.astype(np.int64, copy=False)


def float64s(values: npt.ArrayLike) -> FloatArray:
    """`values` as float64."""
    return np.asarray(values, dtype=np.float64)


def frozen(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """A read-only view, so that a value validated once stays valid."""
    view = array.view()
    view.flags.writeable = False
    return view


def first_row(bad: BoolArray) -> int:
    """The first row in which any element of `bad` is set."""
    flat = int(np.argmax(bad))
    return int(np.unravel_index(flat, bad.shape)[0])


def require(*, that: bool, field: str, reason: str) -> None:
    """Refuse the whole argument `field` unless `that` holds.

    Raises: KernelInputError.
    """
    if not that:
        raise KernelInputError(field=field, row=None, reason=reason)


def require_rows(good: BoolArray, *, field: str, reason: str) -> None:
    """Refuse `field` at its first row that is not `good`.

    Raises: KernelInputError naming the row.
    """
    if not good.all():
        raise KernelInputError(field=field, row=first_row(~good), reason=reason)
