"""What any ChainReader, GateReader and TransactionPort must do, whatever stands behind it.

A test module of an adapter imports everything from here and gives a fixture ``world`` that yields
an :class:`AdapterWorld`: a venue with at least one account, a funded key, and a way to let blocks
pass. The plan's legs all become terminal when its calls are carried out in order.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import pytest

from chains.base import (
    Call,
    ChainReader,
    GateReader,
    Level,
    TransactionPort,
    TransactionSigner,
    UnsignedTransaction,
)
from chains.codec.gate import close_plan_call
from chains.errors import TransactionOutcomeUnknown, TransactionWouldRevert
from chains.legs import Edge

GWEI = 10**9
UNSEEN_EPOCH = 10**9


@dataclass(frozen=True)
class SignedCalls:
    """A plan as calls: commit, one execute a chunk, close."""

    epoch: int
    plan_root: bytes
    leg_bits: tuple[int, ...]
    commit: Call
    execute: Sequence[Call]
    close: Call


@dataclass(frozen=True)
class AdapterWorld:
    """``pass_blocks(n)`` lets n blocks be mined; ``plan()`` signs one for the head as it is."""

    reader: ChainReader
    gate: GateReader
    port: TransactionPort
    signer: TransactionSigner
    pass_blocks: Callable[[int], Awaitable[None]]
    plan: Callable[[], Awaitable[SignedCalls]]

    async def signed(self, call: Call, *, nonce: int | None = None, gas: int = 3_000_000):
        level = Level.LATEST
        address = self.signer.address
        next_nonce = await self.port.nonce(address, level=level) if nonce is None else nonce
        fees = await self.port.fees()
        cap = 2 * fees.base_fee_wei + fees.priority_fee_wei
        return await self.signer.sign_transaction(
            UnsignedTransaction(
                self.reader.chain_id, next_nonce, call, gas, cap, fees.priority_fee_wei
            )
        )

    async def mined(self, call: Call):
        transaction = await self.signed(call)
        await self.port.publish(transaction.raw)
        await self.pass_blocks(1)
        return await self.port.receipt(transaction.hash)

    @property
    def nothing(self) -> Call:
        """What cancels a nonce: an empty call to ourselves."""
        return Call(self.signer.address, b"")


async def carried_out(world: AdapterWorld) -> SignedCalls:
    plan = await world.plan()
    for call in (plan.commit, *plan.execute, plan.close):
        receipt = await world.mined(call)
        assert receipt is not None
        assert receipt.succeeded
    return plan


async def test_a_read_is_one_cut_of_the_venue_that_was_asked_for(world):
    state = await world.reader.read()
    assert (state.chain_id, state.gate) == (world.reader.chain_id, world.reader.gate)
    assert state.positions.accounts.tolist() == sorted(state.positions.accounts.tolist())
    assert int(state.accounts.counts.sum()) == len(state.positions)
    assert len(state.instruments) == len(state.marks.marks)
    assert [listed.instrument for listed in state.instruments] == list(
        range(len(state.instruments))
    )


async def test_columns_that_were_read_cannot_be_changed(world):
    state = await world.reader.read()
    with pytest.raises(ValueError, match="read-only"):
        state.accounts.cash[0] = 1


async def test_reading_one_block_twice_reads_the_same_bytes(world):
    one, other = await world.reader.read(), await world.reader.read()
    for _ in range(5):
        if one.block == other.block:
            break
        one, other = other, await world.reader.read()
    assert one.block == other.block, "blocks come faster than reads: slow this chain down"
    assert one.slots_digest == other.slots_digest


async def test_what_is_read_stands_at_the_read_level(world):
    await world.pass_blocks(3)
    before = await world.port.head(Level.READ)
    read = (await world.reader.read()).block
    after = await world.port.head(Level.READ)
    assert before.number <= read.number <= after.number
    assert before.timestamp_s <= read.timestamp_s <= after.timestamp_s


async def test_levels_stand_in_order(world):
    await world.pass_blocks(8)
    heads = [await world.port.head(level) for level in (Level.FINAL, Level.READ, Level.LATEST)]
    assert [head.number for head in heads] == sorted(head.number for head in heads)
    assert [head.timestamp_s for head in heads] == sorted(head.timestamp_s for head in heads)


async def test_a_published_transaction_is_mined_once_and_paid_for(world):
    address = world.signer.address
    nonce = await world.port.nonce(address, level=Level.LATEST)
    balance = await world.port.balance_wei(address)
    transaction = await world.signed(world.nothing)
    await world.port.publish(transaction.raw)
    await world.pass_blocks(1)
    receipt = await world.port.receipt(transaction.hash)
    assert (receipt.hash, receipt.succeeded) == (transaction.hash, True)
    assert receipt.block.number <= (await world.port.head(Level.LATEST)).number
    assert await world.port.nonce(address, level=Level.LATEST) == nonce + 1
    assert await world.port.balance_wei(address) < balance


async def test_a_transaction_nobody_published_has_no_receipt(world):
    assert await world.port.receipt(b"\7" * 32) is None


async def test_publishing_mined_bytes_again_leaves_the_outcome_open_and_changes_nothing(world):
    transaction = await world.signed(world.nothing)
    await world.port.publish(transaction.raw)
    await world.pass_blocks(1)
    nonce = await world.port.nonce(world.signer.address, level=Level.LATEST)
    with pytest.raises(TransactionOutcomeUnknown):
        await world.port.publish(transaction.raw)
    await world.pass_blocks(1)
    assert await world.port.nonce(world.signer.address, level=Level.LATEST) == nonce


async def test_a_nonce_that_was_used_leaves_the_outcome_open(world):
    await world.mined(world.nothing)
    used = await world.port.nonce(world.signer.address, level=Level.LATEST) - 1
    other = await world.signed(world.nothing, nonce=used, gas=100_000)
    with pytest.raises(TransactionOutcomeUnknown):
        await world.port.publish(other.raw)


async def test_a_call_that_would_revert_is_named_before_it_is_sent(world):
    call = close_plan_call(world.reader.gate, UNSEEN_EPOCH)
    with pytest.raises(TransactionWouldRevert, match="PlanNotOpen"):
        await world.port.simulate(call, sender=world.signer.address)


async def test_a_call_that_reverts_has_a_receipt_that_says_so(world):
    receipt = await world.mined(close_plan_call(world.reader.gate, UNSEEN_EPOCH))
    assert receipt is not None
    assert not receipt.succeeded


async def test_simulated_gas_is_enough(world):
    plan = await world.plan()
    await world.pass_blocks(1)
    gas = await world.port.simulate(plan.commit, sender=world.signer.address)
    transaction = await world.signed(plan.commit, gas=gas * 12 // 10)
    await world.port.publish(transaction.raw)
    await world.pass_blocks(1)
    assert (await world.port.receipt(transaction.hash)).succeeded


async def test_a_plan_that_was_never_committed_is_unknown(world):
    progress = await world.gate.progress(UNSEEN_EPOCH, chunks=2, level=Level.LATEST)
    assert (progress.committed, progress.closed, progress.legs_done) == (False, False, 0)
    assert progress.leg_bits == (0, 0)


async def test_a_plan_is_followed_from_commit_to_close(world):
    plan = await world.plan()
    chunks = len(plan.leg_bits)

    async def seen():
        return await world.gate.progress(plan.epoch, chunks=chunks, level=Level.LATEST)

    await world.mined(plan.commit)
    committed = await seen()
    assert (committed.committed, committed.closed) == (True, False)
    assert (committed.plan_root, committed.leg_bits) == (plan.plan_root, (0,) * chunks)
    for call in plan.execute:
        await world.mined(call)
    done = await seen()
    assert done.leg_bits == plan.leg_bits
    assert done.legs_done == sum(bits.bit_count() for bits in plan.leg_bits)
    await world.mined(plan.close)
    closed = await seen()
    assert (closed.closed, closed.legs_done) == (True, done.legs_done)


async def test_what_was_done_is_seen_at_every_level_in_the_end(world):
    plan = await carried_out(world)
    await world.pass_blocks(8)
    for level in Level:
        progress = await world.gate.progress(plan.epoch, chunks=len(plan.leg_bits), level=level)
        assert (progress.closed, progress.leg_bits) == (True, plan.leg_bits)
    assert (await world.reader.read()).funds.last_epoch == plan.epoch


async def test_carrying_a_chunk_out_again_moves_nothing(world):
    plan = await world.plan()
    for call in (plan.commit, *plan.execute):
        await world.mined(call)
    before = await world.gate.progress(plan.epoch, chunks=len(plan.leg_bits), level=Level.LATEST)
    for call in plan.execute:
        assert (await world.mined(call)).succeeded
    after = await world.gate.progress(plan.epoch, chunks=len(plan.leg_bits), level=Level.LATEST)
    assert (after.legs_done, after.leg_bits) == (before.legs_done, before.leg_bits)


@pytest.mark.parametrize(("seconds", "is_sealed"), [(100_000, False), (-1, True)])
async def test_an_edge_nobody_prepared_is_sealed_at_nothing_once_it_is_late(
    world, seconds, is_sealed
):
    head = await world.port.head(Level.LATEST)
    own = (world.reader.chain_id, world.reader.gate)
    decide_by_s = head.timestamp_s + seconds
    edge = Edge(UNSEEN_EPOCH, 1, 1, 1, decide_by_s, *own, 0, own[0] + 1, b"\1" * 20)
    side = await world.gate.edge_side(edge, level=Level.LATEST)
    assert (side.state, side.is_sealed, side.amount_micro) == (0, is_sealed, 0)
