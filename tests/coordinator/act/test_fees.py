"""Fees: as much as the urgency justifies, never less than a node's price bump."""

from hypothesis import given
from hypothesis import strategies as st

from chains.base import FeeQuote
from coordinator.act.fees import Bid, FeePolicy, Urgency, ValueCeiling, first_bid, next_bid

GWEI = 10**9
CALM = FeeQuote(base_fee_wei=10 * GWEI, priority_fee_wei=GWEI)
URGENCY = Urgency(value_micro=10**12, seconds_left=100, backlog_gas=10**6)
FEES = st.integers(1, 10**13)


def flat(limit):
    return FeePolicy(ceiling=lambda urgency: limit)


def test_above_the_ceiling_there_is_no_next_bid():
    policy = flat(25 * GWEI)
    assert next_bid(Bid(23 * GWEI, GWEI), CALM, policy, URGENCY) is None


def test_a_first_bid_never_passes_the_ceiling_nor_its_priority_fee_the_cap():
    assert first_bid(CALM, flat(15 * GWEI), URGENCY) == Bid(15 * GWEI, GWEI)
    assert first_bid(CALM, flat(GWEI // 2), URGENCY) == Bid(GWEI // 2, GWEI // 2)


def test_a_first_bid_leaves_room_for_the_base_fee_to_double():
    assert first_bid(CALM, flat(10**12), URGENCY) == Bid(21 * GWEI, GWEI)


@given(FEES, FEES, FEES, FEES)
def test_every_next_bid_is_an_eighth_higher_in_both_fees(cap, priority, base, tip):
    last = Bid(max(cap, priority), priority)
    bid = next_bid(last, FeeQuote(base, tip), flat(10**18), URGENCY)
    assert bid.fee_cap_wei * 1_000 >= last.fee_cap_wei * 1_125
    assert bid.priority_fee_wei * 1_000 >= last.priority_fee_wei * 1_125
    assert bid.fee_cap_wei >= bid.priority_fee_wei
    assert bid.fee_cap_wei >= base


def test_the_base_fee_times_ten_is_followed_at_once():
    dear = FeeQuote(base_fee_wei=100 * GWEI, priority_fee_wei=GWEI)
    assert next_bid(Bid(21 * GWEI, GWEI), dear, flat(10**12), URGENCY).fee_cap_wei == 201 * GWEI


def test_the_ceiling_rises_with_money_and_urgency_and_falls_with_the_backlog():
    ceiling = ValueCeiling(floor_wei=1)
    calm = Urgency(value_micro=10**9, seconds_left=300, backlog_gas=10**6)
    assert ceiling(calm) == 2_000_000_000
    assert ceiling(Urgency(value_micro=10**9, seconds_left=1, backlog_gas=10**6)) == 7_980_000_000
    assert ceiling(Urgency(value_micro=2 * 10**9, seconds_left=300, backlog_gas=10**6)) == 4 * GWEI
    assert ceiling(Urgency(value_micro=10**9, seconds_left=300, backlog_gas=4 * 10**6)) == GWEI // 2


def test_without_a_deadline_there_is_no_hurry():
    ceiling = ValueCeiling(floor_wei=1)
    assert ceiling(Urgency(value_micro=10**9, seconds_left=0, backlog_gas=10**6)) == 2 * GWEI


def test_a_small_plan_may_always_bid_the_floor():
    nothing = Urgency(value_micro=0, seconds_left=1, backlog_gas=10**7)
    assert ValueCeiling(floor_wei=3 * GWEI)(nothing) == 3 * GWEI
