"""The transactions that a signed plan asks for: which, in what order, with what calldata."""

from dataclasses import replace

import pytest

from chains.codec.gate import close_plan_call, commit_call, execute_call, refund_call
from chains.codec.merkle import chunk_leaf, edge_id, verify_proof
from chains.codec.quorum import pack_signatures, unpack_signatures
from chains.codec.reserve import apply_call, refund_escrow_call, register_call
from chains.simulated.worlds import VERIFIERS, gate_address, reserve_address, usd
from coordinator.act import gas
from coordinator.act.decisions import Decision, decision_intents
from coordinator.act.intents import Kind, plan_intents, successor
from coordinator.act.sites import sites_of
from coordinator.errors import DocumentInvalid
from tests.coordinator.act.scenes import (
    CHAIN_A,
    CHAIN_B,
    short_call_bankrupt__one_winner_here__two_there,
    signed,
)

GATE_A, GATE_B = gate_address(CHAIN_A), gate_address(CHAIN_B)
RESERVE_A, RESERVE_B = reserve_address(CHAIN_A), reserve_address(CHAIN_B)


@pytest.fixture(scope="module")
def document():
    return short_call_bankrupt__one_winner_here__two_there().document


@pytest.fixture(scope="module")
def intents(document):
    return plan_intents(document, threshold=3)


def one(intents, kind, chain_id=CHAIN_A, number=0):
    return next(i for i in intents if (i.kind, i.chain_id, i.number) == (kind, chain_id, number))


def test_fewer_signatures_than_the_threshold_are_refused(document):
    few = signed(document, keys=VERIFIERS[:2])
    with pytest.raises(DocumentInvalid, match="2 verifiers signed, 3 are needed"):
        plan_intents(few, threshold=3)


def test_the_same_verifier_twice_counts_once(document):
    doubled = replace(document, signatures=(document.signatures[0],) * 3)
    with pytest.raises(DocumentInvalid, match="1 verifiers signed"):
        plan_intents(doubled, threshold=3)


def test_headers_that_do_not_fit_the_slices_are_refused(document):
    with pytest.raises(DocumentInvalid, match="1 headers for 2 slices"):
        sites_of(replace(document, headers=document.headers[:1]))


def test_a_slice_without_a_venue_in_the_snapshot_is_refused(document):
    snapshot = replace(document.snapshot, chains=document.snapshot.chains[:1])
    with pytest.raises(DocumentInvalid, match=f"the slice of chain {CHAIN_B} has no venue"):
        sites_of(replace(document, snapshot=snapshot))


def test_every_step_stands_in_its_order_on_its_chain(intents):
    assert [(i.chain_id, i.kind, i.number) for i in intents] == [
        (CHAIN_A, Kind.COMMIT, 0),
        (CHAIN_A, Kind.EXECUTE, 0),
        (CHAIN_A, Kind.EXECUTE, 1),
        (CHAIN_A, Kind.PREPARE, 1),
        (CHAIN_A, Kind.CLOSE_PLAN, 0),
        (CHAIN_A, Kind.REFUND, 0),
        (CHAIN_B, Kind.COMMIT, 0),
        (CHAIN_B, Kind.OPEN_EDGE, 1),
        (CHAIN_B, Kind.EXECUTE, 0),
        (CHAIN_B, Kind.CLOSE_PLAN, 0),
    ]
    assert len({i.key for i in intents}) == len(intents)


def test_a_step_comes_after_what_it_needs(intents):
    commit = one(intents, Kind.COMMIT)
    executes = [one(intents, Kind.EXECUTE, number=n) for n in range(2)]
    assert commit.after == ()
    assert {e.after for e in executes} == {(commit.step,)}
    assert one(intents, Kind.PREPARE, number=1).after == tuple(e.step for e in executes)
    assert one(intents, Kind.CLOSE_PLAN).after == (commit.step,)
    assert one(intents, Kind.REFUND).after == (one(intents, Kind.CLOSE_PLAN).step,)


def test_only_what_a_plan_may_not_do_late_has_a_deadline(intents, document):
    late = document.plan.expiry_s
    with_deadline = {i.kind for i in intents if i.deadline_s == late}
    assert with_deadline == {Kind.COMMIT, Kind.OPEN_EDGE, Kind.EXECUTE, Kind.PREPARE}
    assert {i.deadline_s for i in intents if i.kind not in with_deadline} == {0}


def test_the_commit_carries_exactly_the_threshold_of_the_lowest_signers(document):
    everybody = signed(document, keys=VERIFIERS)
    commit = one(plan_intents(everybody, threshold=3), Kind.COMMIT, CHAIN_B)
    packed = pack_signatures({s.signer: s.by_slice[1] for s in everybody.signatures[:3]})
    assert sorted(unpack_signatures(packed)) == [0, 1, 2]
    assert commit.call == commit_call(GATE_B, document.headers[1], packed)


def test_a_chunk_carries_its_words_its_whole_mask_and_a_proof_that_holds(intents, document):
    site = sites_of(document)[0]
    intent = one(intents, Kind.EXECUTE, number=1)
    proof = site.chunk_proof(1)
    assert verify_proof(site.header.legs_root, chunk_leaf(1, site.chunks[1]), proof)
    assert intent.part == (0, 1)
    assert intent.call == execute_call(
        GATE_A, epoch=1, chunk=1, mask=0b11, words=site.chunks[1], proof=proof
    )


def test_edges_are_proven_against_the_plan_root(document):
    edge = document.plan.edges[0]
    for site in sites_of(document):
        assert site.edges == (edge,)
        assert verify_proof(site.header.plan_root, edge_id(edge), site.edge_proof(edge))


def test_a_successor_is_the_same_step_for_the_open_words_only(intents, document):
    site, last = sites_of(document)[0], one(intents, Kind.EXECUTE, number=1)
    again = successor(site, last, (1,))
    assert (again.step, again.generation, again.part) == (last.step, 1, (1,))
    assert again.key != last.key
    assert again.gas == gas.execute_gas(words=1) < last.gas
    assert again.call == execute_call(
        GATE_A, epoch=1, chunk=1, mask=0b10, words=site.chunks[1], proof=site.chunk_proof(1)
    )


def test_a_successor_of_anything_else_is_the_same_call(intents, document):
    site = sites_of(document)[0]
    for kind in (Kind.COMMIT, Kind.CLOSE_PLAN):
        last = one(intents, kind)
        assert successor(site, last, ()).call == last.call


def test_a_refund_asks_for_the_payers_into_the_own_pot(intents, document):
    refund = one(intents, Kind.REFUND)
    assert refund.call == refund_call(GATE_A, epoch=1, accounts=(2,))
    assert one(intents, Kind.CLOSE_PLAN).call == close_plan_call(GATE_A, 1)
    again = successor(sites_of(document)[0], refund, (2,))
    assert (again.generation, again.call) == (1, refund.call)


# ------------------------------------------------------------------------------ decisions


def decision(amount, earmark, escrow):
    return Decision(1, 1, amount, earmark, escrow, b"\x00" * 198)


def steps(document, taken):
    return [(i.chain_id, i.kind) for i in decision_intents(document, taken)]


def test_a_void_edge_asks_for_nothing(document):
    assert steps(document, decision(0, 0, 0)) == []


def test_a_side_that_holds_nothing_is_left_alone(document):
    only_a = [(CHAIN_A, Kind.REGISTER), (CHAIN_A, Kind.APPLY)]
    only_b = [(CHAIN_B, Kind.REGISTER), (CHAIN_B, Kind.APPLY), (CHAIN_B, Kind.REFUND_ESCROW)]
    assert steps(document, decision(0, usd(5), 0)) == only_a
    assert steps(document, decision(0, 0, usd(5))) == only_b


def test_the_escrow_is_refunded_only_where_some_is_left(document):
    equal = steps(document, decision(usd(5), usd(5), usd(5)))
    above = steps(document, decision(usd(4), usd(4), usd(5)))
    assert (CHAIN_B, Kind.REFUND_ESCROW) not in equal
    assert above == [*equal, (CHAIN_B, Kind.REFUND_ESCROW)]


def test_both_sides_get_the_same_certificate_and_apply_comes_after_register(document):
    taken, edge = decision(usd(4), usd(4), usd(5)), document.plan.edges[0]
    intents = decision_intents(document, taken)
    for chain_id, reserve in ((CHAIN_A, RESERVE_A), (CHAIN_B, RESERVE_B)):
        register = one(intents, Kind.REGISTER, chain_id, 1)
        apply = one(intents, Kind.APPLY, chain_id, 1)
        assert register.call == register_call(
            reserve, edge, amount_micro=usd(4), signatures=taken.signatures
        )
        assert apply.call == apply_call(reserve, edge_id(edge))
        assert apply.after == (register.step,)
    refund = one(intents, Kind.REFUND_ESCROW, CHAIN_B, 1)
    assert refund.call == refund_escrow_call(RESERVE_B, edge_id(edge), (0, 1))
    assert refund.after == (one(intents, Kind.APPLY, CHAIN_B, 1).step,)


# ------------------------------------------------------------------------------ gas


@pytest.mark.parametrize("words", [1, 15, 32])
def test_a_chunk_keeps_what_the_gate_demands_before_its_last_leg(words):
    cold_leg = 147_000
    assert gas.execute_gas(words=words) >= 250_000 + cold_leg * words
    assert gas.execute_gas(words=words) < 16_777_216, "the protocol's cap on one transaction"
