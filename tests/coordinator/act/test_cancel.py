"""A nonce that was taken is spent, if need be on nothing; a plan that is late leaves no gap."""

import asyncio
from dataclasses import replace

import pytest

from chains.codec.transaction import unpack_signed
from coordinator.act.drive import Pace
from coordinator.act.fees import FeePolicy, ValueCeiling
from coordinator.act.intents import Kind
from coordinator.act.journal import Journal
from coordinator.act.lifecycle import TERMINAL, State
from coordinator.act.store import MemoryStore
from coordinator.errors import InvariantViolation
from tests.coordinator.act.crashes import Fuse
from tests.coordinator.act.scenes import (
    CHAIN_A,
    EXECUTOR,
    THRESHOLD,
    WINDOW_S,
    document_over,
    short_call_bankrupt__one_winner_here,
)
from tests.coordinator.act.test_crash import (
    assert_each_nonce_has_one_owner_and_one_call,
    assert_nonces_were_spent_in_order_without_a_gap,
    one_life,
    points_of,
)
from tests.coordinator.act.test_execute import carried_out
from tests.coordinator.act.virtual_time import run

POINTS = points_of(short_call_bankrupt__one_winner_here)
RESERVED_ONLY = POINTS.index("after writing reservation")
SIGNED_ONLY = POINTS.index("after writing attempt")
CHUNKS_SIGNED = POINTS.index("after writing attempt,attempt")


async def dead_until_the_plan_is_late(scene, at):
    """One life up to a crash point, then silence beyond the expiry, then another life."""
    store = MemoryStore()
    scene.start_mining()
    assert await one_life(scene, store, Fuse(at)) is None
    await asyncio.sleep(2 * WINDOW_S)
    outcome = await carried_out(scene, store=store)
    return outcome, await Journal.over(store)


def emptied(entries):
    return [e.nonce for e in entries if e.state is State.CANCELLED and e.attempts[-1].is_empty]


@pytest.mark.parametrize("at", [RESERVED_ONLY, SIGNED_ONLY])
def test_a_commit_that_was_never_published_in_time_is_cancelled_by_an_empty_transaction(at):
    scene = short_call_bankrupt__one_winner_here()
    outcome, journal = run(dead_until_the_plan_is_late(scene, at))
    entries = list(journal.book.of_plan(1))
    assert outcome.is_complete
    assert scene.plan_on(CHAIN_A) is None
    assert emptied(entries) == [0]
    assert {e.state for e in entries} == {State.CANCELLED, State.EXPIRED}
    [mined] = [m for block in scene.chains[CHAIN_A].blocks for m in block.mined]
    assert mined.transaction.body.call == replace(
        mined.transaction.body.call, to=EXECUTOR.address, data=b""
    )


def test_chunks_that_were_never_published_in_time_are_cancelled_one_by_one():
    scene = short_call_bankrupt__one_winner_here()
    outcome, journal = run(dead_until_the_plan_is_late(scene, CHUNKS_SIGNED))
    entries = list(journal.book.of_plan(1))
    assert outcome.is_complete
    assert emptied(entries) == [1, 2]
    assert scene.plan_on(CHAIN_A).is_closed
    assert_nonces_were_spent_in_order_without_a_gap(scene)
    assert_each_nonce_has_one_owner_and_one_call(
        [replace(e, attempts=tuple(a for a in e.attempts if not a.is_empty)) for e in entries]
    )


def test_a_transaction_stuck_below_the_base_fee_until_the_plan_is_late_is_cancelled_or_mined():
    async def main():
        scene = short_call_bankrupt__one_winner_here()
        chain, store = scene.chains[CHAIN_A], MemoryStore()
        scene.start_mining()
        pace = Pace(fees=FeePolicy(ceiling=ValueCeiling(floor_wei=4 * 10**9, wei_per_micro=0)))
        work = asyncio.ensure_future(carried_out(scene, store=store, pace=pace))
        await asyncio.sleep(0.5)
        chain.base_fee_wei = 10**11
        await asyncio.sleep(2 * WINDOW_S)
        assert chain.head.nonces == {}
        chain.base_fee_wei = 10**9
        outcome = await work
        return scene, outcome, await Journal.over(store)

    scene, outcome, journal = run(main())
    assert outcome.is_complete
    entries = list(journal.book.of_plan(1))
    assert {e.state for e in entries} <= TERMINAL
    assert scene.plan_on(CHAIN_A) is None
    assert_nonces_were_spent_in_order_without_a_gap(scene)
    for entry in entries:
        assert {unpack_signed(a.raw)[0].nonce for a in entry.attempts} <= {entry.nonce}


def test_a_plan_is_driven_once_at_a_time():
    async def main():
        scene = short_call_bankrupt__one_winner_here()
        scene.start_mining()
        executor = scene.executor(await Journal.over(MemoryStore()))
        await executor.submit(scene.document, threshold=THRESHOLD)
        work = asyncio.ensure_future(executor.drive(1))
        await asyncio.sleep(0)
        with pytest.raises(InvariantViolation, match="plan 1 is driven already"):
            await executor.drive(1)
        assert (await work).is_achieved

    run(main())


def test_a_chain_is_executing_until_its_plan_is_mined_and_closed():
    async def main():
        scene = short_call_bankrupt__one_winner_here()
        scene.start_mining()
        executor = scene.executor(await Journal.over(MemoryStore()))
        assert executor.executing() == frozenset()
        await executor.submit(scene.document, threshold=THRESHOLD)
        assert executor.executing() == {CHAIN_A}
        work = asyncio.ensure_future(executor.drive(1))
        await asyncio.sleep(2.5)
        assert executor.executing() == {CHAIN_A}
        await asyncio.sleep(1)
        assert executor.executing() == frozenset()
        assert not work.done()
        await work

    run(main())


def test_the_next_plan_goes_on_while_the_last_one_waits_for_finality():
    async def main():
        scene = short_call_bankrupt__one_winner_here()
        chain = scene.chains[CHAIN_A]
        scene.start_mining()
        executor = scene.executor(await Journal.over(MemoryStore()))
        first = asyncio.ensure_future(executor.execute(scene.document, threshold=THRESHOLD))
        await asyncio.sleep(3.5)
        assert not first.done()
        now_s = chain.head.ref.timestamp_s
        slices = scene.document.plan.slices
        second = document_over([chain], slices, (), epoch=2, now_s=now_s)
        outcome = await executor.execute(second, threshold=THRESHOLD)
        return scene, await first, outcome

    scene, first, second = run(main())
    assert first.is_achieved
    assert second.is_complete
    assert [s.state for s in second.steps if s.kind is Kind.COMMIT] == [State.DONE]
    assert scene.state(CHAIN_A).gate.last_epoch == 2
    assert_nonces_were_spent_in_order_without_a_gap(scene)
