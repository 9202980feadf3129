"""From what accounts want to hold to matched trades, and the deposits that carry them."""

from collections.abc import Sequence

import numpy as np

from chains.model import Columns, read_only
from coordinator.decide.policy import PPM
from coordinator.demo.board import Board
from coordinator.demo.dice import Dice
from coordinator.demo.makers import Lots

__all__ = ["BUYER", "INSTRUMENT", "LOTS", "PRICE", "SELLER", "deposits", "matches"]

BUYER, SELLER, INSTRUMENT, LOTS, PRICE = range(5)
"""Columns of a match, as the venue's ``trade`` takes them."""

_SPREAD_PPM = 3_000
_CENT_MICRO = 10_000
_LEAST_DEPOSIT_MICRO = 100_000_000


def matches(books: Sequence[Lots], board: Board, dice: Dice) -> Columns:
    """Trades that open the books, shape (n, 5), instrument by instrument, near the mark.

    Every account trades an instrument in one direction only, so nothing is realised.
    """
    rows: list[tuple[int, int, int, int, int]] = []
    for instrument in sorted({one for book in books for one in book}):
        mark = int(board.opening.marks[instrument])
        for buyer, seller, lots in _pairs(books, instrument):
            spread_ppm = dice.between(-_SPREAD_PPM, _SPREAD_PPM)
            price = mark * (PPM + spread_ppm) // PPM
            rows.append((buyer, seller, instrument, lots, price))
    return read_only(np.array(rows, dtype=np.int64).reshape(-1, 5))


def deposits(
    books: Sequence[Lots], trades: Columns, cushions_ppm: Sequence[int], board: Board
) -> Columns:
    """What each account brings: initial margin of all it will hold times its cushion, and what it
    pays away against the mark; so initial margin holds after every single trade.
    """
    paid_away = _paid_away(trades, board, accounts=len(books))
    needed = (
        _initial_margin(book, board) * cushion // PPM + paid
        for book, cushion, paid in zip(books, cushions_ppm, paid_away, strict=True)
    )
    return read_only([max(_LEAST_DEPOSIT_MICRO, _to_cents_up(amount)) for amount in needed])


def _pairs(books: Sequence[Lots], instrument: int) -> list[tuple[int, int, int]]:
    """(buyer, seller, lots): walk both sides in account order, lot against lot."""
    wanted = [(account, book.get(instrument, 0)) for account, book in enumerate(books)]
    buyers = [[account, lots] for account, lots in wanted if lots > 0]
    sellers = [[account, -lots] for account, lots in wanted if lots < 0]
    pairs: list[tuple[int, int, int]] = []
    while buyers and sellers:
        lots = min(buyers[0][1], sellers[0][1])
        pairs.append((buyers[0][0], sellers[0][0], lots))
        for side in (buyers, sellers):
            side[0][1] -= lots
            if not side[0][1]:
                side.pop(0)
    return pairs


def _paid_away(trades: Columns, board: Board, *, accounts: int) -> list[int]:
    """Sum over an account's trades of what it loses against the mark; gains do not count."""
    paid = [0] * accounts
    for buyer, seller, instrument, lots, price in trades.tolist():
        above = lots * (price - int(board.opening.marks[instrument]))
        paid[buyer if above > 0 else seller] += abs(above)
    return paid


def _initial_margin(book: Lots, board: Board) -> int:
    per_lot = board.opening.mm_per_lots
    maintenance = sum(abs(lots) * int(per_lot[instrument]) for instrument, lots in book.items())
    return -(-maintenance * board.im_factor_ppm // PPM)


def _to_cents_up(amount_micro: int) -> int:
    return -(-amount_micro // _CENT_MICRO) * _CENT_MICRO
