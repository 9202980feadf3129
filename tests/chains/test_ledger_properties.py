"""Whatever the market and the hours do, a haircut takes profit and never principal."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from chains.ledger import (
    Account,
    Quote,
    apply_trade,
    equity,
    haircut,
    haircut_limit,
    realised,
    refund,
    roll,
    unrealised,
)
from chains.model import InstrumentKind

PERPETUAL = InstrumentKind.PERPETUAL
DEPOSIT, ENTRY, LOTS = 10**9, 1_000, 100

moments = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.integers(0, 3_000),
        st.integers(0, 5),
        st.integers(0, 10**6),
        st.booleans(),
    ),
    min_size=1,
    max_size=12,
)


def opened():
    return traded(Account(DEPOSIT, 0, 0, 0, ()), LOTS, ENTRY)


def traded(account, d_lots, mark):
    return apply_trade(
        account, instrument=0, d_lots=d_lots, price=mark, kind=PERPETUAL, cumulative_funding=0
    )


def quotes(mark):
    return {0: Quote(PERPETUAL, 0, mark, 0, 0, 0, 0)}


@given(moments)
def test_haircuts_over_hours_never_exceed_what_was_ever_gained(steps):
    account, gained, taken = opened(), 0, 0
    for hours, mark, part, target, gives_back in steps:
        account = roll(account, account.window + hours)
        if part and account.lots(0) > part:
            before = account
            account = traded(account, -part, mark)
            gained += account.realised_now - before.realised_now
        amount = min(target, haircut_limit(account, quotes(mark)))
        account, taken = haircut(account, amount), taken + amount
        if amount:
            assert taken <= unrealised(account, quotes(mark)) + gained
            assert equity(account, quotes(mark)) >= DEPOSIT
        if gives_back:
            account, taken = refund(account, amount), taken - amount
        assert account.cash == DEPOSIT + gained - taken


@given(moments)
def test_the_limit_is_never_more_than_profit_or_equity_and_taking_it_leaves_none(steps):
    account = opened()
    for hours, mark, *_ in steps:
        account = roll(account, account.window + hours)
        taken = haircut(account, haircut_limit(account, quotes(mark)))
        assert haircut_limit(taken, quotes(mark)) == 0
        assert equity(taken, quotes(mark)) >= min(0, equity(account, quotes(mark)))


@given(moments)
def test_touching_an_account_early_or_late_never_changes_what_it_owes(steps):
    account = opened()
    for hours, mark, part, *_ in steps:
        idle = replace(account)
        for window in range(account.window, account.window + hours + 1):
            account = roll(account, window)
        assert account == roll(idle, idle.window + hours)
        if part and account.lots(0) > part:
            account = traded(account, -part, mark)
    assert realised(roll(account, account.window + 2)) <= 0
