"""Positions as structure of arrays, CSR by account, and their exact product with a value table.

The product book @ table is done in float64 where sum |lots| x |value| stays below 2^53: every
partial sum is then an exact integer, so order, threads and FMA cannot change it, and BLAS may do
the work. Otherwise the very same product runs in int64. The integers are identical.
"""

from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from kernels.arrays import Int32Array, IntArray, frozen, int64s, require, require_rows
from kernels.exactint import AMOUNT_LIMIT

__all__ = [
    "Book",
    "Split",
    "account_costs",
    "gross",
    "make_book",
    "split_by",
    "sum_segments",
    "take_accounts",
    "values",
]

_Number = TypeVar("_Number", np.int64, np.float64)

_EXACT_FLOAT_LIMIT = 2**53
_FEW_COLUMNS = 8
_CHUNK = 2048  # gathered table rows (256 B each) that stay in the second-level cache
_SAFETY = 1.0 + 2.0**-20  # more than a float64 sum of 2^31 terms can lose


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Book:
    """Positions of many accounts; make it with `make_book`, which validates it once.

    account_starts: int64[n_accounts + 1]; account i owns positions starts[i] to starts[i + 1].
    instrument_rows: int32[n_positions], strictly rising within an account.
    lots, costs: int64[n_positions], signed lots and the micro-USD paid for the whole position.
    n_instruments: rows a table must have. gross_lots_max: greatest sum |lots| of one account.
    """

    account_starts: IntArray
    instrument_rows: Int32Array
    lots: IntArray
    costs: IntArray
    n_instruments: int
    gross_lots_max: int

    @property
    def n_accounts(self) -> int:
        """Number of accounts, empty ones included."""
        return self.account_starts.size - 1


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """A book cut at every change of an instrument group; each piece is an account of `book`.

    account_starts: int64[n_accounts + 1]; account i of the uncut book owns these pieces.
    groups: int64[n_pieces], the group of each piece.
    """

    book: Book
    account_starts: IntArray
    groups: IntArray


def make_book(
    *,
    account_starts: npt.ArrayLike,
    instrument_rows: npt.ArrayLike,
    lots: npt.ArrayLike,
    costs: npt.ArrayLike,
    n_instruments: int,
) -> Book:
    """A validated, read-only Book.

    Raises: KernelInputError naming the field and row that is out of order, out of range, or whose
    account holds 2^62 lots or micro-USD of cost in sum of absolutes.
    """
    starts = int64s(account_starts, field="account_starts")
    rows = int64s(instrument_rows, field="instrument_rows")
    sizes, paid = int64s(lots, field="lots"), int64s(costs, field="costs")
    _check_starts(starts, rows.size)
    for field, column in (("lots", sizes), ("costs", paid)):
        require(
            that=column.shape == rows.shape, field=field, reason="length differs from the rows'"
        )
    in_range = (rows >= 0) & (rows < n_instruments)
    require_rows(in_range, field="instrument_rows", reason=f"outside [0, {n_instruments})")
    _check_order(starts, rows)
    _refuse_overflow(paid, starts)
    gross_lots = sum_segments(np.abs(sizes), starts)
    return Book(
        account_starts=frozen(starts),
        instrument_rows=frozen(rows.astype(np.int32)),
        lots=frozen(sizes),
        costs=frozen(paid),
        n_instruments=n_instruments,
        gross_lots_max=int(gross_lots.max(initial=0)),
    )


def _check_starts(starts: IntArray, n_positions: int) -> None:
    require(
        that=starts.size > 0 and starts[0] == 0, field="account_starts", reason="must begin with 0"
    )
    require_rows(np.diff(starts) >= 0, field="account_starts", reason="must not fall")
    require(
        that=starts[-1] == n_positions,
        field="account_starts",
        reason=f"ends at {starts[-1]} but there are {n_positions} positions",
    )


def _check_order(starts: IntArray, rows: IntArray) -> None:
    rises = np.ones(rows.size, dtype=np.bool_)
    rises[1:] = np.diff(rows) > 0
    rises[starts[:-1][starts[:-1] < rows.size]] = True
    require_rows(rises, field="instrument_rows", reason="must rise strictly within an account")


def sum_segments(amounts: npt.NDArray[_Number], starts: IntArray) -> npt.NDArray[_Number]:
    """Sums of amounts[starts[i]:starts[i + 1]], 0 for an empty segment; amounts is 1-D.

    Raises: KernelInputError naming the first segment whose sum of absolutes may reach 2^62.
    """
    if amounts.dtype == np.int64:
        _refuse_overflow(amounts, starts)
    sums = np.zeros(starts.size - 1, dtype=amounts.dtype)
    filled = starts[:-1] < starts[1:]
    if filled.any():
        sums[filled] = np.add.reduceat(amounts, starts[:-1][filled])
    return sums


def _refuse_overflow(amounts: npt.NDArray[_Number], starts: IntArray) -> None:
    sizes = np.abs(amounts.astype(np.float64))
    longest = int(np.diff(starts).max(initial=0))
    if longest * float(sizes.max(initial=0.0)) * _SAFETY >= AMOUNT_LIMIT:
        fits = sum_segments(sizes, starts) * _SAFETY < AMOUNT_LIMIT
        require_rows(fits, field="accounts", reason="its sum of absolutes may reach 2^62")


def account_costs(book: Book) -> IntArray:
    """Micro-USD paid for all positions of each account, int64[n_accounts]; PnL = value - cost."""
    return sum_segments(book.costs, book.account_starts)


def take_accounts(book: Book, accounts: slice) -> Book:
    """The book of a contiguous run of accounts, as views."""
    starts = book.account_starts[accounts.start : accounts.stop + 1]
    positions = slice(int(starts[0]), int(starts[-1]))
    return replace(
        book,
        account_starts=starts - starts[0],
        instrument_rows=book.instrument_rows[positions],
        lots=book.lots[positions],
        costs=book.costs[positions],
    )


def split_by(book: Book, groups: npt.ArrayLike) -> Split:
    """Cut every account at each change of group: by underlying, or by underlying and expiry.

    groups: int64[n_instruments], never falling, so that a group of an account is contiguous.
    Raises: KernelInputError.
    """
    group_of = int64s(groups, field="groups")
    require(that=group_of.size == book.n_instruments, field="groups", reason="one per instrument")
    require_rows(np.diff(group_of) >= 0, field="groups", reason="must not fall")
    held = group_of[book.instrument_rows]
    begins = np.ones(held.size, dtype=np.bool_)
    begins[1:] = np.diff(held) != 0
    begins[book.account_starts[:-1][book.account_starts[:-1] < held.size]] = True
    firsts = np.flatnonzero(begins)
    pieces = replace(book, account_starts=np.append(firsts, held.size))
    return Split(pieces, np.searchsorted(firsts, book.account_starts), held[firsts])


def values(book: Book, table: npt.ArrayLike) -> IntArray:
    """sum of lots x table[row] for every account and column, exact: int64[n_accounts, n_columns].

    table: int64[n_instruments, n_columns], an amount per lot.
    Raises: KernelInputError naming the account whose sum |lots| x |amount| may reach 2^62.
    """
    amounts = int64s(table, field="table")
    shape_fits = amounts.ndim == 2 and amounts.shape[0] == book.n_instruments
    require(
        that=shape_fits, field="table", reason=f"needs {book.n_instruments} rows and 2 dimensions"
    )
    sums = np.zeros((book.n_accounts, amounts.shape[1]), dtype=np.int64)
    largest = _largest_sum(book, amounts)
    if amounts.shape[1] <= _FEW_COLUMNS:
        _add_columns(book, amounts, sums)
    elif largest < _EXACT_FLOAT_LIMIT:
        _add_products(book, book.lots.astype(np.float64), amounts.astype(np.float64), sums)
    else:
        _add_products(book, book.lots, amounts, sums)
    return sums


def gross(book: Book, table: npt.ArrayLike) -> IntArray:
    """sum of |lots| x table[row], in the shapes and limits of `values`."""
    return values(replace(book, lots=np.abs(book.lots)), table)


def _largest_sum(book: Book, amounts: IntArray) -> float:
    """An upper bound of sum |lots| x |amount| over accounts; the cheap bound is tried first."""
    sizes = np.abs(amounts.astype(np.float64)).max(axis=1, initial=0.0)
    coarse = book.gross_lots_max * float(sizes.max(initial=0.0)) * _SAFETY
    if coarse < _EXACT_FLOAT_LIMIT:
        return coarse
    products = np.abs(book.lots.astype(np.float64)) * sizes[book.instrument_rows]
    sums = sum_segments(products, book.account_starts) * _SAFETY
    require_rows(sums < AMOUNT_LIMIT, field="accounts", reason="lots x value may reach 2^62")
    return float(sums.max(initial=0.0))


def _add_columns(book: Book, table: IntArray, sums: IntArray) -> None:
    """One gather and one segmented sum a column: quicker than matrices of a handful of columns."""
    for column, amounts in enumerate(table.T):
        products = np.ascontiguousarray(amounts)[book.instrument_rows]
        products *= book.lots
        sums[:, column] = sum_segments(products, book.account_starts)


def _add_products(
    book: Book, lots: npt.NDArray[_Number], table: npt.NDArray[_Number], sums: IntArray
) -> None:
    """Accounts with equally many positions are one batch of small matrix products."""
    lengths = np.diff(book.account_starts)
    order = np.argsort(lengths, kind="stable")
    changes = np.flatnonzero(np.diff(lengths[order])) + 1
    rows = book.instrument_rows.astype(np.intp)
    for alike in np.split(order, changes):
        length = int(lengths[alike[0]]) if alike.size else 0
        for start in range(0, length, _CHUNK):
            width = min(_CHUNK, length - start)
            firsts = book.account_starts[alike] + start
            _add_alike(alike, firsts, width, rows, lots, table, sums)


def _add_alike(
    accounts: IntArray,
    firsts: IntArray,
    width: int,
    rows: npt.NDArray[np.intp],
    lots: npt.NDArray[_Number],
    table: npt.NDArray[_Number],
    sums: IntArray,
) -> None:
    """Add `width` positions from `firsts` on of each account, as many accounts as fit a chunk."""
    batch = _CHUNK // width
    gathered = np.empty((min(batch, accounts.size) * width, table.shape[1]), dtype=table.dtype)
    for start in range(0, accounts.size, batch):
        some = slice(start, start + batch)
        positions = (firsts[some, np.newaxis] + np.arange(width)).reshape(-1)
        amounts = gathered[: positions.size]
        # mode="clip" skips a check that make_book has already done.
        np.take(table, rows[positions], axis=0, mode="clip", out=amounts)
        left = lots[positions].reshape(-1, 1, width)
        right = amounts.reshape(-1, width, table.shape[1])
        sums[accounts[some]] += np.matmul(left, right)[:, 0].astype(np.int64, copy=False)
