from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chains.ledger import Account, Quote, apply_trade, equity, haircut_limit, profit
from chains.model import POSITIONS_PER_ACCOUNT_MAX
from coordinator.demo.board import Board
from coordinator.demo.books import ChainBook, open_books
from coordinator.demo.marks import Marks
from coordinator.demo.personas import Persona
from coordinator.demo.trades import BUYER, LOTS

DEFAULT = {"seed": 4, "chains": 3, "accounts": 360}
PPM = 1_000_000


def quotes_of(board: Board, marks: Marks) -> tuple[Quote, ...]:
    return tuple(
        Quote(one.kind, one.expiry_s, mark, 0, band, mm_per_lot, marks.time_s)
        for one, mark, band, mm_per_lot in zip(
            board.instruments,
            marks.marks.tolist(),
            marks.bands.tolist(),
            marks.mm_per_lots.tolist(),
            strict=True,
        )
    )


def initial_margin(account: Account, quotes: Sequence[Quote]) -> int:
    maintenance = sum(abs(p.lots) * quotes[p.instrument].mm_per_lot for p in account.positions)
    return -(-maintenance * 1_300_000 // PPM)


def opened(book: ChainBook, board: Board) -> list[Account]:
    """Trade a book as the venue does, with its margin rule after every match."""
    quotes = quotes_of(board, board.opening)
    accounts = [Account(cash, 0, 0, 0, ()) for cash in book.deposits.tolist()]
    for buyer, seller, instrument, lots, price in book.matches.tolist():
        assert buyer != seller
        assert lots > 0
        for account, d_lots in ((buyer, lots), (seller, -lots)):
            accounts[account] = apply_trade(
                accounts[account],
                instrument=instrument,
                d_lots=d_lots,
                price=price,
                kind=quotes[instrument].kind,
                cumulative_funding=0,
            )
            value = accounts[account]
            assert equity(value, quotes) >= initial_margin(value, quotes)
    return accounts


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 2**64 - 1),
    chains=st.integers(1, 5),
    accounts_per_chain=st.integers(12, 60),
)
def test_margin_holds_and_lots_balance_after_every_trade_for_any_seed(
    board: Board, seed: int, chains: int, accounts_per_chain: int
) -> None:
    accounts = chains * accounts_per_chain
    books = open_books(seed=seed, chains=chains, accounts=accounts, board=board)
    assert sum(len(book) for book in books.chains) == accounts
    for book in books.chains:
        after = opened(book, board)
        assert all(len(one.positions) <= POSITIONS_PER_ACCOUNT_MAX for one in after)
        assert all(one.realised_now == 0 for one in after)
        held = [position for one in after for position in one.positions]
        for instrument in {position.instrument for position in held}:
            assert sum(p.lots for p in held if p.instrument == instrument) == 0


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_groups_are_accounts_of_one_owner_on_several_chains(board: Board, seed: int) -> None:
    books = open_books(seed=seed, chains=3, accounts=90, board=board)
    members = [member for group in books.groups for member in group]
    assert len(members) == len(set(members))
    for group in books.groups:
        assert list(group) == sorted(group)
        assert len({row for row, _ in group}) == len(group) >= 2
        assert len({books.chains[row].owners[account] for row, account in group}) == 1


def test_the_same_seed_gives_the_same_books_and_another_seed_others(board: Board) -> None:
    first, again = (open_books(**DEFAULT, board=board) for _ in range(2))
    other = open_books(**{**DEFAULT, "seed": 3}, board=board)
    assert first.groups == again.groups
    for one, two, three in zip(first.chains, again.chains, other.chains, strict=True):
        assert np.array_equal(one.matches, two.matches)
        assert np.array_equal(one.deposits, two.deposits)
        assert one.owners == two.owners
        assert not np.array_equal(one.deposits, three.deposits)


def test_too_few_accounts_are_refused(board: Board) -> None:
    with pytest.raises(ValueError, match="35 accounts on 3 chains"):
        open_books(seed=1, chains=3, accounts=35, board=board)
    with pytest.raises(ValueError, match="at least 1 chain"):
        open_books(seed=1, chains=0, accounts=35, board=board)


def test_the_default_has_every_persona_and_owners_on_several_chains(board: Board) -> None:
    books = open_books(**DEFAULT, board=board)
    assert {one for book in books.chains for one in book.personas} == set(Persona)
    chains_of: dict[int, set[int]] = {}
    for row, book in enumerate(books.chains):
        for owner in book.owners:
            chains_of.setdefault(owner, set()).add(row)
    assert set(chains_of) == set(range(books.owners))
    assert sum(len(rows) > 1 for rows in chains_of.values()) >= 30
    assert len(books.groups) >= 18


def test_market_makers_open_neutral_to_small_moves(board: Board) -> None:
    deltas = board.opening.deltas
    for book in open_books(**DEFAULT, board=board).chains:
        for account, value in enumerate(opened(book, board)):
            if book.personas[account] is not Persona.MARKET_MAKER:
                continue
            for underlying, perpetual in board.perpetuals.items():
                exposed = sum(
                    p.lots * int(deltas[p.instrument])
                    for p in value.positions
                    if board.instruments[p.instrument].underlying == underlying
                )
                assert 2 * abs(exposed) <= int(deltas[perpetual])


def test_arbitrageurs_undo_on_the_next_chain_what_they_hold(board: Board) -> None:
    books = open_books(**DEFAULT, board=board)
    held = [opened(book, board) for book in books.chains]
    pairs = [
        group
        for group in books.groups
        if books.chains[group[0][0]].personas[group[0][1]] is Persona.ARBITRAGEUR
    ]
    assert len(pairs) == 18
    for (row, account), (next_row, mirror) in pairs:
        assert next_row == row + 1
        lots = {p.instrument: p.lots for p in held[row][account].positions}
        assert lots == {p.instrument: -p.lots for p in held[next_row][mirror].positions}
        assert lots


def deficits_and_payable(
    board: Board, crashed: Marks, *, seed: int
) -> tuple[list[list[int]], list[int]]:
    """By chain: deficits of its bankrupts, and what its winners may be asked for as groups."""
    books = open_books(seed=seed, chains=3, accounts=360, board=board)
    quotes = quotes_of(board, crashed)
    after = [opened(book, board) for book in books.chains]
    payable = [[haircut_limit(one, quotes) for one in chain] for chain in after]
    for group in books.groups:
        accounts = [after[row][account] for row, account in group]
        gained = sum(profit(one, quotes) for one in accounts)
        owned = sum(equity(one, quotes) for one in accounts)
        own = sum(payable[row][account] for row, account in group)
        for row, account in group:
            share = payable[row][account] * max(0, min(own, gained, owned))
            payable[row][account] = share // max(1, own)
    worth = [[equity(one, quotes) for one in chain] for chain in after]
    deficits = [[-value for value in chain if value < 0] for chain in worth]
    return deficits, [sum(chain) for chain in payable]


def test_the_default_crash_needs_the_winners_of_another_chain(board: Board, crashed: Marks) -> None:
    deficits, payable = deficits_and_payable(board, crashed, seed=4)
    assert [len(chain) for chain in deficits] == [12, 9, 1]
    assert sum(deficits[0]) > payable[0]
    assert sum(map(sum, deficits)) < sum(payable) // 2


@pytest.mark.parametrize("seed", [1, 2, 3, *range(5, 13)])
def test_any_seed_bankrupts_at_least_ten_and_can_be_covered(
    board: Board, crashed: Marks, seed: int
) -> None:
    deficits, payable = deficits_and_payable(board, crashed, seed=seed)
    assert sum(len(chain) for chain in deficits) >= 10
    assert sum(map(sum, deficits)) < sum(payable)


def test_every_trade_stands_in_the_columns_the_venue_takes(board: Board) -> None:
    for book in open_books(**DEFAULT, board=board).chains:
        assert book.matches.shape[1] == 5
        assert int(book.matches[:, LOTS].min()) > 0
        assert int(book.matches[:, BUYER].max()) < len(book)
