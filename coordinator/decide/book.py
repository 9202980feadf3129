"""Positions of venues as the kernels' book: one entry a contract, doubtful instruments left out."""

from collections.abc import Sequence

import numpy as np

from chains.model import ChainState, Columns
from kernels.book import Book, make_book

__all__ = ["book_of", "group_book"]


def book_of(state: ChainState, rows: Columns, *, n_rows: int) -> Book:
    """One venue by account; ``rows[instrument]`` is a table row, -1 where it is in doubt.

    Raises KernelInputError.
    """
    held = state.positions
    return _book(
        held.accounts,
        rows[held.instruments],
        held.lots,
        held.costs,
        n_owners=len(state.accounts),
        n_rows=n_rows,
    )


def group_book(
    chains: Sequence[ChainState], rows: Sequence[Columns], groups: Columns, *, n_rows: int
) -> Book:
    """All venues by group; ``groups`` has one entry an account, venues stacked in order."""
    starts = np.cumsum([0, *(len(chain.accounts) for chain in chains)])[:-1]
    owners = [
        groups[start + chain.positions.accounts]
        for start, chain in zip(starts, chains, strict=True)
    ]
    at = [row[chain.positions.instruments] for row, chain in zip(rows, chains, strict=True)]
    return _book(
        np.concatenate(owners),
        np.concatenate(at),
        np.concatenate([chain.positions.lots for chain in chains]),
        np.concatenate([chain.positions.costs for chain in chains]),
        n_owners=int(groups.max(initial=-1)) + 1,
        n_rows=n_rows,
    )


def _book(
    owners: Columns, at: Columns, lots: Columns, costs: Columns, *, n_owners: int, n_rows: int
) -> Book:
    """Add up what one owner holds in one contract, by owner and table row."""
    kept = np.flatnonzero(at >= 0)
    width = max(n_rows, 1)
    keys = owners[kept] * width + at[kept]
    order = np.argsort(keys, kind="stable")
    merged, firsts = np.unique(keys[order], return_index=True)
    counts = np.bincount(merged // width, minlength=n_owners)
    return make_book(
        account_starts=np.concatenate(([0], np.cumsum(counts))),
        instrument_rows=merged % width,
        lots=_added(lots[kept][order], firsts),
        costs=_added(costs[kept][order], firsts),
        n_instruments=n_rows,
    )


def _added(amounts: Columns, firsts: Columns) -> Columns:
    return np.add.reduceat(amounts, firsts) if len(firsts) else amounts
