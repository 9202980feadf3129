"""A whole book's figures are those of its accounts, exactly, or the book is refused."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.errors import ChainStateInvalid
from chains.ledger import (
    Account,
    Position,
    equities,
    equity,
    haircut_limit,
    haircut_limits,
    maintenance_margins,
    profit,
    profits,
    quotes_of,
    realised,
    roll,
    rolled_realised,
    unrealised,
    unrealised_profits,
    window_of,
)
from chains.model import read_only
from chains.simulated.venue import Match
from chains.simulated.worlds import GENESIS_S, call, open_book, perpetual, usd
from tests.chains.books import CHAIN_ID, books, state_of


def world(**changes):
    """Account 1 is long two calls and short three perpetuals against account 2."""
    given_ = {
        "chain_id": CHAIN_ID,
        "listings": [call(strike=usd(1), mark=usd(50)), perpetual(mark=usd(60))],
        "cash": [usd(5), usd(100), usd(100)],
        "trades": [Match(1, 2, 0, 2, usd(40)), Match(2, 1, 1, 3, usd(70))],
    }
    return state_of(open_book(**(given_ | changes)))


def with_accounts(state, **columns):
    changed = {name: read_only(values) for name, values in columns.items()}
    return replace(state, accounts=replace(state.accounts, **changed))


def test_figures_of_a_small_book():
    state = world()
    assert equities(state).tolist() == [usd(5), usd(150), usd(50)]
    assert unrealised_profits(state).tolist() == [0, usd(50), usd(-50)]
    assert profits(state, GENESIS_S).tolist() == [0, usd(50), usd(-50)]
    assert haircut_limits(state, GENESIS_S).tolist() == [0, usd(50), 0]
    assert maintenance_margins(state).tolist() == [0, usd(5), usd(5)]


@given(books(), st.integers(0, 5 * 3_600))
def test_columns_equal_the_accounts_one_by_one(chain, later_s):
    state, now_s = state_of(chain), GENESIS_S + later_s
    quotes, book = quotes_of(state), chain.head.contracts.book
    held = [roll(book.accounts[n], window_of(now_s)) for n in range(len(book.accounts))]
    now, prev = rolled_realised(state, now_s)
    assert equities(state).tolist() == [equity(account, quotes) for account in held]
    assert unrealised_profits(state).tolist() == [unrealised(account, quotes) for account in held]
    assert profits(state, now_s).tolist() == [profit(account, quotes) for account in held]
    assert haircut_limits(state, now_s).tolist() == [haircut_limit(a, quotes) for a in held]
    assert (now + prev).tolist() == [realised(account) for account in held]


def test_an_empty_book_has_no_figures():
    state = world(cash=[], trades=[])
    assert equities(state).tolist() == profits(state, GENESIS_S).tolist() == []


@pytest.mark.parametrize("figure", [equities, unrealised_profits])
def test_an_account_beyond_2_to_the_62_is_refused_by_name(figure):
    book = world()
    lots = book.positions.lots.copy()
    lots[2:] *= 2**35
    state = replace(book, positions=replace(book.positions, lots=read_only(lots)))
    with pytest.raises(ChainStateInvalid, match=r"account 31337:0x[0-9a-f]{8}/2 holds more"):
        figure(state)


def test_an_account_just_inside_the_bound_is_exact():
    state = with_accounts(world(trades=[]), cash=[2**61, -(2**61), 0])
    assert equities(state).tolist() == [2**61, -(2**61), 0]


def test_a_wrapping_running_total_changes_nobodys_sum():
    count = 20
    state = world(cash=[0] * count, trades=[Match(n, n + 1, 0, 1, 0) for n in range(0, count, 2)])
    huge = replace(state, marks=replace(state.marks, marks=read_only([2**61, 0])))
    longs = replace(huge, positions=replace(huge.positions, lots=np.abs(huge.positions.lots)))
    assert equities(longs).tolist() == [2**61] * count


def test_counts_that_do_not_add_up_are_refused():
    with pytest.raises(ChainStateInvalid, match="do not add up to 4 positions"):
        equities(with_accounts(world(), counts=[0, 2, 1]))


def test_an_account_of_a_later_window_is_refused_by_name():
    state = with_accounts(world(), windows=[0, window_of(GENESIS_S) + 1, 0])
    with pytest.raises(ChainStateInvalid, match="/1 was rolled in a later window"):
        profits(state, GENESIS_S)
    assert profits(state, GENESIS_S + 3_600).tolist() == [0, usd(50), usd(-50)]


def test_realised_profit_beyond_2_to_the_62_is_refused_by_name():
    state = with_accounts(world(), realised_now=[0, 0, 2**62])
    with pytest.raises(ChainStateInvalid, match="/2 has realised profit beyond"):
        profits(state, GENESIS_S)


def test_a_margin_beyond_2_to_the_62_is_refused_by_name():
    state = world()
    huge = replace(state, marks=replace(state.marks, mm_per_lots=read_only([2**61, 0])))
    with pytest.raises(ChainStateInvalid, match="/1 has a margin beyond"):
        maintenance_margins(huge)


@given(
    st.lists(st.tuples(*[st.integers(-100, 100)] * 2, st.integers(0, 4)), min_size=3, max_size=3)
)
def test_rolling_columns_is_rolling_every_account(stored):
    windows = [window_of(GENESIS_S) - age for _, _, age in stored]
    now, prev = [row[0] for row in stored], [row[1] for row in stored]
    state = with_accounts(world(), realised_now=now, realised_prev=prev, windows=windows)
    held = [(), (Position(0, 1, 0),), (Position(0, 1, 0),)]
    accounts = [Account(0, *row) for row in zip(now, prev, windows, held, strict=True)]
    rolled = [roll(account, window_of(GENESIS_S)) for account in accounts]
    columns = rolled_realised(state, GENESIS_S)
    assert columns[0].tolist() == [account.realised_now for account in rolled]
    assert columns[1].tolist() == [account.realised_prev for account in rolled]
