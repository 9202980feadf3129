"""Books that cannot be true are refused by account and instrument."""

import numpy as np
import pytest

from chains.errors import ChainStateInvalid
from chains.model import (
    AccountColumns,
    Instrument,
    InstrumentKind,
    MarkColumns,
    PositionColumns,
    Right,
    read_only,
)
from chains.venue_checks import check_book

INSTRUMENTS = (
    Instrument(0, InstrumentKind.OPTION, "BTC", 10**10, 10**11, Right.CALL, 10**7),
    Instrument(1, InstrumentKind.PERPETUAL, "BTC", 0, 0, Right.CALL, 10**7),
)


def marks(**changed: list[int]) -> MarkColumns:
    columns = {
        "marks": [7, 9],
        "mm_per_lots": [1, 1],
        "bands": [1, 1],
        "times_s": [100, 100],
        "cumulative_fundings": [0, 0],
    }
    return MarkColumns(**{name: read_only(row) for name, row in (columns | changed).items()})


def book(**changed: list[int]) -> tuple[AccountColumns, PositionColumns]:
    columns = {
        "accounts": [0, 0, 1],
        "instruments": [0, 1, 0],
        "lots": [5, -7, -5],
        "costs": [1, 2, 3],
    }
    positions = {name: read_only(changed.get(name, row)) for name, row in columns.items()}
    zeros = read_only([0, 0])
    accounts = AccountColumns(
        cash=read_only(changed.get("cash", [10, 20])),
        realised_now=zeros,
        realised_prev=zeros,
        windows=zeros,
        counts=read_only([2, 1]),
        flags=zeros,
        owners=np.zeros((2, 20), np.uint8),
        groups=np.zeros((2, 32), np.uint8),
    )
    return accounts, PositionColumns(**positions)


def test_a_sound_book_passes() -> None:
    check_book(*book(), INSTRUMENTS, marks())


def test_an_option_may_be_worth_nothing() -> None:
    check_book(*book(), INSTRUMENTS, marks(marks=[0, 9]))


def test_an_instrument_nobody_holds_needs_no_mark() -> None:
    accounts, positions = book()
    columns = (positions.accounts, positions.instruments, positions.lots, positions.costs)
    first_call_only = PositionColumns(*(column[:1] for column in columns))
    check_book(accounts, first_call_only, INSTRUMENTS, marks(times_s=[1, 0], marks=[7, 0]))


@pytest.mark.parametrize(
    ("changed", "quotes", "complaint"),
    [
        ({"instruments": [0, 2, 0]}, {}, "account 0: instrument 2 is not one of 2 listed"),
        ({"instruments": [0, 0, 0]}, {}, "account 0: instrument 0 is held twice"),
        ({}, {"times_s": [0, 1]}, "account 0: instrument 0 has no mark"),
        ({}, {"times_s": [1, 0]}, "account 0: instrument 1 has no mark"),
        ({}, {"marks": [7, 0]}, "account 0: instrument 1 has no mark"),
        ({"lots": [5, -7, 2**60]}, {}, "account 1: its money and positions exceed"),
        ({"cash": [2**62, 0]}, {}, "account 0: its money and positions exceed"),
        ({"lots": [1, 1, -(2**63)]}, {}, "account 1: its money and positions exceed"),
    ],
)
def test_a_book_that_cannot_be_true_is_refused(
    changed: dict[str, list[int]], quotes: dict[str, list[int]], complaint: str
) -> None:
    with pytest.raises(ChainStateInvalid, match=complaint):
        check_book(*book(**changed), INSTRUMENTS, marks(**quotes))
