"""Blocks, the mempool, fees and reorgs of the simulated chain."""

from dataclasses import replace

import pytest

from chains.base import Call, Level
from chains.codec.gate import close_plan_call
from chains.errors import ChainUnavailable, TransactionOutcomeUnknown
from chains.legs import Deficit
from chains.simulated import Fate, FaultKind, Faults, Mining, Scheduled, SimulatedChain
from chains.simulated.venue import deposit, withdraw
from chains.simulated.worlds import (
    GENESIS_S,
    perpetual_long_bankrupt__one_short_on_the_same_chain,
    usd,
)
from tests.chains.plan_calls import plan_calls
from tests.chains.sending import ETHER, GWEI, SENDER, SENDER_KEY, signed

CHAIN_ID = 31_337
EMPTY = Call(SENDER, b"")


def world(**changes):
    chain = perpetual_long_bankrupt__one_short_on_the_same_chain()
    return replace(chain, wei={SENDER: ETHER}, **changes)


@pytest.fixture
def chain():
    return world()


def sent(chain, call=EMPTY, **changes):
    transaction = signed(call, chain_id=CHAIN_ID, **changes)
    chain.accept(transaction.raw)
    return transaction.hash


def cash(chain, account=0):
    return chain.head.contracts.book.accounts[account].cash


def test_blocks_carry_the_time_they_are_given_and_a_hash_of_their_own(chain):
    first, second = chain.mine(GENESIS_S + 5), chain.mine(GENESIS_S + 5)
    assert (first.ref.number, second.ref.number) == (2, 3)
    assert first.ref.timestamp_s == second.ref.timestamp_s == GENESIS_S + 5
    assert len(set(chain.hashes().values())) == 3
    with pytest.raises(ValueError, match="cannot follow"):
        chain.mine(GENESIS_S + 4)


def test_two_chains_made_alike_are_alike_and_two_ids_are_not(chain):
    assert world().mine(GENESIS_S + 1).ref == chain.mine(GENESIS_S + 1).ref
    other = replace(chain.genesis, terms=replace(chain.genesis.terms, chain_id=1))
    assert SimulatedChain(other, GENESIS_S).head.ref != world().head.ref


def test_levels_stand_below_the_head(chain):
    refs = [chain.head.ref] + [chain.mine(GENESIS_S + n).ref for n in range(1, 5)]
    assert chain.at(Level.LATEST).ref == refs[4]
    assert chain.at(Level.READ).ref == refs[3]
    assert chain.at(Level.FINAL).ref == refs[1]
    assert chain.at(Level.FINAL, lag=9).ref == refs[0]


def test_a_published_transaction_waits_for_a_block(chain):
    hash_ = sent(chain)
    assert chain.find(hash_) is None
    block = chain.mine(GENESIS_S + 1)
    ref, mined = chain.find(hash_)
    assert (ref, mined.error, block.nonces) == (block.ref, None, {SENDER: 1})
    assert chain.mempool == {}


def test_a_chain_may_mine_on_publish():
    chain = world(mining=Mining.ON_PUBLISH, block_interval_s=12)
    hash_ = sent(chain)
    assert chain.find(hash_)[0] == chain.head.ref
    assert chain.head.ref.timestamp_s == GENESIS_S + 12


def test_nonces_are_mined_in_order_and_gaps_wait(chain):
    late, early = sent(chain, nonce=1), sent(chain, nonce=0)
    gap = sent(chain, nonce=3)
    block = chain.mine(GENESIS_S + 1)
    assert [mined.transaction.hash for mined in block.mined] == [early, late]
    assert chain.find(gap) is None


def test_a_transaction_is_paid_by_gas_used_at_base_fee_plus_tip(chain):
    sent(chain)
    block = chain.mine(GENESIS_S + 1)
    assert block.mined[0].gas_used == 21_000
    assert block.wei[SENDER] == ETHER - 21_000 * 2 * GWEI


def test_a_fee_cap_below_the_base_fee_waits(chain):
    chain.base_fee_wei = 10 * GWEI + 1
    hash_ = sent(chain)
    chain.mine(GENESIS_S + 1)
    assert chain.find(hash_) is None
    chain.base_fee_wei = 10 * GWEI
    chain.mine(GENESIS_S + 2)
    assert chain.find(hash_) is not None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, "already known"),
        ({"fee_cap_wei": 11 * GWEI - 1, "priority_fee_wei": 2 * GWEI}, "underpriced"),
        ({"fee_cap_wei": 12 * GWEI, "priority_fee_wei": GWEI}, "underpriced"),
        ({"chain_id": 1}, "signed for chain 1"),
    ],
)
def test_a_node_that_refuses_leaves_the_outcome_open(chain, change, words):
    sent(chain)
    transaction = signed(EMPTY, **({"chain_id": CHAIN_ID} | change))
    with pytest.raises(TransactionOutcomeUnknown, match=words):
        chain.accept(transaction.raw)


def test_a_bumped_transaction_takes_the_place_of_the_first(chain):
    first = sent(chain)
    second = sent(chain, fee_cap_wei=11 * GWEI, priority_fee_wei=11 * GWEI // 10)
    chain.mine(GENESIS_S + 1)
    assert chain.find(first) is None
    assert chain.find(second) is not None
    with pytest.raises(TransactionOutcomeUnknown, match="nonce too low"):
        sent(chain, fee_cap_wei=20 * GWEI)


def test_bytes_that_are_no_transaction_are_not_taken(chain):
    with pytest.raises(TransactionOutcomeUnknown, match="type-2"):
        chain.accept(b"\1\2\3")


def test_a_sender_without_gas_money_is_told_so(chain):
    with pytest.raises(ChainUnavailable, match="insufficient funds"):
        sent(chain, gas=ETHER)
    assert chain.mempool == {}


def test_a_refused_call_is_mined_changes_nothing_and_costs_its_gas(chain):
    gate = chain.genesis.terms.gate
    hash_ = sent(chain, close_plan_call(gate, 7), gas=100_000)
    before = chain.head.contracts
    block = chain.mine(GENESIS_S + 1)
    _, mined = chain.find(hash_)
    assert (mined.error, mined.gas_used) == ("PlanNotOpen", 100_000)
    assert block.contracts.book == before.book


def test_too_little_gas_fails_a_call_that_would_pass(chain):
    calls = plan_calls(chain, [Deficit(0, 1)])
    chain.mine(GENESIS_S + 1)
    hash_ = sent(chain, calls.commit, gas=50_000)
    chain.mine(GENESIS_S + 2)
    assert chain.find(hash_)[1].error == "out of gas"
    assert chain.head.contracts.gate.open_epoch == 0


def test_strangers_act_in_the_next_block_and_a_refusal_is_told(chain):
    chain.include(lambda contracts, env: deposit(contracts, env, 0, usd(1)))
    chain.include(lambda contracts, env: withdraw(contracts, env, 0, usd(1)))
    block = chain.mine(GENESIS_S + 1)
    assert cash(chain) == usd(301)
    assert block.refused == ("Reverted: NotOwner",)
    assert chain.mine(GENESIS_S + 2).refused == ()


@pytest.mark.parametrize(("fate", "is_found"), [(Fate.RETURNED, True), (Fate.LOST, False)])
def test_a_reorg_takes_state_back_and_transactions_return_or_are_lost(chain, fate, is_found):
    genesis, hash_ = chain.head, sent(chain)
    chain.include(lambda contracts, env: deposit(contracts, env, 0, usd(1)))
    old = chain.mine(GENESIS_S + 1)
    assert chain.reorg(1, fate=fate) == (old,)
    assert chain.head == genesis
    assert chain.find(hash_) is None
    new = chain.mine(GENESIS_S + 1)
    assert new.ref.hash != old.ref.hash
    assert (chain.find(hash_) is not None) is is_found
    assert cash(chain) == usd(301)


def test_a_reorg_never_drops_the_first_block(chain):
    chain.mine(GENESIS_S + 1)
    assert len(chain.reorg(99, fate=Fate.LOST)) == 1
    assert len(chain.blocks) == 1


def test_a_replacement_published_after_a_reorg_stays_in_its_place(chain):
    first = sent(chain)
    chain.mine(GENESIS_S + 1)
    chain.reorg(1, fate=Fate.LOST)
    second = sent(chain, fee_cap_wei=20 * GWEI, priority_fee_wei=2 * GWEI)
    chain.mine(GENESIS_S + 1)
    assert chain.find(first) is None
    assert chain.find(second) is not None


def test_a_reorg_fault_replaces_the_last_blocks_at_equal_times():
    faults = Faults(schedule=(Scheduled(FaultKind.REORG, "mine", 2),), reorg_depth=2)
    chain = world(faults=faults)
    hash_ = sent(chain)
    old = [chain.mine(GENESIS_S + n).ref for n in (1, 2)]
    chain.mine(GENESIS_S + 3)
    new = [block.ref for block in chain.blocks[1:]]
    assert [ref.timestamp_s - GENESIS_S for ref in new] == [1, 2, 3]
    assert not {ref.hash for ref in old} & {ref.hash for ref in new}
    assert chain.find(hash_)[0] == new[0]


def test_a_commit_whose_snapshot_was_reorged_away_is_refused(chain):
    chain.mine(GENESIS_S + 1)
    calls = plan_calls(chain, [Deficit(0, 1)])
    chain.reorg(1, fate=Fate.LOST)
    chain.mine(GENESIS_S + 1)
    hash_ = sent(chain, calls.commit)
    chain.mine(GENESIS_S + 2)
    assert chain.find(hash_)[1].error == "SnapshotNotCanonical"


def test_a_key_signs_for_itself_alone(chain):
    stranger = signed(EMPTY, chain_id=CHAIN_ID, key=type(SENDER_KEY)(b"\7" * 32))
    with pytest.raises(ChainUnavailable, match="insufficient funds"):
        chain.accept(stranger.raw)
