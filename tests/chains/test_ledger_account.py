"""One account: trades, rolling realised profit, equity and what a haircut may take."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.ledger import (
    Account,
    OutOfRange,
    Position,
    Quote,
    TooManyPositions,
    WindowWentBack,
    apply_trade,
    credit,
    equity,
    haircut,
    haircut_limit,
    profit,
    realised,
    refund,
    removed_cost_toward_zero,
    roll,
    unrealised,
    window_of,
)
from chains.model import InstrumentKind

OPTION, PERPETUAL, FUTURE = InstrumentKind.OPTION, InstrumentKind.PERPETUAL, InstrumentKind.FUTURE
EMPTY = Account(0, 0, 0, 0, ())

kinds = st.sampled_from([OPTION, PERPETUAL, FUTURE])
prices = st.integers(0, 10**12)
fundings = st.integers(-(10**9), 10**9)
sizes = st.integers(-(10**6), 10**6).filter(bool)


def quote(kind=OPTION, *, mark=0, funding=0, expiry_s=0, time_s=0):
    return Quote(kind, expiry_s, mark, funding, 0, 0, time_s)


def traded(account, d_lots, price, *, kind=OPTION, funding=0, instrument=0):
    return apply_trade(
        account,
        instrument=instrument,
        d_lots=d_lots,
        price=price,
        kind=kind,
        cumulative_funding=funding,
    )


def rolling(now, prev, *, flat):
    return Account(0, now, prev, 10, () if flat else (Position(0, 1, 0),))


@pytest.mark.parametrize(
    ("cost", "closed", "held", "removed"),
    [
        (100, 1, 3, 33),
        (-100, 1, 3, -33),
        (-1, 1, 2, 0),
        (1, 1, 2, 0),
        (-100, 3, 3, -100),
        (0, 1, 3, 0),
        (-(2**62), 2**62 - 1, 2**62, -(2**62 - 1)),
    ],
)
def test_removed_cost_is_cut_toward_zero(cost, closed, held, removed):
    assert removed_cost_toward_zero(cost, closed_lots=closed, held_lots=held) == removed


@pytest.mark.parametrize(
    ("steps", "flat", "now", "prev", "rolled_now", "rolled_prev"),
    [
        (0, False, 7, -5, 7, -5),
        (1, False, 7, -5, -5, 7),
        (1, False, -7, 5, 0, -7),
        (1, True, 7, -5, 0, 7),
        (1, True, -7, -5, 0, -7),
        (2, False, 7, -5, 0, -5),
        (2, False, -7, -5, -7, -5),
        (2, True, -7, -5, 0, 0),
        (3, False, -7, -5, -5, -7),
        (1_000, False, -7, 5, -7, 0),
        (1_000, True, 7, 5, 0, 0),
    ],
)
def test_only_profit_ages_out_while_positions_are_held(
    steps, flat, now, prev, rolled_now, rolled_prev
):
    after = roll(rolling(now, prev, flat=flat), 10 + steps)
    assert (after.realised_now, after.realised_prev, after.window) == (
        rolled_now,
        rolled_prev,
        10 + steps,
    )


@given(st.integers(-100, 100), st.integers(-100, 100), st.integers(0, 9), st.booleans())
def test_many_steps_at_once_are_as_many_single_steps(now, prev, steps, flat):
    account = rolling(now, prev, flat=flat)
    stepped = account
    for window in range(11, 11 + steps):
        stepped = roll(stepped, window)
    assert roll(account, 10 + steps) == stepped


def test_an_account_is_never_rolled_back():
    with pytest.raises(WindowWentBack, match="window 10, asked for 9"):
        roll(rolling(0, 0, flat=True), 9)


def test_a_window_is_an_hour_of_unix_time():
    assert (window_of(3_599), window_of(3_600)) == (0, 1)


def test_an_option_is_paid_for_and_its_profit_realised_on_reduction():
    bought = traded(EMPTY, 10, 10)
    assert bought == Account(-100, 0, 0, 0, (Position(0, 10, 100),))
    sold = traded(bought, -4, 12)
    assert sold == Account(-52, 8, 0, 0, (Position(0, 6, 60),))


def test_a_perpetual_moves_no_cash_when_opened_and_its_gain_when_reduced():
    opened = traded(EMPTY, -10, 100, kind=PERPETUAL, funding=3)
    assert opened == Account(0, 0, 0, 0, (Position(0, -10, -970),))
    reduced = traded(opened, 3, 90, kind=PERPETUAL, funding=5)
    assert reduced == Account(36, 36, 0, 0, (Position(0, -7, -679),))


def test_a_crossing_trade_is_a_reduction_to_zero_and_an_opening():
    crossed = traded(traded(EMPTY, 5, 10), -8, 12)
    assert crossed == Account(46, 10, 0, 0, (Position(0, -3, -36),))
    assert crossed == traded(traded(traded(EMPTY, 5, 10), -5, 12), -3, 12)


def test_the_last_position_takes_the_slot_of_a_closed_one():
    account = EMPTY
    for instrument in (4, 5, 6):
        account = traded(account, 1, 10, instrument=instrument)
    closed = traded(account, -1, 10, instrument=4)
    assert [position.instrument for position in closed.positions] == [6, 5]


def test_a_seventeenth_instrument_is_refused_and_a_sixteenth_is_not():
    account = EMPTY
    for instrument in range(16):
        account = traded(account, 1, 10, instrument=instrument)
    with pytest.raises(TooManyPositions):
        traded(account, 1, 10, instrument=16)


def test_an_amount_that_does_not_fit_an_int64_is_refused():
    with pytest.raises(OutOfRange):
        credit(replace(EMPTY, cash=2**63 - 1), 1)
    with pytest.raises(OutOfRange):
        haircut(replace(EMPTY, realised_now=-(2**63)), 1)
    with pytest.raises(OutOfRange):
        traded(EMPTY, 2**40, 2**40)
    assert credit(replace(EMPTY, cash=2**63 - 2), 1).cash == 2**63 - 1


def test_a_haircut_counts_against_profit_and_a_refund_gives_back_both():
    taken = haircut(replace(EMPTY, cash=10, realised_now=4), 3)
    assert (taken.cash, taken.realised_now) == (7, 1)
    assert refund(taken, 3) == replace(EMPTY, cash=10, realised_now=4)
    assert credit(taken, 3).realised_now == 1


def test_equity_values_options_whole_and_perpetuals_by_their_gain():
    quotes = {0: quote(mark=50), 1: quote(PERPETUAL, mark=60, funding=2)}
    account = Account(1_000, 5, 6, 0, (Position(0, -3, -120), Position(1, 10, 400)))
    assert equity(account, quotes) == 1_000 - 150 + 580 - 400
    assert unrealised(account, quotes) == -150 + 120 + 580 - 400
    assert profit(account, quotes) == 150 + 11
    assert haircut_limit(account, quotes) == 161


@pytest.mark.parametrize(
    ("cash", "now", "limit"), [(5, 90, 5), (90, 5, 5), (-5, 90, 0), (90, -5, 0)]
)
def test_a_haircut_takes_neither_more_than_profit_nor_than_equity(cash, now, limit):
    assert haircut_limit(Account(cash, now, 0, 0, ()), {}) == limit


def test_a_final_mark_never_ages_and_any_other_does():
    assert not quote(expiry_s=100, time_s=99).is_fresh(1_000, age_s_max=60)
    assert quote(expiry_s=100, time_s=100).is_fresh(1_000, age_s_max=60)
    assert quote(time_s=40).is_fresh(100, age_s_max=60)
    assert not quote(time_s=39).is_fresh(100, age_s_max=60)


def test_a_perpetual_never_expires_and_an_option_does_at_its_second():
    assert not quote(PERPETUAL).is_expired(10**10)
    assert [quote(expiry_s=100).is_expired(now) for now in (99, 100)] == [False, True]


@given(kinds, sizes, prices, sizes, prices, fundings)
def test_a_trade_at_the_mark_never_changes_equity(kind, held, entry, d_lots, mark, funding):
    before = traded(EMPTY, held, entry, kind=kind, funding=funding)
    after = traded(before, d_lots, mark, kind=kind, funding=funding)
    quotes = {0: quote(kind, mark=mark, funding=funding)}
    assert equity(after, quotes) == equity(before, quotes)


@given(kinds, sizes, prices, st.integers(1, 10**6), prices, fundings)
def test_a_reduction_moves_profit_from_open_to_realised(kind, held, entry, part, mark, funding):
    before = traded(EMPTY, held, entry, kind=kind, funding=funding)
    d_lots = -min(part, held) if held > 0 else min(part, -held)
    after = traded(before, d_lots, mark, kind=kind, funding=funding)
    quotes = {0: quote(kind, mark=mark, funding=funding)}
    assert profit(after, quotes) == profit(before, quotes)
    assert realised(after) == unrealised(before, quotes) - unrealised(after, quotes)


@given(sizes, prices, st.lists(sizes, max_size=8), prices)
def test_flat_accounts_keep_no_cost(held, entry, trades, price):
    account = traded(EMPTY, held, entry, kind=PERPETUAL)
    for d_lots in [*trades, -held - sum(trades)]:
        account = traded(account, d_lots, price, kind=PERPETUAL) if d_lots else account
    assert account.positions == ()
    assert account.cash == realised(account) == held * (price - entry)
