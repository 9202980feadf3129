"""The figures of :mod:`chains.ledger.account` for a whole book at once, exact in int64.

Every product is checked in floating point first: an account whose absolute terms sum to less
than 2^62 cannot overflow an int64, whatever the order of summation.
"""

import numpy as np
import numpy.typing as npt

from chains.errors import ChainStateInvalid
from chains.ledger.account import Quote, window_of
from chains.model import ChainState, Columns, InstrumentKind

__all__ = [
    "equities",
    "haircut_limits",
    "maintenance_margins",
    "profits",
    "quotes_of",
    "rolled_realised",
    "unrealised_profits",
]

_EXACT_MAX = float(2**62)

Floats = npt.NDArray[np.float64]


def quotes_of(state: ChainState) -> tuple[Quote, ...]:
    """Row number = instrument number, for the functions on single accounts."""
    marks = state.marks
    return tuple(
        Quote(listed.kind, listed.expiry_s, mark, funding, band, mm_per_lot, time_s)
        for listed, mark, funding, band, mm_per_lot, time_s in zip(
            state.instruments,
            marks.marks.tolist(),
            marks.cumulative_fundings.tolist(),
            marks.bands.tolist(),
            marks.mm_per_lots.tolist(),
            marks.times_s.tolist(),
            strict=True,
        )
    )


def equities(state: ChainState) -> Columns:
    """Equity by account, shape (n,); raises ChainStateInvalid naming an account out of range."""
    held = state.positions
    worth = _values(state) - np.where(_is_option(state)[held.instruments], 0, held.costs)
    return state.accounts.cash + _by_account(state, worth)


def unrealised_profits(state: ChainState) -> Columns:
    """sum(lots x price - cost) by account, shape (n,); raises ChainStateInvalid."""
    return _by_account(state, _values(state) - state.positions.costs)


def profits(state: ChainState, now_s: int) -> Columns:
    """Unrealised plus rolling realised profit at ``now_s``, shape (n,).

    ``now_s`` must not lie in an earlier window than any account: use at least the block's
    timestamp. Raises ChainStateInvalid.
    """
    now, prev = rolled_realised(state, now_s)
    return unrealised_profits(state) + now + prev


def haircut_limits(state: ChainState, now_s: int) -> Columns:
    """max(0, min(profit, equity)) by account, shape (n,); raises ChainStateInvalid."""
    return np.maximum(0, np.minimum(profits(state, now_s), equities(state)))


def rolled_realised(state: ChainState, now_s: int) -> tuple[Columns, Columns]:
    """Realised profit of the window of ``now_s`` and the one before, shapes (n,).

    The rule is :func:`chains.ledger.account.roll`. Raises ChainStateInvalid.
    """
    accounts = state.accounts
    now, prev = accounts.realised_now, accounts.realised_prev
    steps = window_of(now_s) - accounts.windows
    _refuse(state, steps < 0, f"was rolled in a later window than that of {now_s}")
    size = np.abs(now.astype(np.float64)) + np.abs(prev.astype(np.float64))
    _refuse(state, size >= _EXACT_MAX, "has realised profit beyond 2^62")
    older = np.where(accounts.counts > 0, np.minimum(0, prev), 0)
    newer = np.where(steps == 1, now, np.where(accounts.counts > 0, np.minimum(0, now), 0))
    has_swapped = steps % 2 == 1
    return (
        np.where(steps == 0, now, np.where(has_swapped, older, newer)),
        np.where(steps == 0, prev, np.where(has_swapped, newer, older)),
    )


def maintenance_margins(state: ChainState) -> Columns:
    """The venue's own margin sum(|lots| x mm_per_lot), shape (n,); raises ChainStateInvalid."""
    held = state.positions
    per_lot = state.marks.mm_per_lots[held.instruments]
    size: Floats = np.abs(held.lots.astype(np.float64)) * per_lot.astype(np.float64)
    _refuse(state, _float_by_account(state, size) >= _EXACT_MAX, "has a margin beyond 2^62")
    return _by_account(state, np.abs(held.lots) * per_lot)


def _values(state: ChainState) -> Columns:
    """lots x price by position, after checking that no account can overflow."""
    held, marks = state.positions, state.marks
    fundings = np.where(_is_option(state), 0, marks.cumulative_fundings)
    sizes = (np.abs(marks.marks.astype(np.float64)) + np.abs(fundings.astype(np.float64)))[
        held.instruments
    ]
    terms = np.abs(held.lots.astype(np.float64)) * sizes + np.abs(held.costs.astype(np.float64))
    total = _float_by_account(state, terms) + np.abs(state.accounts.cash.astype(np.float64))
    _refuse(state, total >= _EXACT_MAX, "holds more than 2^62 micro-USD")
    return held.lots * (marks.marks - fundings)[held.instruments]


def _is_option(state: ChainState) -> npt.NDArray[np.bool_]:
    kinds = [listed.kind is InstrumentKind.OPTION for listed in state.instruments]
    return np.array(kinds, dtype=np.bool_)


def _by_account(state: ChainState, terms: Columns) -> Columns:
    """Sum by account through one running total, which may wrap: its differences do not."""
    total: Columns = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(terms)))
    ends = np.cumsum(state.accounts.counts)
    if len(terms) != (int(ends[-1]) if len(ends) else 0):
        raise ChainStateInvalid(
            f"chain {state.chain_id}: position counts do not add up to {len(terms)} positions"
        )
    sums: Columns = total[ends] - total[ends - state.accounts.counts]
    return sums


def _float_by_account(state: ChainState, terms: Floats) -> Floats:
    rows = state.positions.accounts
    return np.bincount(rows, terms, minlength=len(state.accounts)).astype(np.float64)


def _refuse(state: ChainState, wrong: npt.NDArray[np.bool_], why: str) -> None:
    if wrong.any():
        account = state.account_id(int(np.flatnonzero(wrong)[0]))
        raise ChainStateInvalid(f"account {account} {why}; leave this chain out")
