"""Plans carried out on simulated chains, each fault by itself; money is exact at the end."""

import asyncio
from dataclasses import replace

import pytest

from chains.base import Level
from chains.codec.transaction import pack_signed, signing_digest
from chains.errors import SignerError
from chains.simulated import Fate, Faults, FaultKind, Scheduled
from chains.simulated.venue import trade, withdraw
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
@pytest.mark.parametrize("kind", [FaultKind.DROP_REPLY, FaultKind.LOSE_TRANSACTION, FaultKind.REFUSE])
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


def longer(document, *, window_s=600):
    headers = tuple(replace(h, expiry_s=h.not_before_s + window_s) for h in document.headers)
    plan = replace(document.plan, expiry_s=document.plan.not_before_s + window_s)
    return signed(replace(document, plan=plan, headers=headers, signatures=()))
