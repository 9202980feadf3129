"""A book after a plan's legs, at unchanged marks: each rule, each refusal, each limit."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.errors import ChainStateInvalid
from chains.ledger import Outcome, PlanLimits, Refused, equities, haircut_limits, project
from chains.legs import Close, Credit, Deficit, Haircut
from chains.model import FLAG_BOUND, read_only
from chains.simulated.venue import Match
from chains.simulated.worlds import (
    GENESIS_S,
    call,
    open_book,
    perpetual_long_bankrupt__one_short_on_the_same_chain,
    short_call_bankrupt__two_longs_on_another_chain,
    usd,
)
from tests.chains.books import CHAIN_ID, books, state_of

DEFICIT = Deficit(0, usd(1_000))
CLOSE = Close(0, 1, 0, 10, usd(60), 0, 0)
HAIRCUT = Haircut(1, 0, usd(70))
CREDIT = Credit(0, usd(100))
WHOLE = [DEFICIT, CLOSE, HAIRCUT, CREDIT]


def bankrupt_book():
    return state_of(perpetual_long_bankrupt__one_short_on_the_same_chain())


def limits(**changes):
    return PlanLimits(mark_age_s_max=60, **changes)


def run(legs, *, state=None, now_s=GENESIS_S, **caps):
    return project(state or bankrupt_book(), legs, now_s=now_s, limits=limits(**caps))


def refusals(after):
    return [outcome.reason for outcome in after.outcomes if isinstance(outcome, Refused)]


def amounts(after):
    return [outcome.amount for outcome in after.outcomes if isinstance(outcome, Outcome)]


def test_a_whole_plan_makes_the_bankrupt_whole_from_insurance_and_the_winner():
    after = project(bankrupt_book(), WHOLE, now_s=GENESIS_S)
    assert amounts(after) == [usd(100), 10, usd(70), usd(100)]
    assert equities(after.state).tolist() == [0, usd(1_330)]
    assert len(after.state.positions) == 0
    assert after.state.accounts.counts.tolist() == [0, 0]
    assert (after.need, after.insurance_drawn, after.pot) == (usd(100), usd(30), 0)
    assert after.taken == {1: usd(70)}
    assert after.credited == {0: usd(100)}
    assert after.closed_notional == usd(600)
    assert after.state.funds.insurance_micro == 0


def test_the_state_that_was_given_is_left_as_it_was():
    state = bankrupt_book()
    project(state, WHOLE, now_s=GENESIS_S)
    assert equities(state).tolist() == [usd(-100), usd(1_400)]
    assert len(state.positions) == 2


def test_haircut_and_close_may_come_in_either_order():
    one = project(bankrupt_book(), WHOLE, now_s=GENESIS_S)
    other = project(bankrupt_book(), [DEFICIT, HAIRCUT, CLOSE, CREDIT], now_s=GENESIS_S)
    assert equities(one.state).tolist() == equities(other.state).tolist()
    assert haircut_limits(one.state, GENESIS_S).tolist() == [0, usd(330)]
    assert haircut_limits(other.state, GENESIS_S).tolist() == [0, usd(330)]


@pytest.mark.parametrize(
    ("legs", "reason"),
    [
        ([Deficit(1, 1)], "NotBankrupt"),
        ([CLOSE], "NotFlagged"),
        ([HAIRCUT], "NoNeed"),
        ([CREDIT], "NotFlagged"),
        ([DEFICIT, Close(0, 0, 0, 1, usd(60), 0, 0)], "SelfClose"),
        ([DEFICIT, replace(CLOSE, price_micro=usd(61) + 1)], "OutsideBand"),
        ([DEFICIT, replace(CLOSE, lots=0)], "NoCounterLots"),
        ([DEFICIT, Haircut(0, 0, 1)], "PayerBankrupt"),
        ([DEFICIT, Haircut(0, 1, 1)], "PayerBankrupt"),
        ([DEFICIT, Haircut(1, 0, 0)], "NothingToTake"),
        ([DEFICIT, CREDIT], "NotFlat"),
        ([DEFICIT, CLOSE, Credit(0, 0)], "NothingToCredit"),
    ],
)
def test_a_refused_leg_says_why_and_changes_nothing(legs, reason):
    after, before = run(legs), run(legs[:-1])
    assert refusals(after) == [reason]
    assert equities(after.state).tolist() == equities(before.state).tolist()
    assert (after.pot, after.need, after.taken) == (before.pot, before.need, before.taken)


@pytest.mark.parametrize("leg", [DEFICIT, HAIRCUT, Haircut(1, 1, 1), CLOSE])
def test_money_moves_only_on_fresh_marks(leg):
    flagged = [DEFICIT] if leg is not DEFICIT else []
    state = bankrupt_book()
    stale = replace(state, marks=replace(state.marks, times_s=read_only([GENESIS_S - 61])))
    after = project(stale, [*flagged, leg], now_s=GENESIS_S, limits=limits())
    assert refusals(after)[0] == "StaleMark"
    assert amounts(after) == []


def test_an_expired_instrument_is_not_closed():
    chain, _ = short_call_bankrupt__two_longs_on_another_chain()
    state = state_of(chain)
    at_expiry_s = state.instruments[0].expiry_s
    final = replace(state, marks=replace(state.marks, times_s=read_only([at_expiry_s])))
    after = run([Deficit(0, 1), Close(0, 2, 0, 1, usd(50), 0, 0)], state=final, now_s=at_expiry_s)
    assert refusals(after) == ["InstrumentExpired"]


def test_a_close_needs_lots_of_the_opposite_sign():
    chain, _ = short_call_bankrupt__two_longs_on_another_chain()
    after = run([Deficit(0, 1), Close(0, 1, 0, 1, usd(50), 0, 0)], state=state_of(chain))
    assert refusals(after) == ["NoCounterLots"]


def test_a_close_takes_what_both_sides_have_and_is_done():
    after = run([DEFICIT, replace(CLOSE, lots=999), replace(CLOSE, lots=1)])
    assert after.outcomes[1:] == (Outcome(10, terminal=True), Outcome(0, terminal=True))


def test_a_close_stops_where_the_plan_has_no_notional_left():
    halves = [replace(CLOSE, lots=5), replace(CLOSE, lots=5)]
    after = run([DEFICIT, *halves], close_cap=usd(599))
    assert refusals(after) == ["CapReached"]
    assert after.closed_notional == usd(300)


def test_an_account_that_is_no_longer_bankrupt_is_not_closed():
    close = replace(CLOSE, lots=5)
    after = run([DEFICIT, close, HAIRCUT, close])
    assert refusals(after) == []
    richer = bankrupt_book()
    cash = read_only([usd(400), usd(1_000)])
    solvent = replace(richer, accounts=replace(richer.accounts, cash=cash))
    assert refusals(run([DEFICIT, close], state=solvent)) == ["NotBankrupt", "NotFlagged"]


def test_a_deficit_is_counted_once_and_up_to_the_header():
    after = run([DEFICIT, DEFICIT], deficit=usd(80))
    assert amounts(after) == [usd(80), 0]
    assert after.need == usd(80)


def test_insurance_is_drawn_up_to_need_fund_and_header():
    assert run([DEFICIT]).insurance_drawn == usd(30)
    assert run([DEFICIT], insurance=usd(10)).insurance_drawn == usd(10)
    assert run([Deficit(0, usd(20))]).insurance_drawn == usd(20)


def test_a_haircut_stays_open_until_its_target_is_reached():
    after = run([DEFICIT, HAIRCUT, HAIRCUT], haircut_cap=usd(50))
    assert after.outcomes[1] == Outcome(usd(50), terminal=False)
    assert refusals(after) == ["NothingToTake"]


def test_asking_in_small_steps_takes_no_more_than_the_account_cap():
    legs = [DEFICIT, Haircut(1, 0, usd(50)), Haircut(1, 0, usd(400)), Haircut(1, 0, usd(400))]
    after = run(legs, account_cap_ppm=250_000)
    assert after.taken == {1: usd(100)}


def test_a_remote_haircut_is_capped_by_cash_and_needs_no_local_need():
    _, there = short_call_bankrupt__two_longs_on_another_chain()
    after = run([Haircut(0, 1, usd(200)), Haircut(1, 1, usd(200))], state=state_of(there))
    assert after.remote == {0: usd(40), 1: usd(60)}
    assert after.boxes == {1: usd(100)}
    assert after.state.accounts.cash.tolist()[:2] == [0, 0]
    assert all(outcome.terminal for outcome in after.outcomes)


def test_remote_haircuts_keep_the_remote_cap_and_count_for_the_account_cap():
    _, there = short_call_bankrupt__two_longs_on_another_chain()
    legs = [Haircut(0, 1, usd(200)), Haircut(1, 1, usd(200))]
    assert run(legs, state=state_of(there), remote_cap=usd(45)).boxes == {1: usd(45)}
    twice = [Haircut(1, 1, usd(16)), Haircut(1, 2, usd(16))]
    assert run(twice, state=state_of(there), account_cap_ppm=125_000).remote == {1: usd(20)}


def test_a_bound_account_is_in_settlement_and_nobody_treats_it():
    state = bankrupt_book()
    bound = replace(state, accounts=replace(state.accounts, flags=read_only([FLAG_BOUND, 0])))
    assert refusals(run([DEFICIT], state=bound)) == ["NotBankrupt"]


def test_two_bankrupts_may_close_against_each_other():
    book = open_book(
        chain_id=CHAIN_ID,
        listings=[call(strike=usd(1), mark=usd(50)), call(strike=usd(1), mark=usd(50))],
        cash=[usd(10), usd(10), usd(9_999)],
        trades=[Match(0, 1, 0, 1, usd(50)), Match(2, 0, 1, 2, usd(10)), Match(2, 1, 1, 2, usd(10))],
    )
    state = state_of(book)
    assert equities(state).tolist()[:2] == [usd(-70), usd(-70)]
    after = run(
        [Deficit(0, usd(99)), Deficit(1, usd(99)), Close(0, 1, 0, 1, usd(50), 0, 0)], state=state
    )
    assert refusals(after) == []
    assert equities(after.state).tolist() == equities(state).tolist()
    assert after.state.positions.instruments.tolist() == [1, 1, 1]


@pytest.mark.parametrize("leg", [Deficit(2, 1), replace(CLOSE, instrument=1), Haircut(-1, 0, 1)])
def test_a_leg_that_names_nothing_is_an_error(leg):
    with pytest.raises(ChainStateInvalid, match="no such"):
        run([leg])


numbers = st.integers(0, 5)
micro = st.integers(0, 10**13)
legs_of_six = st.lists(
    st.one_of(
        st.builds(Deficit, numbers, micro),
        st.builds(Haircut, numbers, st.integers(0, 2), micro),
        st.builds(Credit, numbers, micro),
        st.builds(
            lambda a, b, instrument, lots: Close(a, b, instrument, lots, 0, 0, 0),
            numbers,
            numbers,
            st.just(0),
            st.integers(1, 10**4),
        ),
    ),
    max_size=20,
)


def money(state, after=None):
    cash = int(state.accounts.cash.sum())
    cost = sum(
        int(cost)
        for instrument, cost in zip(state.positions.instruments, state.positions.costs, strict=True)
        if state.instruments[instrument].kind
    )
    moved = after.pot + sum(after.boxes.values()) if after else 0
    return cash - cost + state.funds.insurance_micro + moved


@given(books(trades=20), legs_of_six)
def test_money_and_lots_are_conserved_and_nobody_pays_principal(chain, legs):
    state = state_of(chain)
    wide = replace(
        state, marks=replace(state.marks, bands=read_only([10**12] * len(state.instruments)))
    )
    flags = [Deficit(account, 10**13) for account in range(6)]
    after = project(wide, [*flags, *legs], now_s=GENESIS_S)
    assert money(after.state, after) == money(wide)
    assert lots_by_instrument(after.state) == lots_by_instrument(wide)
    limits_before = haircut_limits(wide, GENESIS_S)
    for account in set(after.taken) | set(after.remote):
        paid = after.taken.get(account, 0) + after.remote.get(account, 0)
        assert paid <= limits_before[account]
    for account, paid in after.credited.items():
        assert equities(after.state)[account] <= 0 < paid


def lots_by_instrument(state):
    sums = {}
    for instrument, lots in zip(
        state.positions.instruments.tolist(), state.positions.lots.tolist(), strict=True
    ):
        sums[instrument] = sums.get(instrument, 0) + lots
    return {instrument: lots for instrument, lots in sums.items() if lots}
