"""Scenario margin: the worst weighted loss of each underlying, plus what a grid cannot see.

    MM = mm_factor x sum over underlyings of max(0, worst weighted loss)
       + short_option_min x index notional of net short options
       + vega_contingency x gross Vega$ + basis_contingency x gross Delta$ by expiry
    IM = im_factor x MM

One underlying does not offset another. Short options are netted within one underlying, expiry and
right; Vega$ is the sum of |lots x Vega$| over positions; Delta$ is netted within an expiry, then
added in absolute. Every term is an integer in micro-USD and rounds up.
"""

from dataclasses import dataclass

import numpy as np

from kernels.arrays import Int32Array, IntArray
from kernels.book import (
    Book,
    Split,
    gross,
    make_book,
    split_by,
    sum_segments,
    take_accounts,
    values,
)
from kernels.exactint import add_amounts, mul_ppm_up
from kernels.grid import Grid
from kernels.instruments import OPTION, InstrumentTable
from kernels.scenarios import GreeksTable

__all__ = ["MarginPolicy", "Margins", "RiskTables", "margins", "standalone_mm"]

_PPM = 10**6
_ACCOUNTS_PER_BLOCK = 65536  # keeps the account x scenario intermediate near 50 MB


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginPolicy:
    """The margin numbers of a policy, in ppm."""

    mm_factor_ppm: int
    im_factor_ppm: int
    short_option_min_ppm: int
    vega_contingency_ppm: int
    basis_contingency_ppm: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RiskTables:
    """What one lot of each instrument is worth in every scenario, and its sensitivities.

    values: int64[n_instruments, n_scenarios] micro-USD, from `price_table`.
    """

    values: IntArray
    greeks: GreeksTable


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Margins:
    """By account, in micro-USD, int64[n_accounts] each.

    mm, im: maintenance and initial margin. worst_loss: sum of each underlying's worst weighted
    loss. worst_scenario: int32, that of the underlying which loses most; the base where nothing
    can be lost. base_value: unshocked value of all positions.
    """

    mm: IntArray
    im: IntArray
    worst_loss: IntArray
    worst_scenario: Int32Array
    base_value: IntArray


def margins(
    book: Book,
    instruments: InstrumentTable,
    tables: RiskTables,
    grid: Grid,
    policy: MarginPolicy,
) -> Margins:
    """Margin of every account of the book; an account without positions needs none.

    Raises: KernelInputError naming the account whose amounts leave int64.
    """
    blocks = [
        _block(
            take_accounts(book, slice(start, start + _ACCOUNTS_PER_BLOCK)),
            instruments,
            tables,
            grid,
            policy,
        )
        for start in range(0, max(book.n_accounts, 1), _ACCOUNTS_PER_BLOCK)
    ]
    return Margins(
        mm=np.concatenate([block.mm for block in blocks]),
        im=np.concatenate([block.im for block in blocks]),
        worst_loss=np.concatenate([block.worst_loss for block in blocks]),
        worst_scenario=np.concatenate([block.worst_scenario for block in blocks]),
        base_value=np.concatenate([block.base_value for block in blocks]),
    )


def standalone_mm(
    *, instruments: InstrumentTable, tables: RiskTables, grid: Grid, policy: MarginPolicy
) -> IntArray:
    """Maintenance margin of one lot held alone, the larger of long and short: int64[n_instruments].

    It is the margin of a book with two accounts of one lot per instrument, so that a contract's
    per-lot figure and an account's margin can never come from two formulas.
    """
    n = instruments.n_rows
    one_lot_each = make_book(
        account_starts=np.arange(2 * n + 1),
        instrument_rows=np.tile(np.arange(n), 2),
        lots=np.repeat([1, -1], n),
        costs=np.zeros(2 * n, dtype=np.int64),
        n_instruments=n,
    )
    long, short = margins(one_lot_each, instruments, tables, grid, policy).mm.reshape(2, n)
    return np.maximum(long, short)


def _block(
    book: Book,
    instruments: InstrumentTable,
    tables: RiskTables,
    grid: Grid,
    policy: MarginPolicy,
) -> Margins:
    pieces = split_by(book, instruments.underlying_row)
    outcomes = values(pieces.book, tables.values)
    base = outcomes[:, grid.base].copy()
    worst, scenarios = _worst_losses(outcomes, grid)
    worst_loss = sum_segments(worst, pieces.account_starts)
    loss_term = mul_ppm_up(worst_loss, policy.mm_factor_ppm)
    mm = add_amounts(loss_term, *_contingencies(book, instruments, tables.greeks, policy))
    return Margins(
        mm=mm,
        im=mul_ppm_up(mm, policy.im_factor_ppm),
        worst_loss=worst_loss,
        worst_scenario=_of_largest(pieces, worst, scenarios, nothing=grid.base),
        base_value=sum_segments(base, pieces.account_starts),
    )


def _worst_losses(outcomes: IntArray, grid: Grid) -> tuple[IntArray, IntArray]:
    """Worst weighted loss of each row and the first scenario that has it. Eats `outcomes`."""
    losses = np.subtract(outcomes[:, grid.base, np.newaxis], outcomes, out=outcomes)
    for scenario in np.flatnonzero(grid.weight_ppm != _PPM):
        weight = int(grid.weight_ppm[scenario])
        losses[:, scenario] = mul_ppm_up(losses[:, scenario], weight)
    scenarios = losses.argmax(axis=1)
    worst = np.take_along_axis(losses, scenarios[:, np.newaxis], axis=1)[:, 0]
    return worst, np.where(worst > 0, scenarios, grid.base)


def _of_largest(pieces: Split, worst: IntArray, scenarios: IntArray, *, nothing: int) -> Int32Array:
    """The scenario of each account's first piece with its largest loss; `nothing` without one."""
    n_accounts = pieces.account_starts.size - 1
    found = np.full(n_accounts, nothing, dtype=np.int32)
    filled = np.diff(pieces.account_starts) > 0
    if filled.any():
        starts = pieces.account_starts[:-1][filled]
        largest = np.maximum.reduceat(worst, starts)
        lengths = np.diff(pieces.account_starts)[filled]
        tops = np.flatnonzero(worst == np.repeat(largest, lengths))
        found[filled] = scenarios[tops[np.searchsorted(tops, starts)]]
    return found


def _contingencies(
    book: Book, instruments: InstrumentTable, greeks: GreeksTable, policy: MarginPolicy
) -> tuple[IntArray, IntArray, IntArray]:
    """Short-option minimum, vega and basis contingency of each account, int64[n_accounts]."""
    short_notional, delta = _by_expiry(book, instruments, greeks)
    vega = gross(book, np.abs(greeks.vega_usd_micro)[:, np.newaxis])[:, 0]
    return (
        mul_ppm_up(short_notional, policy.short_option_min_ppm),
        mul_ppm_up(vega, policy.vega_contingency_ppm),
        mul_ppm_up(delta, policy.basis_contingency_ppm),
    )


def _by_expiry(
    book: Book, instruments: InstrumentTable, greeks: GreeksTable
) -> tuple[IntArray, IntArray]:
    """(index notional of net short options, gross Delta$), both netted within an expiry."""
    pieces = split_by(book, instruments.expiry_groups())
    notional, option = greeks.index_notional_micro, instruments.kind == OPTION
    calls = np.where(option & instruments.is_call, notional, 0)
    puts = np.where(option & ~instruments.is_call, notional, 0)
    net = values(pieces.book, np.stack([greeks.delta_usd_micro, calls, puts], axis=1))
    shorts = add_amounts(np.maximum(0, -net[:, 1]), np.maximum(0, -net[:, 2]))
    return (
        sum_segments(shorts, pieces.account_starts),
        sum_segments(np.abs(net[:, 0]), pieces.account_starts),
    )
