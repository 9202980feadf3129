"""The ports of :mod:`chains.base` over a simulated chain, through a connection that may fail.

Several nodes may look at one chain, each with its own faults.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from chains.base import Call, EdgeSide, FeeQuote, Level, PlanProgress, Receipt
from chains.errors import (
    ChainUnavailable,
    FinalityViolated,
    TransactionOutcomeUnknown,
    TransactionWouldRevert,
)
from chains.legs import Edge
from chains.model import BlockRef, ChainState
from chains.simulated.block import Block
from chains.simulated.chain import SimulatedChain
from chains.simulated.dispatch import carry_out_call, gas_of
from chains.simulated.faults import Dice, FaultKind, Faults
from chains.simulated.reserve import sealed
from chains.simulated.snapshot import chain_state
from chains.simulated.state import Env, Reverted

__all__ = ["SimulatedNode"]

_T = TypeVar("_T")


@dataclass(slots=True)
class SimulatedNode:
    """ChainReader, GateReader and TransactionPort of one simulated chain."""

    chain: SimulatedChain
    faults: Faults = field(default_factory=Faults)
    dice: Dice = field(init=False)
    final_seen: BlockRef | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        """Start counting calls."""
        self.dice = Dice(self.faults)

    @property
    def chain_id(self) -> int:
        """The chain's id."""
        return self.chain.chain_id

    @property
    def gate(self) -> bytes:
        """The venue's address."""
        return self.chain.genesis.terms.gate

    async def read(self) -> ChainState:
        """The venue at the READ block; raises ChainUnavailable."""
        block = await self._answer("read", lambda lag: self.chain.at(Level.READ, lag=lag))
        return chain_state(block.contracts, block.ref)

    async def progress(self, epoch: int, *, chunks: int, level: Level) -> PlanProgress:
        """How far a plan has come; raises ChainUnavailable."""
        block = await self._answer("progress", lambda lag: self.chain.at(level, lag=lag))
        return _progress(block, epoch, chunks)

    async def edge_side(self, edge: Edge, *, level: Level) -> EdgeSide:
        """Our side of an edge; raises ChainUnavailable."""
        block = await self._answer("edge_side", lambda lag: self.chain.at(level, lag=lag))
        side = sealed(block.contracts, edge, block.ref.timestamp_s)
        return EdgeSide(side.state, side.is_sealed, side.amount, block.ref)

    async def head(self, level: Level) -> BlockRef:
        """The block of a level; raises ChainUnavailable and FinalityViolated."""
        block = await self._answer("head", lambda lag: self.chain.at(level, lag=lag))
        if level is Level.FINAL:
            self._check_final(block.ref)
        return block.ref

    async def nonce(self, address: bytes, *, level: Level) -> int:
        """Transactions of an address up to a level; raises ChainUnavailable."""
        block = await self._answer("nonce", lambda lag: self.chain.at(level, lag=lag))
        return block.nonces.get(address, 0)

    async def balance_wei(self, address: bytes) -> int:
        """Gas money at LATEST; raises ChainUnavailable."""
        block = await self._answer("balance", lambda lag: self.chain.at(Level.LATEST, lag=lag))
        return block.wei.get(address, 0)

    async def fees(self) -> FeeQuote:
        """Fees of the next block; raises ChainUnavailable."""
        chain = self.chain
        return await self._answer(
            "fees", lambda _: FeeQuote(chain.base_fee_wei, chain.priority_fee_wei)
        )

    async def simulate(self, call: Call, *, sender: bytes) -> int:
        """Gas the call needs; raises TransactionWouldRevert and ChainUnavailable.

        The call runs as in the next block, at the head's time.
        """
        block = await self._answer("simulate", lambda lag: self.chain.at(Level.LATEST, lag=lag))
        env = Env(sender, block.ref.number + 1, block.ref.timestamp_s, self.chain.hashes())
        attempt = block.contracts.copy()
        try:
            carry_out_call(attempt, env, call)
            return gas_of(attempt, call)
        except Reverted as error:
            raise TransactionWouldRevert(f"chain {self.chain_id}: {error}") from None

    async def publish(self, raw: bytes) -> None:
        """Hand bytes to the mempool; raises what :meth:`SimulatedChain.accept` does.

        A refused connection leaves as much open as a lost reply: TransactionOutcomeUnknown.
        """
        try:
            met = await self._meet("publish")
        except ChainUnavailable as error:
            raise TransactionOutcomeUnknown(str(error)) from None
        transaction = self.chain.accept(raw)
        if FaultKind.LOSE_TRANSACTION in met:
            self.chain.drop(transaction)
        if FaultKind.DROP_REPLY in met:
            raise TransactionOutcomeUnknown(f"chain {self.chain_id}: no reply to publish")

    async def receipt(self, transaction_hash: bytes) -> Receipt | None:
        """Where a transaction was mined, if anywhere; raises ChainUnavailable."""
        return await self._answer("receipt", lambda lag: self._receipt(transaction_hash, lag))

    def _receipt(self, transaction_hash: bytes, lag: int) -> Receipt | None:
        found = self.chain.find(transaction_hash)
        if found is None or found[0].number > self.chain.at(Level.LATEST, lag=lag).ref.number:
            return None
        block, mined = found
        return Receipt(transaction_hash, block, mined.gas_used, succeeded=mined.error is None)

    async def _answer(self, operation: str, ask: Callable[[int], _T]) -> _T:
        met = await self._meet(operation)
        answer = ask(self.faults.stale_blocks if FaultKind.STALE_HEAD in met else 0)
        if FaultKind.DROP_REPLY in met:
            raise ChainUnavailable(f"chain {self.chain_id}: no reply to {operation}")
        return answer

    async def _meet(self, operation: str) -> frozenset[FaultKind]:
        met = self.dice.roll(operation)
        if FaultKind.DELAY in met:
            await asyncio.sleep(self.faults.delay_ms / 1_000)
        if FaultKind.REFUSE in met:
            raise ChainUnavailable(f"chain {self.chain_id}: refused {operation}")
        return met

    def _check_final(self, ref: BlockRef) -> None:
        """A final block, once seen, must stay where it is."""
        seen = self.final_seen
        if seen is not None:
            now = self.chain.block_at(seen.number)
            if now is None or now.ref != seen:
                raise FinalityViolated(
                    f"chain {self.chain_id}: final block {seen.number} is gone; halt the chain"
                )
        if seen is None or ref.number > seen.number:
            self.final_seen = ref


def _progress(block: Block, epoch: int, chunks: int) -> PlanProgress:
    plan = block.contracts.gate.plans.get(epoch)
    if plan is None:
        return PlanProgress(
            committed=False,
            closed=False,
            plan_root=bytes(32),
            legs_done=0,
            leg_bits=(0,) * chunks,
            block=block.ref,
        )
    return PlanProgress(
        committed=True,
        closed=plan.is_closed,
        plan_root=plan.header.plan_root,
        legs_done=plan.legs_done,
        leg_bits=tuple(plan.bits.get(chunk, 0) for chunk in range(chunks)),
        block=block.ref,
    )
