"""Those who take the other side, so that every lot bought is a lot sold."""

from collections.abc import Iterable, Mapping, Sequence

from coordinator.demo.board import Board, Series

__all__ = ["hedge", "made_by", "net", "split", "take_options", "take_perpetuals"]

Lots = dict[int, int]
"""Signed lots by instrument."""


def made_by(makers: Sequence[int], series: Sequence[Series]) -> dict[Series, list[int]]:
    """Accounts by the series they make; each makes one, those in front of the list first.

    One series and a hedge stay below the sixteen positions that an account may hold.
    """
    made: dict[Series, list[int]] = {}
    for place, account in enumerate(makers):
        made.setdefault(series[place % len(series)], []).append(account)
    return made


def take_options(books: Sequence[Lots], made: Mapping[Series, Sequence[int]], board: Board) -> None:
    """Give what is left over of each option to the makers of its series, in equal parts."""
    left = net(books)
    for series, accounts in made.items():
        for instrument in board.series[series]:
            _give(books, accounts, instrument, -left.get(instrument, 0))


def hedge(book: Lots, board: Board) -> None:
    """Trade the perpetuals that make a book of options neutral to small moves."""
    deltas = board.opening.deltas
    for underlying, perpetual in board.perpetuals.items():
        exposed = sum(
            lots * int(deltas[instrument])
            for instrument, lots in book.items()
            if board.instruments[instrument].underlying == underlying
        )
        lots = _round_half_even(-exposed, int(deltas[perpetual]))
        if lots:
            book[perpetual] = book.get(perpetual, 0) + lots


def take_perpetuals(books: Sequence[Lots], takers: Sequence[int], board: Board) -> None:
    """Give what is left over of the perpetuals to the takers, underlying by underlying."""
    left, names = net(books), sorted(board.perpetuals)
    for place, underlying in enumerate(names):
        perpetual = board.perpetuals[underlying]
        _give(books, takers[place :: len(names)], perpetual, -left.get(perpetual, 0))


def net(books: Iterable[Lots]) -> Lots:
    """What all books together hold."""
    total: Lots = {}
    for book in books:
        for instrument, lots in book.items():
            total[instrument] = total.get(instrument, 0) + lots
    return total


def split(total: int, parts: int) -> list[int]:
    """``total`` (any sign) in ``parts`` whole parts that differ by at most one and sum to it."""
    return [total * (part + 1) // parts - total * part // parts for part in range(parts)]


def _give(books: Sequence[Lots], accounts: Sequence[int], instrument: int, lots: int) -> None:
    for account, part in zip(accounts, split(lots, len(accounts)), strict=True):
        if part:
            books[account][instrument] = books[account].get(instrument, 0) + part


def _round_half_even(dividend: int, divisor: int) -> int:
    whole, rest = divmod(dividend, divisor)
    rounds_up = 2 * rest > divisor or (2 * rest == divisor and whole % 2 == 1)
    return whole + int(rounds_up)
