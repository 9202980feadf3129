"""Raw words as NumPy tables, and int64 columns that are sure to fit where they go."""

import numpy as np
import numpy.typing as npt

from chains.codec.fields import FieldOutOfRange
from chains.model import Columns

__all__ = ["INT64_MAX", "narrow", "signed_column", "table_of", "unsigned_column", "widen"]

INT64_MAX = (1 << 63) - 1


def table_of(name: str, raw: bytes) -> npt.NDArray[np.uint8]:
    """Whole 32-byte words as a read-only table of shape (words, 32)."""
    if len(raw) % 32:
        raise FieldOutOfRange(f"{name}: {len(raw)} bytes are no whole number of 32-byte words")
    return np.frombuffer(raw, dtype=np.uint8).reshape(-1, 32)


def signed_column(field: npt.NDArray[np.generic]) -> Columns:
    """A field of at most 63 unsigned or 64 signed bits as a read-only int64 column."""
    column = field.astype(np.int64)
    column.setflags(write=False)
    return column


def unsigned_column(name: str, field: npt.NDArray[np.generic]) -> Columns:
    """A u64 field as int64; raises FieldOutOfRange naming the row that does not fit."""
    column = field.astype(np.int64)
    if len(column) and column.min() < 0:
        row = int(np.argmax(column < 0))
        raise FieldOutOfRange(f"{name} of row {row} is above 2^63 - 1")
    column.setflags(write=False)
    return column


def widen(name: str, column: Columns) -> Columns:
    """An int64 column for an i64 field; refuses any other element type."""
    if column.dtype != np.int64:
        raise FieldOutOfRange(f"column {name} has type {column.dtype}, int64 is needed")
    return column


def narrow(name: str, column: Columns, *, bits: int) -> Columns:
    """An int64 column for an unsigned field; raises FieldOutOfRange naming the row."""
    limit = INT64_MAX if bits == 64 else (1 << bits) - 1
    is_wrong = (widen(name, column) < 0) | (column > limit)
    if is_wrong.any():
        row = int(np.argmax(is_wrong))
        raise FieldOutOfRange(f"{name} of row {row} = {column[row]} does not fit uint{bits}")
    return column
