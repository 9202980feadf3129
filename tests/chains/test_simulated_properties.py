"""Random hours on a simulated venue: money, lots and equity, and the projection of every plan."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from chains.codec.gate import refund_call
from chains.ledger import PlanLimits, Refused, project
from chains.legs import Close, Credit, Deficit, Haircut
from chains.simulated import Reverted
from chains.simulated.snapshot import chain_state
from chains.simulated.venue import Match, deposit, post_funding, post_mark, trade, withdraw
from tests.chains.books import books, claims_on_venue
from tests.chains.desk import Desk
from tests.chains.plan_calls import UNLIMITED, plan_calls

ACCOUNTS = st.integers(0, 5)
MICRO = st.integers(0, 10**10)

legs = st.one_of(
    st.builds(Haircut, ACCOUNTS, st.integers(0, 1), MICRO),
    st.builds(Credit, ACCOUNTS, MICRO),
    st.builds(
        lambda a, b, lots: Close(a, b, 0, lots, 0, 0, 0), ACCOUNTS, ACCOUNTS, st.integers(1, 10**4)
    ),
)
plans = st.tuples(st.just("plan"), st.lists(legs, max_size=4), st.integers(1, 10**4), MICRO)
marks = st.tuples(st.just("mark"), st.integers(1, 10**7), st.integers(-(10**6), 10**6))
trades = st.tuples(
    st.just("trade"), ACCOUNTS, ACCOUNTS, st.integers(1, 10**4), st.integers(0, 10**7)
)
money = st.tuples(st.just("money"), ACCOUNTS, MICRO)
steps = st.lists(st.one_of(marks, trades, money, plans), min_size=1, max_size=8)
FLAGS = [Deficit(account, UNLIMITED) for account in range(6)]


def attempt(desk, action, *given_, **named):
    try:
        desk.acts(action, *given_, **named)
    except Reverted:
        return


def post(desk, mark, funding):
    desk.now_s += 1
    for instrument in desk.contracts.book.quotes:
        desk.acts(post_mark, instrument=instrument, mark=mark, mm_per_lot=1, band=10**12)
        desk.acts(
            lambda contracts, _, n=instrument: post_funding(
                contracts, instrument=n, cumulative_funding=funding, sequence=desk.now_s
            )
        )


def move(desk, account, amount):
    owner = (account + 1).to_bytes(20, "big")
    attempt(desk, deposit, account, amount)
    attempt(desk, withdraw, account, amount // 2, sender=owner)


def exchange(desk, buyer, seller, lots, price):
    match = [Match(buyer, seller, 0, lots, price)]
    attempt(desk, trade, match, sender=desk.chain.genesis.terms.matcher)


def sensible_legs(desk, lots, target):
    """Close whatever is bankrupt against every other side, then take and pay."""
    book = desk.contracts.book
    held = {n: account.lots(0) for n, account in book.accounts.items()}
    mark = book.quotes[0].mark
    closes = [
        Close(a, b, 0, lots, mark, 0, 0)
        for a in held
        for b in held
        if desk.equity(a) < 0 and held[a] * held[b] < 0
    ]
    haircuts = [Haircut(account, 0, target) for account in held]
    return [*closes, *haircuts, *(Credit(account, target) for account in held)]


def run_plan(desk, planned, lots, target):
    """Carry a plan out leg by leg and compare with its projection on the state before."""
    epoch = desk.contracts.gate.last_epoch + 1
    all_legs = [*FLAGS, *planned, *sensible_legs(desk, lots, target)]
    times = {"not_before_s": desk.now_s, "expiry_s": desk.now_s + 60}
    calls = plan_calls(desk.chain, all_legs, epoch=epoch, chunk_size=4, **times)
    desk.does(calls.commit)
    before = chain_state(desk.contracts, replace(desk.chain.head.ref, timestamp_s=desk.now_s))
    limits = PlanLimits.of(calls.header, account_cap_ppm=1_000_000, mark_age_s_max=60)
    local = [leg for leg in all_legs if not (isinstance(leg, Haircut) and leg.box)]
    expected = project(before, local, now_s=desk.now_s, limits=limits)
    logs = [log for call in calls.execute for log in desk.does(call)]
    compare(desk, logs, all_legs, expected)
    desk.now_s += 61
    desk.does(calls.close)
    payers = sorted(desk.contracts.gate.plans[epoch].money.taken)
    if desk.contracts.gate.plans[epoch].back:
        desk.does(refund_call(calls.commit.to, epoch=epoch, accounts=payers))


def compare(desk, logs, all_legs, expected):
    """A box that was never opened takes nothing; every other leg is as projected."""
    told = [
        (log.amount, log.refusal)
        for log, leg in zip(logs, all_legs, strict=True)
        if not (isinstance(leg, Haircut) and leg.box)
    ]
    assert told == [
        (0, outcome.reason) if isinstance(outcome, Refused) else (outcome.amount, None)
        for outcome in expected.outcomes
    ]
    after = chain_state(desk.contracts, desk.chain.head.ref)
    assert after.accounts.cash.tolist() == expected.state.accounts.cash.tolist()
    assert after.positions.lots.tolist() == expected.state.positions.lots.tolist()
    assert after.positions.costs.tolist() == expected.state.positions.costs.tolist()
    assert after.funds.insurance_micro == expected.state.funds.insurance_micro


DO = {"mark": post, "trade": exchange, "money": move, "plan": run_plan}


@settings(max_examples=60, deadline=None)
@given(books(trades=20, trades_min=4), steps)
def test_money_is_conserved_and_plans_do_what_was_projected(chain, given_steps):
    desk = Desk(chain)
    for name, *values in given_steps:
        desk.now_s += 1_801
        post(desk, 10**6, 0)
        DO[name](desk, *values)
        contracts = desk.contracts
        assert claims_on_venue(contracts) == contracts.book.tokens
        assert open_lots(contracts) == {}


def open_lots(contracts):
    sums = {}
    for account in contracts.book.accounts.values():
        for position in account.positions:
            sums[position.instrument] = sums.get(position.instrument, 0) + position.lots
    return {instrument: lots for instrument, lots in sums.items() if lots}
