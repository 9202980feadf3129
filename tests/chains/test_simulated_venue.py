"""What users, the matcher and the oracles may do on the simulated venue."""

import pytest

from chains.codec.merkle import group_id
from chains.legs import Close, Credit, Deficit, Haircut
from chains.model import AccountId
from chains.simulated import Reverted
from chains.simulated.venue import (
    Match,
    deposit,
    fund_insurance,
    leave_group,
    open_account,
    post_funding,
    post_mark,
    register_group,
    settle,
    trade,
    withdraw,
)
from chains.simulated.worlds import (
    GENESIS_S,
    Listing,
    call,
    open_book,
    perpetual_long_bankrupt__one_short_on_the_same_chain,
    usd,
)
from tests.chains.books import CHAIN_ID, claims_on_venue
from tests.chains.desk import Desk
from tests.chains.plan_calls import plan_calls

WHOLE = [
    Deficit(0, usd(1_000)),
    Close(0, 1, 0, 10, usd(60), 0, 0),
    Haircut(1, 0, usd(70)),
    Credit(0, usd(100)),
]


@pytest.fixture
def chain():
    return perpetual_long_bankrupt__one_short_on_the_same_chain()


@pytest.fixture
def desk(chain):
    return Desk(chain)


def test_profit_waits_for_an_open_plan_and_cash_does_not(chain, desk):
    owner = (2).to_bytes(20, "big")
    desk.does(plan_calls(chain, WHOLE).commit)
    desk.refuses_action("NotOwner", withdraw, 1, 1)
    desk.refuses_action("InsufficientCash", withdraw, 1, usd(1_001), sender=owner)
    desk.acts(withdraw, 1, usd(987), sender=owner)
    assert desk.equity(1) == usd(413)


def test_a_winner_that_closed_may_not_leave_with_its_profit(chain, desk):
    owner, matcher = (2).to_bytes(20, "big"), chain.genesis.terms.matcher
    desk.acts(deposit, 0, usd(200))
    desk.acts(trade, [Match(1, 0, 0, 10, usd(60))], sender=matcher)
    desk.does(plan_calls(chain, WHOLE).commit)
    desk.refuses_action(r"InsufficientMargin\(1\)", withdraw, 1, usd(1_000) + 1, sender=owner)
    desk.acts(withdraw, 1, usd(1_000), sender=owner)


def test_the_venue_asks_for_initial_margin_on_fresh_marks(chain, desk):
    matcher = chain.genesis.terms.matcher
    match = [Match(1, 0, 0, 1, usd(60))]
    desk.refuses_action("NotMatcher", trade, match)
    desk.refuses_action(r"InsufficientMargin\(0\)", trade, match, sender=matcher)
    desk.acts(deposit, 0, usd(200))
    desk.acts(trade, match, sender=matcher)
    desk.now_s += 61
    desk.refuses_action("StaleMark", trade, match, sender=matcher)
    assert claims_on_venue(desk.contracts) == desk.contracts.book.tokens


@pytest.mark.parametrize(
    ("match", "error"),
    [
        (Match(0, 0, 0, 1, 1), "SelfTrade"),
        (Match(0, 1, 0, 0, 1), "ZeroAmount"),
        (Match(0, 1, 9, 1, 1), "UnknownInstrument"),
        (Match(9, 1, 0, 1, 1), "UnknownAccount"),
    ],
)
def test_a_match_that_is_none_is_refused(chain, desk, match, error):
    desk.refuses_action(error, trade, [match], sender=chain.genesis.terms.matcher)


@pytest.fixture
def expiring():
    """Account 0 is long two calls from 40 and account 1 short, an hour before the expiry."""
    option = call(strike=usd(1), mark=usd(50))
    listing = Listing(kind=option.kind, mark=option.mark, expiry_s=GENESIS_S + 3_600, strike=1)
    return Desk(
        open_book(
            chain_id=CHAIN_ID,
            listings=[listing],
            cash=[usd(100), usd(100)],
            trades=[Match(0, 1, 0, 2, usd(40))],
        )
    )


def post(desk, mark):
    desk.acts(post_mark, instrument=0, mark=mark, mm_per_lot=1, band=1)


def test_an_expired_position_is_settled_at_the_first_mark_from_expiry_on(expiring):
    expiring.refuses_action("NotFinal", settle, 0, 0)
    expiring.now_s += 3_600
    expiring.refuses_action("NotFinal", settle, 0, 0)
    post(expiring, usd(70))
    expiring.now_s += 1
    with pytest.raises(Reverted, match=r"^InstrumentExpired$"):
        post(expiring, usd(90))
    expiring.acts(settle, 0, 0)
    assert claims_on_venue(expiring.contracts) == expiring.contracts.book.tokens
    expiring.acts(settle, 1, 0)
    expiring.refuses_action("NoPosition", settle, 1, 0)
    assert [expiring.equity(account) for account in (0, 1)] == [usd(160), usd(40)]
    assert expiring.contracts.book.unsettled == 0
    matcher = expiring.chain.genesis.terms.matcher
    expiring.refuses_action("InstrumentExpired", trade, [Match(0, 1, 0, 1, 1)], sender=matcher)


def test_marks_only_get_newer_and_funding_sequences_only_go_up(desk):
    with pytest.raises(Reverted, match=r"^MarkNotNewer$"):
        post(desk, usd(1))
    desk.acts(
        lambda contracts, _: post_funding(contracts, instrument=0, cumulative_funding=7, sequence=1)
    )
    assert desk.equity(0) == usd(-100) - 70
    assert desk.equity(1) == usd(1_400) + 70
    with pytest.raises(Reverted, match=r"^FundingNotNewer$"):
        desk.acts(
            lambda contracts, _: post_funding(
                contracts, instrument=0, cumulative_funding=8, sequence=1
            )
        )


def test_a_group_is_named_by_its_members_and_left_again(chain, desk):
    terms, owner = chain.genesis.terms, (2).to_bytes(20, "big")
    own, other = AccountId(terms.chain_id, terms.gate, 1), AccountId(1, bytes(20), 0)
    desk.refuses_action("NotOwner", register_group, 1, [own])
    desk.refuses_action("InvalidGroup", register_group, 1, [other], sender=owner)
    desk.acts(register_group, 1, [own, other], sender=owner)
    assert desk.contracts.book.groups == {1: group_id([other, own])}
    desk.refuses_action("NotOwner", leave_group, 1)
    desk.acts(leave_group, 1, sender=owner)
    assert desk.contracts.book.groups == {}


def test_anybody_opens_accounts_and_pays_in(desk):
    desk.acts(lambda contracts, env: open_account(contracts, env.sender))
    desk.acts(deposit, 2, usd(5))
    desk.acts(lambda contracts, _: fund_insurance(contracts, usd(7)))
    desk.refuses_action("UnknownAccount", deposit, 3, 1)
    assert desk.equity(2) == usd(5)
    assert claims_on_venue(desk.contracts) == desk.contracts.book.tokens == usd(1_342)
