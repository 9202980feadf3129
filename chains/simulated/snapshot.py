"""Simulated contracts as the columns a reader would get from a real venue."""

from hashlib import sha256

import numpy as np
import numpy.typing as npt

from chains.codec.slots import encode_slots
from chains.ledger import Account
from chains.model import (
    FLAG_BOUND,
    NO_GROUP,
    AccountColumns,
    BlockRef,
    ChainState,
    Funds,
    MarkColumns,
    PositionColumns,
    read_only,
)
from chains.simulated.gate import bucket_available
from chains.simulated.reserve import free
from chains.simulated.state import BookState, Contracts

__all__ = ["chain_state"]


def chain_state(contracts: Contracts, block: BlockRef) -> ChainState:
    """The venue after ``block``."""
    terms, book = contracts.terms, contracts.book
    accounts, positions = _account_columns(book), _position_columns(book)
    return ChainState(
        chain_id=terms.chain_id,
        gate=terms.gate,
        reserve=terms.reserve,
        block=block,
        accounts=accounts,
        positions=positions,
        instruments=book.instruments,
        marks=_mark_columns(book),
        funds=_funds(contracts, block.timestamp_s),
        slots_digest=sha256(encode_slots(accounts, positions)).digest(),
    )


def _account_columns(book: BookState) -> AccountColumns:
    held = [book.accounts[number] for number in range(len(book.accounts))]
    numbers = range(len(held))
    return AccountColumns(
        cash=read_only([account.cash for account in held]),
        realised_now=read_only([account.realised_now for account in held]),
        realised_prev=read_only([account.realised_prev for account in held]),
        windows=read_only([account.window for account in held]),
        counts=read_only([len(account.positions) for account in held]),
        flags=read_only([_flags(account) for account in held]),
        owners=_bytes_table([book.owners[number] for number in numbers], width=20),
        groups=_bytes_table([book.groups.get(number, NO_GROUP) for number in numbers], width=32),
    )


def _flags(account: Account) -> int:
    return FLAG_BOUND if account.bound else 0


def _position_columns(book: BookState) -> PositionColumns:
    rows = [
        (number, position)
        for number in range(len(book.accounts))
        for position in book.accounts[number].positions
    ]
    return PositionColumns(
        accounts=read_only([number for number, _ in rows]),
        instruments=read_only([position.instrument for _, position in rows]),
        lots=read_only([position.lots for _, position in rows]),
        costs=read_only([position.cost for _, position in rows]),
    )


def _mark_columns(book: BookState) -> MarkColumns:
    quotes = [book.quotes[listed.instrument] for listed in book.instruments]
    return MarkColumns(
        marks=read_only([quote.mark for quote in quotes]),
        mm_per_lots=read_only([quote.mm_per_lot for quote in quotes]),
        bands=read_only([quote.band for quote in quotes]),
        times_s=read_only([quote.time_s for quote in quotes]),
        cumulative_fundings=read_only([quote.cumulative_funding for quote in quotes]),
    )


def _funds(contracts: Contracts, now_s: int) -> Funds:
    terms, gate, lines = contracts.terms, contracts.gate, contracts.reserve.lines
    return Funds(
        insurance_micro=contracts.book.insurance,
        reserve_free_micro=free(contracts),
        bucket_micro=bucket_available(contracts, now_s),
        plan_cap_micro=terms.plan_cap,
        lines=tuple(lines[key] for key in sorted(lines)),
        last_epoch=gate.last_epoch,
        open_epoch=gate.open_epoch,
        config_version=terms.config_version,
        policy_digest=terms.policy_digest,
        stopped_until_s=gate.stopped_until_s,
        im_factor_ppm=terms.im_factor_ppm,
        mark_age_s_max=terms.mark_age_s_max,
    )


def _bytes_table(values: list[bytes], *, width: int) -> npt.NDArray[np.uint8]:
    table = np.frombuffer(b"".join(values), dtype=np.uint8).reshape(-1, width)
    table.setflags(write=False)
    return table
