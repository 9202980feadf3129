"""Plans carried out on simulated chains, each fault by itself; money is exact at the end."""

import asyncio
from dataclasses import replace

import pytest

from chains.base import Level
from chains.errors import SignerError
from chains.simulated import Fate, FaultKind, Faults, Scheduled
from chains.simulated.worlds import GENESIS_S, VERIFIERS, usd
from coordinator.act.drive import Pace
from coordinator.act.fees import FeePolicy, ValueCeiling
from coordinator.act.intents import Kind
from coordinator.act.journal import Journal
from coordinator.act.lifecycle import State
from coordinator.act.store import MemoryStore
from coordinator.errors import DocumentInvalid, JournalError, SettingsError
from tests.coordinator.act.scenes import (
    CHAIN_A,
    CHAIN_B,
    EXECUTOR,
    RIVAL,
    THRESHOLD,
    WINDOW_S,
    Key,
    longer,
    short_call_bankrupt__one_winner_here,
    short_call_bankrupt__one_winner_here__two_there,
    signed,
)
from tests.coordinator.act.virtual_time import run

PATIENCE_S = 2_000


async def carried_out(scene, *, store=None, **given):
    journal = await Journal.over(store or MemoryStore())
    executor = scene.executor(journal, **given)
    if not scene.miners:
        scene.start_mining()
    work = executor.execute(scene.document, threshold=THRESHOLD)
    return await asyncio.wait_for(work, PATIENCE_S)


def states(outcome, kind, chain_id=CHAIN_A):
    return [s.state for s in outcome.steps if s.kind is kind and s.chain_id == chain_id]


def mined_kinds(outcome, chain_id=CHAIN_A):
    return [t.kind for t in outcome.transactions if t.chain_id == chain_id]


def assert_home_plan_is_carried_out_exactly(scene):
    assert [scene.cash(CHAIN_A, n) for n in range(3)] == [usd(-230), usd(850), usd(1_000)]
    assert scene.state(CHAIN_A).book.insurance == 0
    assert scene.plan_on(CHAIN_A).is_closed


def assert_edge_is_settled_exactly(scene):
    assert [scene.cash(CHAIN_A, n) for n in range(3)] == [0, usd(850), usd(1_000)]
    assert [scene.cash(CHAIN_B, n) for n in range(2)] == [usd(240 - 138), usd(160 - 92)]


# ------------------------------------------------------------------------------ refused first


def test_a_plan_without_its_quorum_is_refused_and_not_journalled():
    async def main():
        scene = short_call_bankrupt__one_winner_here()
        scene.document = signed(scene.document, keys=VERIFIERS[:2])
        journal = await Journal.over(MemoryStore())
        with pytest.raises(DocumentInvalid, match="2 verifiers signed, 3 are needed"):
            await scene.executor(journal).submit(scene.document, threshold=THRESHOLD)
        assert journal.book.plans == {}

    run(main())


def test_a_plan_for_a_chain_without_an_executor_is_refused():
    async def main():
        scene = short_call_bankrupt__one_winner_here__two_there()
        journal = await Journal.over(MemoryStore())
        nodes = {CHAIN_A: scene.nodes()[CHAIN_A]}
        executor = scene.executor(journal, nodes=nodes)
        with pytest.raises(SettingsError, match=f"chain {CHAIN_B}"):
            await executor.submit(scene.document, threshold=THRESHOLD)

    run(main())


def test_another_plan_of_the_same_epoch_is_refused_and_the_same_one_changes_nothing():
    async def main():
        scene = short_call_bankrupt__one_winner_here()
        journal = await Journal.over(MemoryStore())
        executor = scene.executor(journal)
        await executor.submit(scene.document, threshold=THRESHOLD)
        before = dict(journal.book.entries)
        await executor.submit(scene.document, threshold=THRESHOLD)
        other = replace(scene.document, plan=replace(scene.document.plan, expiry_s=GENESIS_S + 5))
        with pytest.raises(JournalError, match="plan 1 is in the journal already"):
            await executor.submit(other, threshold=THRESHOLD)
        assert journal.book.entries == before

    run(main())


# ------------------------------------------------------------------------------ the plain course


def test_a_plan_at_home_ends_with_every_step_done_and_every_micro_in_place():
    scene = short_call_bankrupt__one_winner_here()
    outcome = run(carried_out(scene))
    assert outcome.is_achieved
    assert {step.state for step in outcome.steps} == {State.DONE}
    assert_home_plan_is_carried_out_exactly(scene)


def test_commit_is_mined_before_the_chunks_and_the_chunks_share_a_block():
    outcome = run(carried_out(short_call_bankrupt__one_winner_here()))
    blocks = {(t.kind, t.number): t.block for t in outcome.transactions}
    assert blocks[Kind.COMMIT, 0] < blocks[Kind.EXECUTE, 0] == blocks[Kind.EXECUTE, 1]
    assert blocks[Kind.EXECUTE, 1] < blocks[Kind.CLOSE_PLAN, 0]


def test_timings_count_from_the_acceptance_of_the_plan_to_mined_final_and_settled():
    scene = short_call_bankrupt__one_winner_here__two_there()
    outcome = run(carried_out(scene))
    times = outcome.timings
    assert (times.mined_ms, times.final_ms) == (2_250, 6_250)
    assert times.final_ms < times.settled_ms <= 13_250


def test_nothing_is_sent_for_a_refund_of_nothing():
    outcome = run(carried_out(short_call_bankrupt__one_winner_here()))
    assert Kind.REFUND not in mined_kinds(outcome)
    assert states(outcome, Kind.REFUND) == [State.DONE]


def test_money_that_was_taken_and_not_needed_goes_back_to_the_payer():
    scene = short_call_bankrupt__one_winner_here__two_there(local_credit=40)
    outcome = run(carried_out(scene))
    assert mined_kinds(outcome).count(Kind.REFUND) == 1
    assert scene.cash(CHAIN_A, 2) == usd(1_000 + 30)


def test_done_is_said_only_once_the_gate_shows_it_in_a_final_block():
    async def main():
        scene = short_call_bankrupt__one_winner_here()
        journal = await Journal.over(MemoryStore())
        executor = scene.executor(journal)
        work = asyncio.ensure_future(executor.execute(scene.document, threshold=THRESHOLD))
        chain = scene.chains[CHAIN_A]
        for second in range(1, 20):
            await asyncio.sleep(1)
            chain.mine(GENESIS_S + second)
            await asyncio.sleep(0.5)
            done = [e for e in journal.book.of_plan(1) if e.state is State.DONE]
            final = chain.at(Level.FINAL).contracts.gate.plans.get(1)
            for entry in done:
                assert final is not None, entry.key
                if entry.intent.kind is Kind.EXECUTE:
                    assert final.bits[entry.intent.number] == 0b11
        assert (await work).is_achieved

    run(main())


def test_a_drive_cancelled_anywhere_goes_on_with_resume():
    async def main():
        scene = short_call_bankrupt__one_winner_here()
        scene.start_mining()
        journal = await Journal.over(MemoryStore())
        await scene.executor(journal).submit(scene.document, threshold=THRESHOLD)
        outcomes = ()
        for _ in range(40):
            executor = scene.executor(journal)
            try:
                outcomes = await asyncio.wait_for(executor.resume(), 0.3)
                break
            except TimeoutError:
                continue
        assert [outcome.is_achieved for outcome in outcomes] == [True]
        assert_home_plan_is_carried_out_exactly(scene)

    run(main())


def test_a_finished_plan_is_not_driven_again():
    async def main():
        scene = short_call_bankrupt__one_winner_here()
        store = MemoryStore()
        await carried_out(scene, store=store)
        journal = await Journal.over(store)
        assert await scene.executor(journal).resume() == ()

    run(main())


# ------------------------------------------------------------------------------ lost and late


@pytest.mark.parametrize("count", range(4))
@pytest.mark.parametrize(
    "kind", [FaultKind.DROP_REPLY, FaultKind.LOSE_TRANSACTION, FaultKind.REFUSE]
)
def test_a_publish_that_fails_in_any_way_is_looked_after(kind, count):
    scene = short_call_bankrupt__one_winner_here()
    faults = Faults(schedule=(Scheduled(kind, "publish", count),))
    outcome = run(carried_out(scene, nodes=scene.nodes({CHAIN_A: faults})))
    assert outcome.is_achieved
    assert_home_plan_is_carried_out_exactly(scene)
    kinds = mined_kinds(outcome)
    assert len(kinds) == len(set(kinds)) + 1, "two chunks, everything else once"


def test_a_node_that_fails_half_the_time_only_takes_longer():
    scene = short_call_bankrupt__one_winner_here()
    faults = Faults(seed=7, refuse_ppm=300_000, drop_reply_ppm=100_000, delay_ppm=100_000)
    scene.document = longer(scene.document)
    outcome = run(carried_out(scene, nodes=scene.nodes({CHAIN_A: faults})))
    assert outcome.is_achieved
    assert_home_plan_is_carried_out_exactly(scene)


# ------------------------------------------------------------------------------ reorgs


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("fate", list(Fate))
@pytest.mark.parametrize("at_s", [3, 4, 5, 6])
def test_a_reorg_up_to_the_final_block_is_mended_from_the_journal(depth, fate, at_s):
    async def main():
        scene = short_call_bankrupt__one_winner_here()
        scene.start_mining()
        work = asyncio.ensure_future(carried_out(scene))
        await asyncio.sleep(at_s + 0.4)
        scene.chains[CHAIN_A].reorg(depth, fate=fate)
        return scene, await work

    scene, outcome = run(main())
    assert outcome.is_achieved
    assert_home_plan_is_carried_out_exactly(scene)


def test_a_reorg_below_the_final_block_halts_that_chain_and_only_that_one():
    async def main():
        scene = short_call_bankrupt__one_winner_here__two_there()
        scene.start_mining()
        store = MemoryStore()
        work = asyncio.ensure_future(carried_out(scene, store=store))
        await asyncio.sleep(5.4)
        scene.chains[CHAIN_A].reorg(6, fate=Fate.RETURNED)
        return await work, await Journal.over(store)

    outcome, journal = run(main())
    assert outcome.halted == (CHAIN_A,)
    assert not outcome.is_complete
    assert states(outcome, Kind.CLOSE_PLAN) == [State.HALTED]
    assert states(outcome, Kind.EXECUTE, CHAIN_B) == [State.DONE]
    assert outcome.settled_micro == ()
    assert journal.book.open_plans() == (1,)


def test_a_final_transaction_that_vanished_between_two_lives_halts_the_chain():
    async def main():
        scene = short_call_bankrupt__one_winner_here()
        scene.start_mining()
        journal = await Journal.over(store := MemoryStore())
        first = scene.executor(journal).execute(scene.document, threshold=THRESHOLD)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(first, 6.3)
        chain = scene.chains[CHAIN_A]
        chain.reorg(6, fate=Fate.LOST)
        chain.mempool.clear()
        outcome = await carried_out(scene, store=store)
        assert chain.mempool == {}
        return outcome

    outcome = run(main())
    assert outcome.halted == (CHAIN_A,)
    assert not outcome.is_complete


# ------------------------------------------------------------------------------ fees


def test_a_transaction_that_is_not_mined_is_replaced_with_higher_fees_at_the_same_nonce():
    async def main():
        scene = short_call_bankrupt__one_winner_here()
        chain = scene.chains[CHAIN_A]
        store = MemoryStore()
        scene.start_mining()
        pace = Pace(fees=FeePolicy(ceiling=ValueCeiling(floor_wei=10**11)))
        work = asyncio.ensure_future(carried_out(scene, store=store, pace=pace))
        await asyncio.sleep(0.5)
        chain.base_fee_wei *= 5
        outcome = await work
        return scene, outcome, await Journal.over(store)

    scene, outcome, journal = run(main())
    assert outcome.is_achieved
    assert_home_plan_is_carried_out_exactly(scene)
    commit = next(e for e in journal.book.of_plan(1) if e.intent.kind is Kind.COMMIT)
    bids = [attempt.bid for attempt in commit.attempts]
    assert len(bids) == 2
    assert bids[1].fee_cap_wei >= 5_000_000_000
    assert bids[1].priority_fee_wei * 1_000 >= bids[0].priority_fee_wei * 1_125


def test_above_the_ceiling_nothing_is_sent_until_the_fees_fall():
    async def main():
        scene = short_call_bankrupt__one_winner_here()
        chain = scene.chains[CHAIN_A]
        chain.base_fee_wei = 10**12
        scene.start_mining()
        pace = Pace(fees=FeePolicy(ceiling=ValueCeiling(floor_wei=10**10, wei_per_micro=1)))
        work = asyncio.ensure_future(carried_out(scene, pace=pace))
        await asyncio.sleep(20)
        assert chain.mempool == {}
        assert EXECUTOR.address not in chain.head.nonces
        chain.base_fee_wei = 10**9
        return scene, await work

    scene, outcome = run(main())
    assert outcome.is_achieved
    assert_home_plan_is_carried_out_exactly(scene)


def test_a_plan_is_not_started_without_gas_money_for_all_of_it_and_says_so():
    async def main():
        scene = short_call_bankrupt__one_winner_here()
        scene.chains[CHAIN_A] = replace(scene.chains[CHAIN_A], wei={EXECUTOR.address: 10**15})
        return await carried_out(scene)

    outcome = run(main())
    assert outcome.transactions == ()
    commit = next(step for step in outcome.steps if step.kind is Kind.COMMIT)
    assert commit.state is State.EXPIRED
    assert "gas money: 1000000000000000 wei held" in commit.reason


# ------------------------------------------------------------------------------ others


def test_two_executors_with_one_gate_do_nothing_twice():
    async def main():
        scene = short_call_bankrupt__one_winner_here__two_there()
        scene.start_mining()
        works = [carried_out(scene, key=key) for key in (EXECUTOR, RIVAL)]
        return scene, await asyncio.gather(*works)

    scene, outcomes = run(main())
    assert [outcome.is_achieved for outcome in outcomes] == [True, True]
    assert_edge_is_settled_exactly(scene)


def test_a_step_that_somebody_else_took_is_done_without_a_transaction_of_ours():
    async def main():
        scene = short_call_bankrupt__one_winner_here()
        await carried_out(scene, key=RIVAL)
        return await carried_out(scene)

    outcome = run(main())
    assert outcome.is_achieved
    assert outcome.transactions == ()


def test_a_foreign_transaction_at_our_nonce_costs_a_fresh_nonce_and_nothing_else():
    async def main():
        scene = short_call_bankrupt__one_winner_here()
        chain, store = scene.chains[CHAIN_A], MemoryStore()
        scene.start_mining()
        work = asyncio.ensure_future(carried_out(scene, store=store))
        await asyncio.sleep(0.5)
        ours = chain.mempool[EXECUTOR.address, 0].body
        stolen = replace(
            ours,
            call=replace(ours.call, data=b""),
            fee_cap_wei=ours.fee_cap_wei * 2,
            priority_fee_wei=ours.priority_fee_wei * 2,
        )
        chain.accept((await EXECUTOR.sign_transaction(stolen)).raw)
        outcome = await work
        return scene, outcome, await Journal.over(store)

    scene, outcome, journal = run(main())
    assert outcome.is_achieved
    assert_home_plan_is_carried_out_exactly(scene)
    commits = [e for e in journal.book.of_plan(1) if e.intent.kind is Kind.COMMIT]
    assert [(e.nonce, e.intent.generation) for e in commits] == [(0, 0), (1, 1)]


def test_a_winner_who_closed_first_leaves_the_rest_to_expire():
    async def main():
        scene = short_call_bankrupt__one_winner_here()
        chain = scene.chains[CHAIN_A]
        chain.include(lambda contracts, env: _give_up_position(contracts, account=2))
        return scene, await carried_out(scene)

    scene, outcome = run(main())
    assert outcome.is_complete
    assert states(outcome, Kind.EXECUTE) == [State.EXPIRED, State.EXPIRED]
    assert states(outcome, Kind.CLOSE_PLAN) == [State.DONE]
    assert scene.plan_on(CHAIN_A).is_closed
    generations = [t.generation for t in outcome.transactions if t.kind is Kind.EXECUTE]
    assert 2 <= max(generations) <= 6, "tried again, ever more rarely"


def _give_up_position(contracts, *, account):
    held = contracts.book.accounts[account]
    contracts.book.accounts[account] = replace(held, positions=())


def test_a_plan_that_expires_before_its_commit_ends_without_a_trace_on_the_chain():
    async def main():
        scene = short_call_bankrupt__one_winner_here()
        scene.state(CHAIN_A).gate.stopped_until_s = GENESIS_S + 2 * WINDOW_S
        return await carried_out(scene)

    outcome = run(main())
    assert outcome.is_complete
    assert {step.state for step in outcome.steps} == {State.EXPIRED}
    assert outcome.transactions == ()
    assert "Stopped" in next(s for s in outcome.steps if s.kind is Kind.COMMIT).reason


def test_a_plan_stopped_half_way_goes_on_after_the_stop():
    async def main():
        scene = short_call_bankrupt__one_winner_here()
        scene.document = longer(scene.document)
        chain = scene.chains[CHAIN_A]
        scene.start_mining()
        work = asyncio.ensure_future(carried_out(scene))
        await asyncio.sleep(1.9)
        chain.include(lambda contracts, env: _stop(contracts, env.timestamp_s + 100))
        return scene, await work

    scene, outcome = run(main())
    assert outcome.is_achieved
    assert_home_plan_is_carried_out_exactly(scene)


def _stop(contracts, until_s):
    contracts.gate.stopped_until_s = until_s


def test_a_signer_that_signs_something_else_stops_everything_before_it_is_sent():
    class Forger(Key):
        async def sign_transaction(self, transaction):
            return await super().sign_transaction(replace(transaction, gas=transaction.gas + 1))

    async def main():
        scene = short_call_bankrupt__one_winner_here()
        forger = Forger(b"executor one")
        with pytest.raises(SignerError, match="signed something else than nonce 0"):
            await carried_out(scene, key=forger)
        assert scene.chains[CHAIN_A].mempool == {}

    run(main())
