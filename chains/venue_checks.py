"""What must be true of a venue's book before anybody computes with it."""

import numpy as np
import numpy.typing as npt

from chains.errors import ChainStateInvalid
from chains.model import (
    AccountColumns,
    Columns,
    Instrument,
    InstrumentKind,
    MarkColumns,
    PositionColumns,
)

__all__ = ["check_book"]

_EXACT_MAX = 1 << 62
"""Half of an int64: sums of an account's money stay exact with room for a shock of the same
size. Compared in float64, whose error is far below the room."""


def check_book(
    accounts: AccountColumns,
    positions: PositionColumns,
    instruments: tuple[Instrument, ...],
    marks: MarkColumns,
) -> None:
    """Raises ChainStateInvalid naming account and instrument.

    A mark of zero is a price (a far option can be worth less than half a micro-USD a lot), except
    for perpetuals and futures; a mark that was never posted has time zero.
    """
    _check_known(positions, listed=len(instruments))
    _check_unique(positions)
    held = positions.instruments
    is_linear = np.array([item.kind is not InstrumentKind.OPTION for item in instruments], bool)
    is_missing = (marks.times_s == 0) | (is_linear & (marks.marks == 0))
    _refuse(is_missing[held], positions, "has no mark")
    _check_magnitude(accounts, positions, marks)


def _check_known(positions: PositionColumns, *, listed: int) -> None:
    _refuse(positions.instruments >= listed, positions, f"is not one of {listed} listed")


def _check_unique(positions: PositionColumns) -> None:
    keys = (positions.accounts << 32) | positions.instruments
    order = np.argsort(keys, kind="stable")
    is_twin = np.zeros(len(keys), dtype=np.bool_)
    is_twin[order[1:]] = keys[order[1:]] == keys[order[:-1]]
    _refuse(is_twin, positions, "is held twice")


def _check_magnitude(
    accounts: AccountColumns, positions: PositionColumns, marks: MarkColumns
) -> None:
    held = positions.instruments
    prices = _size(marks.marks) + _size(marks.cumulative_fundings) + _size(marks.mm_per_lots)
    worth = _size(positions.lots) * prices[held] + _size(positions.costs)
    held_money = np.bincount(positions.accounts, weights=worth, minlength=len(accounts))
    realised = _size(accounts.realised_now) + _size(accounts.realised_prev)
    is_huge = held_money + _size(accounts.cash) + realised >= _EXACT_MAX
    if is_huge.any():
        raise ChainStateInvalid(
            f"account {int(np.argmax(is_huge))}: its money and positions exceed 2^62 micro-USD"
        )


def _size(column: Columns) -> npt.NDArray[np.float64]:
    return np.abs(column.astype(np.float64))


def _refuse(is_wrong: npt.NDArray[np.bool_], positions: PositionColumns, what: str) -> None:
    if is_wrong.any():
        row = int(np.argmax(is_wrong))
        account, instrument = positions.accounts[row], positions.instruments[row]
        raise ChainStateInvalid(f"account {account}: instrument {instrument} {what}")
