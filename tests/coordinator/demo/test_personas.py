from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.model import InstrumentKind, Right
from coordinator.demo.board import Board, Series
from coordinator.demo.dice import Dice
from coordinator.demo.makers import made_by, net, split, take_options
from coordinator.demo.personas import CROWDS, Persona, cast, wishes


@given(total=st.integers(-(10**9), 10**9), parts=st.integers(1, 40))
def test_a_split_sums_to_its_whole_in_almost_equal_parts(total: int, parts: int) -> None:
    shares = split(total, parts)
    assert sum(shares) == total
    assert len(shares) == parts
    assert max(shares) - min(shares) <= 1


@given(accounts=st.integers(8, 400), seed=st.integers(0, 2**32))
def test_a_cast_has_exactly_its_accounts_and_at_least_two_makers(accounts: int, seed: int) -> None:
    for crowd in CROWDS:
        people = Counter(cast(crowd, accounts, Dice(seed)))
        assert people.total() == accounts
        assert people[Persona.MARKET_MAKER] >= 2
        assert Persona.ARBITRAGEUR not in people


def test_nobody_asks_for_an_option_that_is_not_made(board: Board) -> None:
    options = {n for n, one in enumerate(board.instruments) if one.kind is InstrumentKind.OPTION}
    for seed in range(20):
        for persona in Persona:
            assert not options & wishes(persona, Dice(seed), board, ()).keys()


@pytest.mark.parametrize("persona", [Persona.PUT_SELLER, Persona.FUND])
def test_sellers_of_puts_are_short_puts_and_nothing_else(board: Board, persona: Persona) -> None:
    for seed in range(20):
        wanted = wishes(persona, Dice(seed), board, board.series)
        assert wanted
        assert all(lots < 0 for lots in wanted.values())
        assert {board.instruments[one].right for one in wanted} == {Right.PUT}


@pytest.mark.parametrize("persona", [Persona.HEDGER, Persona.COLLAR])
def test_a_hedged_long_has_a_put_for_every_lot(board: Board, persona: Persona) -> None:
    for seed in range(20):
        wanted = wishes(persona, Dice(seed), board, board.series)
        perpetuals = set(board.perpetuals.values())
        long = sum(lots for one, lots in wanted.items() if one in perpetuals)
        puts = [one for one in wanted if board.instruments[one].right is Right.PUT]
        assert sum(wanted[one] for one in puts) == long > 0


def test_makers_take_what_is_left_over_of_their_series_only(board: Board) -> None:
    put = Series(0, Right.PUT, "BTC")
    call = Series(0, Right.CALL, "BTC")
    books = [{board.series[put][0]: -7, board.series[call][0]: 3}, {}, {}]
    take_options(books, {put: [1, 2]}, board)
    assert [book.get(board.series[put][0], 0) for book in books] == [-7, 3, 4]
    assert net(books) == {board.series[put][0]: 0, board.series[call][0]: 3}


def test_series_are_given_out_in_turn() -> None:
    series = [Series(term, Right.PUT, "BTC") for term in range(2)]
    assert made_by([5, 6, 7], series) == {series[0]: [5, 7], series[1]: [6]}


def test_dice_draw_both_ends_and_nothing_beyond() -> None:
    dice = Dice(1)
    drawn = [dice.between(3, 5) for _ in range(200)]
    assert set(drawn) == {3, 4, 5}
    assert sorted(dice.shuffled(range(50))) == list(range(50))
