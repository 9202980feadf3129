"""Accounts and positions: the bytes of ``slots(from, n)`` <-> columns.

Per account: account word, owner word, group word, then ``count`` position words.
Account word : cash i64 | realisedNow i64 | realisedPrev i64 | window u32 | count u8 | flags u8 |
spare u16. Position word: account u32 | instrument u32 | lots i64 | cost i64 | spare u64.
10^5 positions take a few milliseconds: one pass over the accounts, the rest is NumPy.
"""

import numpy as np
import numpy.typing as npt

from chains.codec.columns import narrow, signed_column, table_of, widen
from chains.codec.fields import FieldOutOfRange
from chains.model import (
    FLAG_BOUND,
    POSITIONS_PER_ACCOUNT_MAX,
    AccountColumns,
    Columns,
    PositionColumns,
)

__all__ = ["decode_slots", "encode_slots"]

_ACCOUNT = np.dtype(
    [
        ("cash", ">i8"),
        ("realised_now", ">i8"),
        ("realised_prev", ">i8"),
        ("window", ">u4"),
        ("count", "u1"),
        ("flags", "u1"),
        ("spare", ">u2"),
    ]
)
_POSITION = np.dtype(
    [
        ("account", ">u4"),
        ("instrument", ">u4"),
        ("lots", ">i8"),
        ("cost", ">i8"),
        ("spare", ">u8"),
    ]
)
_COUNT_BYTE = 28
_HEAD_WORDS = 3
_OWNER_PADDING = 12

_Words = npt.NDArray[np.uint8]
_Rows = npt.NDArray[np.int64]


def decode_slots(raw: bytes, *, accounts: int) -> tuple[AccountColumns, PositionColumns]:
    """Columns of accounts 0 .. ``accounts`` - 1 and their positions.

    Raises FieldOutOfRange naming the account where a count, flag, owner, spare bit or the account
    number inside a position cannot be true, or where the bytes end too early or too late.
    """
    words = table_of("slots", raw)
    heads = _account_rows(raw, accounts=accounts)
    account_words = words[heads].view(_ACCOUNT)[:, 0]
    owners, groups = words[heads + 1], words[heads + 2]
    _check_accounts(account_words, owners)
    is_position = np.ones(len(words), dtype=np.bool_)
    for row in range(_HEAD_WORDS):
        is_position[heads + row] = False
    position_words = words[is_position].view(_POSITION)[:, 0]
    columns = _account_columns(account_words, owners=owners, groups=groups)
    positions = _position_columns(position_words)
    _check_positions(position_words, positions, counts=columns.counts)
    return columns, positions


def encode_slots(accounts: AccountColumns, positions: PositionColumns) -> bytes:
    """Inverse of :func:`decode_slots`; raises FieldOutOfRange."""
    heads = np.arange(len(accounts)) * _HEAD_WORDS + _counts_before(accounts.counts)
    words = np.zeros((_HEAD_WORDS * len(accounts) + len(positions), 32), dtype=np.uint8)
    is_position = np.ones(len(words), dtype=np.bool_)
    for row in range(_HEAD_WORDS):
        is_position[heads + row] = False
    words[heads] = _account_words(accounts)
    words[heads + 1, _OWNER_PADDING:] = accounts.owners
    words[heads + 2] = accounts.groups
    words[is_position] = _position_words(positions)
    return words.tobytes()


def _counts_before(counts: Columns) -> _Rows:
    return np.cumsum(counts) - counts


def _account_rows(raw: bytes, *, accounts: int) -> _Rows:
    counts = raw[_COUNT_BYTE::32]
    heads, row, end = [], 0, len(raw) // 32
    for account in range(accounts):
        if row + _HEAD_WORDS > end:
            raise FieldOutOfRange(f"slots end before account {account} of {accounts}")
        heads.append(row)
        row += _HEAD_WORDS + counts[row]
    if row != end:
        raise FieldOutOfRange(f"slots have {end} words, their {accounts} accounts say {row}")
    return np.array(heads, dtype=np.int64)


def _account_columns(
    words: npt.NDArray[np.void], *, owners: _Words, groups: _Words
) -> AccountColumns:
    owners = np.ascontiguousarray(owners[:, _OWNER_PADDING:])
    owners.setflags(write=False)
    groups.setflags(write=False)
    return AccountColumns(
        cash=signed_column(words["cash"]),
        realised_now=signed_column(words["realised_now"]),
        realised_prev=signed_column(words["realised_prev"]),
        windows=signed_column(words["window"]),
        counts=signed_column(words["count"]),
        flags=signed_column(words["flags"]),
        owners=owners,
        groups=groups,
    )


def _position_columns(words: npt.NDArray[np.void]) -> PositionColumns:
    return PositionColumns(
        accounts=signed_column(words["account"]),
        instruments=signed_column(words["instrument"]),
        lots=signed_column(words["lots"]),
        costs=signed_column(words["cost"]),
    )


def _account_words(accounts: AccountColumns) -> _Words:
    words = np.zeros(len(accounts), dtype=_ACCOUNT)
    words["cash"] = widen("cash", accounts.cash)
    words["realised_now"] = widen("realised_now", accounts.realised_now)
    words["realised_prev"] = widen("realised_prev", accounts.realised_prev)
    words["window"] = narrow("window", accounts.windows, bits=32)
    words["count"] = narrow("count", accounts.counts, bits=8)
    words["flags"] = narrow("flags", accounts.flags, bits=8)
    return words.view(np.uint8).reshape(-1, 32)


def _position_words(positions: PositionColumns) -> _Words:
    words = np.zeros(len(positions), dtype=_POSITION)
    words["account"] = narrow("account", positions.accounts, bits=32)
    words["instrument"] = narrow("instrument", positions.instruments, bits=32)
    words["lots"] = widen("lots", positions.lots)
    words["cost"] = widen("cost", positions.costs)
    return words.view(np.uint8).reshape(-1, 32)


def _check_accounts(words: npt.NDArray[np.void], owners: _Words) -> None:
    _refuse(words["count"] > POSITIONS_PER_ACCOUNT_MAX, "holds more than 16 positions")
    _refuse(words["flags"] & ~np.uint8(FLAG_BOUND) != 0, "has an unknown flag")
    _refuse(words["spare"] != 0, "has bits in the spare field of its word")
    has_padding = owners[:, :_OWNER_PADDING].max(axis=1, initial=0) != 0
    _refuse(has_padding, "has an owner of more than 20 bytes")


def _check_positions(
    words: npt.NDArray[np.void], positions: PositionColumns, *, counts: Columns
) -> None:
    rows = np.repeat(np.arange(len(counts)), counts)
    _refuse(positions.accounts != rows, "holds a position that names another account", rows)
    _refuse(words["spare"] != 0, "holds a position with bits in its spare field", rows)
    _refuse(positions.lots == 0, "holds a position of zero lots", rows)


def _refuse(
    is_wrong: npt.NDArray[np.bool_], what: str, accounts: npt.NDArray[np.int64] | None = None
) -> None:
    if is_wrong.any():
        row = int(np.argmax(is_wrong))
        raise FieldOutOfRange(f"account {row if accounts is None else accounts[row]} {what}")
