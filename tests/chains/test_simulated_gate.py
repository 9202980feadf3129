"""Plans on the simulated gate: signatures, windows, caps, legs, refunds and the stop."""

from dataclasses import replace

import pytest

from chains.base import Call
from chains.codec.gate import (
    close_plan_call,
    execute_call,
    refund_call,
    resume_call,
    stop_call,
)
from chains.codec.merkle import legs_root
from chains.ledger import Refused, haircut_limits, project
from chains.legs import Close, Credit, Deficit, Haircut
from chains.simulated import LegLog, Reverted, SimulatedChain
from chains.simulated.venue import Match, post_mark
from chains.simulated.worlds import (
    GENESIS_S,
    open_book,
    perpetual,
    perpetual_long_bankrupt__one_short_on_the_same_chain,
    usd,
)
from tests.chains.books import CHAIN_ID, claims_on_venue, state_of
from tests.chains.desk import ANYBODY, Desk
from tests.chains.plan_calls import PLAN_WINDOW_S, plan_calls

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


def test_a_plan_is_committed_once(chain, desk):
    calls = plan_calls(chain, WHOLE)
    desk.does(calls.commit)
    desk.refuses("EpochNotAbove", calls.commit)


def test_a_whole_plan_runs_and_money_is_conserved(chain, desk):
    calls, tokens = plan_calls(chain, WHOLE), desk.contracts.book.tokens
    desk.does(calls.commit)
    assert desk.does(calls.execute[0]) == [
        LegLog(1, 0, 0, usd(100), None),
        LegLog(1, 0, 1, 10, None),
    ]
    desk.refuses("PlanStillOpen", calls.close)
    desk.does(calls.execute[1])
    assert (desk.equity(0), desk.equity(1)) == (0, usd(1_330))
    plan = desk.contracts.gate.plans[1]
    assert (plan.bits, plan.legs_done) == ({0: 3, 1: 3}, 4)
    desk.does(calls.close)
    assert claims_on_venue(desk.contracts) == desk.contracts.book.tokens == tokens


def test_done_legs_are_skipped_and_moved_nothing_again(chain, desk):
    calls = plan_calls(chain, WHOLE)
    for call in (calls.commit, *calls.execute):
        desk.does(call)
    before = desk.contracts
    assert desk.does(calls.execute[0]) == desk.does(calls.execute[1]) == []
    assert desk.contracts.book == before.book


def test_the_mask_skips_a_leg(chain, desk):
    calls = plan_calls(chain, WHOLE)
    desk.does(calls.commit)
    desk.does(calls.retry(0, 0b01))
    assert desk.contracts.gate.plans[1].bits == {0: 1}
    assert desk.does(calls.retry(0, 0b11)) == [LegLog(1, 0, 1, 10, None)]


def test_a_refused_leg_is_named_and_may_be_tried_again(chain, desk):
    calls = plan_calls(chain, WHOLE)
    desk.does(calls.commit)
    assert desk.does(calls.execute[1]) == [
        LegLog(1, 1, 0, 0, "NoNeed"),
        LegLog(1, 1, 1, 0, "NotFlagged"),
    ]
    assert desk.contracts.gate.plans[1].legs_done == 0
    desk.does(calls.execute[0])
    assert [log.refusal for log in desk.does(calls.execute[1])] == [None, None]


def test_an_unknown_leg_or_account_or_instrument_is_refused_by_itself(chain, desk):
    strange = [Deficit(9, 1), WHOLE[0], replace(WHOLE[1], instrument=7), Haircut(9, 0, 1)]
    calls = plan_calls(chain, strange, chunk_size=4)
    desk.does(calls.commit)
    reasons = [log.refusal for log in desk.does(calls.execute[0])]
    assert reasons == ["NotBankrupt", None, "StaleMark", "NothingToTake"]


def test_words_that_are_no_leg_are_refused_by_themselves(chain, desk):
    words = ((9).to_bytes(1, "big") + bytes(31),)
    calls = plan_calls(chain, WHOLE, legs_root=legs_root([words]))
    calls = replace(calls, chunks=(words,))
    desk.does(calls.commit)
    assert [log.refusal for log in desk.does(calls.retry(0, 1))] == ["UnknownLeg"]


def test_legs_that_were_not_signed_do_not_run(chain, desk):
    calls, other = plan_calls(chain, WHOLE), plan_calls(chain, [Haircut(1, 0, usd(400))])
    desk.refuses("PlanNotOpen", calls.execute[0])
    desk.does(calls.commit)
    desk.refuses("BadProof", other.execute[0])
    nothing = execute_call(calls.commit.to, epoch=1, chunk=0, mask=1, words=[], proof=[])
    desk.refuses("BadChunkSize", nothing)


def test_an_expired_plan_runs_no_leg_and_may_be_closed(chain, desk):
    calls = plan_calls(chain, WHOLE)
    desk.does(calls.commit)
    desk.now_s = GENESIS_S + PLAN_WINDOW_S
    desk.refuses("PlanStillOpen", calls.close)
    desk.does(calls.execute[0])
    desk.now_s += 1
    desk.refuses("Expired", calls.execute[1])
    desk.does(calls.close)
    desk.refuses("PlanNotOpen", calls.close)


def test_a_higher_epoch_closes_the_open_plan(chain, desk):
    desk.does(plan_calls(chain, WHOLE).commit)
    desk.does(plan_calls(chain, WHOLE, epoch=5).commit)
    assert desk.contracts.gate.plans[1].is_closed
    assert desk.contracts.gate.open_epoch == 5
    desk.refuses("PlanNotOpen", close_plan_call(chain.genesis.terms.gate, 1))


def test_what_was_taken_and_not_needed_goes_back_and_insurance_to_the_fund(chain, desk):
    calls = plan_calls(chain, WHOLE[:3])
    gate = chain.genesis.terms.gate
    for call in (calls.commit, *calls.execute):
        desk.does(call)
    refund = refund_call(gate, epoch=1, accounts=[1])
    desk.refuses("PlanNotClosed", refund)
    desk.does(calls.close)
    assert desk.contracts.book.insurance == usd(30)
    assert desk.contracts.gate.plans[1].back == usd(70)
    desk.refuses("NothingToRefund", refund_call(gate, epoch=1, accounts=[0]))
    desk.does(refund)
    desk.refuses("NothingToRefund", refund)
    assert desk.equity(1) == usd(1_400)
    assert claims_on_venue(desk.contracts) == desk.contracts.book.tokens


def test_refunds_are_shares_rounded_down_and_the_last_takes_the_dust():
    chain = open_book(
        chain_id=CHAIN_ID,
        listings=[perpetual(mark=usd(60))],
        cash=[usd(300), usd(1_000), usd(1_000)],
        trades=[Match(0, 1, 0, 6, usd(100)), Match(0, 2, 0, 4, usd(100))],
    )
    legs = [
        Deficit(0, usd(100)),
        Close(0, 1, 0, 6, usd(60), 0, 0),
        Close(0, 2, 0, 4, usd(60), 0, 0),
        Haircut(1, 0, usd(50)),
        Haircut(2, 0, usd(70)),
        Credit(0, usd(100) - 1),
    ]
    desk, calls = Desk(chain), plan_calls(chain, legs)
    for call in (calls.commit, *calls.execute, calls.close):
        desk.does(call)
    before = [desk.equity(account) for account in (1, 2)]
    for account in (1, 2):
        desk.does(refund_call(calls.commit.to, epoch=1, accounts=[account]))
    paid = [desk.equity(account) - was for account, was in zip((1, 2), before, strict=True)]
    assert paid == [8_333_333, 11_666_668]
    assert claims_on_venue(desk.contracts) == desk.contracts.book.tokens


def test_the_bucket_is_reserved_at_commit_and_gets_back_what_was_not_kept(chain):
    terms = replace(chain.genesis.terms, bucket_capacity=usd(100), bucket_refill=usd(1))
    gate = replace(chain.genesis.gate, bucket_level=usd(100))
    desk = Desk(SimulatedChain(replace(chain.genesis, terms=terms, gate=gate), GENESIS_S))
    caps = {"haircut_cap_micro": usd(80), "remote_cap_micro": usd(20)}
    desk.refuses("BucketExhausted", plan_calls(desk.chain, WHOLE).commit)
    calls = plan_calls(desk.chain, WHOLE, **caps)
    for call in (calls.commit, *calls.execute, calls.close):
        desk.does(call)
    assert desk.contracts.gate.bucket_level == usd(30)
    again = plan_calls(desk.chain, WHOLE, epoch=2, expiry_s=GENESIS_S + 600, **caps).commit
    desk.now_s = GENESIS_S + 69
    desk.refuses("BucketExhausted", again)
    desk.now_s = GENESIS_S + 70
    desk.does(again)


def test_a_haircut_over_hours_never_touches_principal(chain, desk):
    """The same open profit is offered hour after hour; the winner pays it once."""
    paid = 0
    for epoch in range(1, 7):
        desk.now_s += 3_600
        desk.acts(post_mark, instrument=0, mark=usd(60), mm_per_lot=1, band=1)
        times = {"not_before_s": desk.now_s, "expiry_s": desk.now_s + 60}
        calls = plan_calls(chain, [WHOLE[0], Haircut(1, 0, usd(150))], epoch=epoch, **times)
        desk.does(calls.commit)
        desk.does(calls.execute[0])
        paid += desk.contracts.gate.plans[epoch].money.taken_total
    assert paid == usd(400)
    assert desk.equity(1) == usd(1_000)


def test_only_the_guardian_stops_and_only_governance_resumes(chain, desk):
    terms, calls = chain.genesis.terms, plan_calls(chain, WHOLE, expiry_s=GENESIS_S + 600)
    stop, resume = stop_call(terms.gate), resume_call(terms.gate)
    desk.refuses("NotGuardian", stop)
    desk.does(stop, sender=terms.guardian)
    desk.refuses("Stopped", calls.commit)
    desk.refuses("NotGovernance", resume, sender=terms.guardian)
    desk.does(resume, sender=terms.governance)
    desk.does(calls.commit)
    desk.now_s += 2_399
    desk.refuses("StoppedTooOften", stop, sender=terms.guardian)
    desk.now_s += 1
    desk.does(stop, sender=terms.guardian)
    desk.refuses("Stopped", calls.execute[0])


def test_a_call_that_nothing_answers_reverts_and_a_plain_transfer_does_nothing(chain, desk):
    desk.refuses("nothing at .*", Call(chain.genesis.terms.gate, b"\1\2\3\4"))
    assert desk.does(Call(ANYBODY, b"")) == []


def test_calldata_that_is_cut_off_reverts(chain, desk):
    commit = plan_calls(chain, WHOLE).commit
    with pytest.raises(Reverted, match="commit: "):
        desk.does(Call(commit.to, commit.data[:-64]))


def test_the_projection_is_what_the_gate_does(chain, desk):
    calls = plan_calls(chain, WHOLE)
    expected = project(state_of(chain), WHOLE, now_s=GENESIS_S)
    desk.does(calls.commit)
    logs = [log for call in calls.execute for log in desk.does(call)]
    assert [log.amount for log in logs] == [outcome.amount for outcome in expected.outcomes]
    assert not any(isinstance(outcome, Refused) for outcome in expected.outcomes)
    assert haircut_limits(expected.state, GENESIS_S).tolist() == [0, usd(330)]
