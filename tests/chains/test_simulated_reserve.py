"""Cash across two simulated chains: every step, its refusals, and what money is where."""

from dataclasses import replace

import pytest

from chains.codec.merkle import edge_id
from chains.codec.reserve import (
    apply_call,
    fund_call,
    open_call,
    prepare_call,
    refund_escrow_call,
    register_call,
    remit_call,
    repay_call,
    set_credit_line_call,
)
from chains.legs import Close, Credit, Deficit, Edge, Haircut
from chains.simulated import EdgeState
from chains.simulated.reserve import free, sealed
from chains.simulated.venue import deposit, withdraw
from chains.simulated.worlds import (
    GENESIS_S,
    decided,
    gate_address,
    short_call_bankrupt__two_longs_on_another_chain,
    usd,
)
from tests.chains.books import claims_on_reserve, claims_on_venue
from tests.chains.desk import Desk
from tests.chains.plan_calls import PLAN_WINDOW_S, own_slice, plan_calls

A, B = 31_337, 31_338
DECIDE_BY_S = GENESIS_S + PLAN_WINDOW_S
EDGE = Edge(1, 1, 2, usd(140), DECIDE_BY_S, A, gate_address(A), 0, B, gate_address(B))
IDENTITY = edge_id(EDGE)
HERE = [
    Deficit(0, usd(300)),
    Close(0, 2, 0, 10, usd(50), 0, 0),
    Haircut(2, 0, usd(50)),
    Credit(0, usd(70)),
]
THERE = [Haircut(0, 1, usd(40)), Haircut(1, 1, usd(100))]


class Settlement:
    """Both sides of one edge, with the plan committed on each."""

    def __init__(self):
        here, there = short_call_bankrupt__two_longs_on_another_chain()
        self.a, self.b = Desk(here), Desk(there)
        slices = {"a": own_slice(there, THERE), "b": own_slice(here, HERE)}
        self.plan_a = plan_calls(here, HERE, edges=[EDGE], slices=[slices["a"]])
        self.plan_b = plan_calls(there, THERE, edges=[EDGE], slices=[slices["b"]])
        self.a.does(self.plan_a.commit)
        self.b.does(self.plan_b.commit)
        terms = here.genesis.terms, there.genesis.terms
        self.prepare = prepare_call(terms[0].reserve, EDGE, self.plan_a.edge_proof(0))
        self.open = open_call(terms[1].reserve, EDGE, self.plan_b.edge_proof(0))

    def close_here(self):
        for call in self.plan_a.execute:
            self.a.does(call)

    def prepare_both(self):
        self.close_here()
        self.a.does(self.prepare)
        self.b.does(self.open)
        self.b.does(self.plan_b.execute[0])

    def register(self, desk, amount):
        return register_call(
            desk.chain.genesis.terms.reserve,
            EDGE,
            amount_micro=amount,
            signatures=decided(IDENTITY, amount),
        )

    def apply(self, desk):
        return apply_call(desk.chain.genesis.terms.reserve, IDENTITY)

    def refund(self, accounts):
        return refund_escrow_call(self.b.chain.genesis.terms.reserve, IDENTITY, accounts)

    def check_money(self):
        for desk in (self.a, self.b):
            contracts = desk.contracts
            assert claims_on_venue(contracts) == contracts.book.tokens
            assert claims_on_reserve(contracts, free(contracts)) == contracts.reserve.tokens


@pytest.fixture
def two():
    settlement = Settlement()
    yield settlement
    settlement.check_money()


def side(desk):
    seen = sealed(desk.contracts, EDGE, desk.now_s)
    return seen.state, seen.is_sealed, seen.amount


def test_a_whole_edge_makes_the_bankrupt_whole_and_leaves_a_debt(two):
    two.prepare_both()
    assert side(two.a) == (EdgeState.PREPARED, True, usd(140))
    assert side(two.b) == (EdgeState.OPENED, True, usd(100))
    for desk in (two.a, two.b):
        desk.does(two.register(desk, usd(100)))
        desk.does(two.apply(desk))
    assert two.a.equity(0) == usd(-230) + usd(100)
    assert two.a.contracts.book.accounts[0].bound == 0
    line = two.a.contracts.reserve.lines[B, gate_address(B)]
    assert (line.paid_micro, line.earmarked_micro) == (usd(100), 0)
    assert two.b.contracts.reserve.owing == {(A, gate_address(A)): (usd(100), 0)}
    assert free(two.a.contracts) == usd(900)


def test_prepare_waits_for_a_flat_account(two):
    two.a.refuses("AccountNotFlat", two.prepare)
    two.close_here()
    two.a.does(two.prepare)
    assert two.a.contracts.book.accounts[0].bound == usd(140)
    two.a.refuses("EdgeNotNew", two.prepare)


def test_only_an_edge_of_the_committed_plan_is_prepared_or_opened(two):
    two.close_here()
    reserve = two.a.chain.genesis.terms.reserve
    proof = two.plan_a.edge_proof(0)
    other = replace(EDGE, planned_micro=usd(141))
    two.a.refuses("EdgeNotProven", prepare_call(reserve, other, proof))
    two.a.refuses("EdgeNotProven", prepare_call(reserve, replace(EDGE, epoch=2), proof))
    two.a.refuses("NotThisSide", open_call(reserve, EDGE, proof))
    reserve_b = two.b.chain.genesis.terms.reserve
    two.b.refuses("NotThisSide", prepare_call(reserve_b, EDGE, proof))
    two.b.refuses("EdgeNotProven", open_call(reserve_b, other, proof))


def test_nothing_is_prepared_after_its_time(two):
    two.close_here()
    two.a.now_s = two.b.now_s = DECIDE_BY_S + 1
    two.a.refuses("Late", two.prepare)
    two.b.refuses("Late", two.open)
    assert side(two.a) == side(two.b) == (EdgeState.NONE, True, 0)


def test_a_stop_holds_prepare_but_not_register_or_apply(two):
    two.prepare_both()
    two.a.contracts.gate.stopped_until_s = two.b.contracts.gate.stopped_until_s = 2**40
    for desk in (two.a, two.b):
        desk.does(two.register(desk, usd(80)))
        desk.does(two.apply(desk))
    fresh = Settlement()
    fresh.close_here()
    fresh.a.contracts.gate.stopped_until_s = 2**40
    fresh.a.refuses("Stopped", fresh.prepare)


@pytest.mark.parametrize(("limit", "reserve"), [(usd(60), usd(1_000)), (usd(500), usd(60))])
def test_an_earmark_keeps_the_credit_line_and_the_free_reserve(two, limit, reserve):
    two.close_here()
    terms, gate_b = two.a.chain.genesis.terms, gate_address(B)
    line = set_credit_line_call(terms.reserve, chain_id=B, gate=gate_b, limit_micro=limit)
    two.a.refuses("NotGovernance", line)
    two.a.does(line, sender=terms.governance)
    two.a.contracts.reserve.tokens = reserve
    two.a.does(two.prepare)
    assert side(two.a) == (EdgeState.PREPARED, True, usd(60))


def test_without_credit_nothing_is_earmarked(two):
    two.close_here()
    two.a.contracts.reserve.lines.clear()
    two.a.refuses("NothingToEarmark", two.prepare)


def test_a_bound_account_takes_part_in_nothing_until_the_edge_is_applied(two):
    two.prepare_both()
    owner = (1).to_bytes(20, "big")
    two.a.refuses_action("AccountBound", deposit, 0, 1)
    two.a.refuses_action("AccountBound", withdraw, 0, 1, sender=owner)
    again = plan_calls(two.a.chain, [Deficit(0, usd(300)), Credit(0, usd(300))], epoch=2)
    two.a.does(again.commit)
    assert [log.amount for log in two.a.does(again.execute[0])] == [usd(90), 0]


def test_a_box_takes_nothing_before_it_is_opened_or_when_late(two):
    refused = two.b.does(two.plan_b.execute[0])
    assert [log.refusal for log in refused] == ["NothingToTake", "NothingToTake"]
    two.b.does(two.open)
    two.b.refuses("EdgeNotNew", two.open)
    two.b.now_s = DECIDE_BY_S
    taken = two.b.does(two.plan_b.retry(0, 0b01))
    assert [log.amount for log in taken] == [usd(40)]
    assert side(two.b) == (EdgeState.OPENED, False, 0)
    two.b.now_s += 1
    two.b.refuses("Expired", two.plan_b.retry(0, 0b10))
    assert side(two.b) == (EdgeState.OPENED, True, usd(40))


def test_a_decision_needs_a_sealed_side_its_quorum_and_its_own_amount(two):
    two.close_here()
    two.b.does(two.open)
    two.a.refuses("NotSealed", two.register(two.a, 0))
    two.b.refuses("NotSealed", two.register(two.b, 0))
    two.a.does(two.prepare)
    two.a.refuses("AboveOwnSide", two.register(two.a, usd(140) + 1))
    reserve = two.a.chain.genesis.terms.reserve
    forged = decided(IDENTITY, usd(2))
    two.a.refuses(
        "WrongSigner", register_call(reserve, EDGE, amount_micro=usd(1), signatures=forged)
    )
    two.a.refuses("NotDecided", two.apply(two.a))
    two.a.does(two.register(two.a, usd(1)))
    two.a.refuses("AlreadyDecided", two.register(two.a, usd(1)))
    two.a.does(two.apply(two.a))
    two.a.refuses("NotDecided", two.apply(two.a))


def test_an_unprepared_late_side_registers_only_nothing(two):
    two.a.now_s = DECIDE_BY_S + 1
    two.a.refuses("AboveOwnSide", two.register(two.a, 1))
    two.a.does(two.register(two.a, 0))
    two.a.does(two.apply(two.a))
    assert side(two.a) == (EdgeState.APPLIED, True, 0)


def test_escrow_that_was_not_needed_goes_back_pro_rata_and_dust_to_insurance(two):
    two.prepare_both()
    two.b.refuses("NotApplied", two.refund([0]))
    two.b.does(two.register(two.b, usd(100) - 4))
    two.b.does(two.apply(two.b))
    two.b.refuses("NothingToReturn", two.refund([2]))
    before = [two.b.equity(account) for account in (0, 1)]
    two.b.does(two.refund([0]))
    two.b.refuses("NothingToReturn", two.refund([0]))
    two.b.does(two.refund([1]))
    assert [two.b.equity(n) - before[n] for n in (0, 1)] == [1, 2]
    assert two.b.contracts.book.insurance == 1


def test_money_is_brought_from_b_to_a_by_the_treasurer(two):
    two.prepare_both()
    for desk in (two.a, two.b):
        desk.does(two.register(desk, usd(80)))
        desk.does(two.apply(desk))
    terms_a, terms_b = two.a.chain.genesis.terms, two.b.chain.genesis.terms
    remit = {"chain_id": A, "gate": terms_a.gate, "to": terms_a.reserve}
    call = remit_call(terms_b.reserve, amount_micro=usd(80), **remit)
    two.b.refuses("NotTreasurer", call)
    too_much = remit_call(terms_b.reserve, amount_micro=usd(80) + 1, **remit)
    two.b.refuses("AboveOwed", too_much, sender=terms_b.treasurer)
    two.b.does(call, sender=terms_b.treasurer)
    two.a.does(repay_call(terms_a.reserve, chain_id=B, gate=terms_b.gate, amount_micro=usd(80)))
    two.a.does(fund_call(terms_a.reserve, usd(3)))
    assert free(two.a.contracts) == usd(1_003)
    assert two.a.contracts.reserve.lines[B, terms_b.gate].room_micro == usd(500)
