"""Edges: what the verifiers decide once both chains have sealed their side.

A signs nothing that B could change and the other way round: both sides are read at FINAL blocks,
where a sealed value never changes. Every verifier reads both chains itself.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol

from chains.base import EdgeSide, GateReader, Level, TransactionSigner
from chains.codec.fields import FieldOutOfRange
from chains.codec.merkle import edge_id
from chains.codec.quorum import pack_signatures
from chains.codec.typed_data import decision_digest
from chains.errors import ChainError
from chains.legs import Edge
from chains.signatures import recover
from coordinator.act.decisions import Decision, decide_edge
from coordinator.errors import PlanRejected

__all__ = ["DecisionSigner", "Gates", "LocalDecisionSigner", "settle_edge", "sides_of"]

Gates = Mapping[tuple[int, bytes], GateReader]
"""Readers by (chain id, gate)."""


class DecisionSigner(Protocol):
    """One verifier; ``index`` is its place in the gates' signer sets."""

    @property
    def index(self) -> int: ...
    @property
    def address(self) -> bytes: ...
    async def sign_decision(self, edge: Edge) -> bytes:
        """65 bytes over its own decision; raises PlanRejected while a side is not sealed for it,
        ChainError where it cannot see both chains."""
        ...


class LocalDecisionSigner:
    """A verifier in this process with readers and a key of its own.

    It signs one amount an edge, for ever: sealed values do not change, so another amount would
    mean that a chain lied.
    """

    def __init__(self, *, index: int, signer: TransactionSigner, gates: Gates) -> None:
        self.index = index
        self._signer = signer
        self._gates = gates
        self._signed: dict[bytes, int] = {}

    @property
    def address(self) -> bytes:
        """Of its key."""
        return self._signer.address

    async def sign_decision(self, edge: Edge) -> bytes:
        """See :class:`DecisionSigner`."""
        amount, identity = decide_edge(*await sides_of(edge, self._gates)), edge_id(edge)
        if amount is None:
            raise PlanRejected(f"verifier {self.index}: edge {edge.epoch}/{edge.box} is not sealed")
        if self._signed.setdefault(identity, amount) != amount:
            raise PlanRejected(
                f"verifier {self.index}: edge {edge.epoch}/{edge.box} was signed with "
                f"{self._signed[identity]}, now the chains say {amount}; look at their finality"
            )
        return await self._signer.sign_digest(decision_digest(identity, amount))


async def sides_of(edge: Edge, gates: Gates) -> tuple[EdgeSide, EdgeSide]:
    """Side A and side B at FINAL blocks; raises ChainError."""
    side_a = await gates[edge.chain_a, edge.gate_a].edge_side(edge, level=Level.FINAL)
    side_b = await gates[edge.chain_b, edge.gate_b].edge_side(edge, level=Level.FINAL)
    return side_a, side_b


async def settle_edge(
    edge: Edge, gates: Gates, signers: Sequence[DecisionSigner], *, threshold: int
) -> Decision | None:
    """The decision with its quorum, or None while it cannot be had yet. Raises ChainError."""
    side_a, side_b = await sides_of(edge, gates)
    amount = decide_edge(side_a, side_b)
    if amount is None:
        return None
    packed: bytes | None = b""
    if side_a.amount_micro or side_b.amount_micro:
        packed = await _quorum(edge, amount, signers, threshold=threshold)
    if packed is None:
        return None
    return Decision(
        epoch=edge.epoch,
        box=edge.box,
        amount_micro=amount,
        earmark_micro=side_a.amount_micro,
        escrow_micro=side_b.amount_micro,
        signatures=packed,
    )


async def _quorum(
    edge: Edge, amount: int, signers: Sequence[DecisionSigner], *, threshold: int
) -> bytes | None:
    """Exactly ``threshold`` signatures; the slow and the silent are not waited for."""
    collected: dict[int, bytes] = {}
    async for index, signature in _answers(edge, amount, signers):
        collected[index] = signature
        if len(collected) == threshold:
            return pack_signatures(collected)
    return None


async def _answers(
    edge: Edge, amount: int, signers: Sequence[DecisionSigner]
) -> AsyncIterator[tuple[int, bytes]]:
    asked = [asyncio.ensure_future(_ask(signer, edge, amount)) for signer in signers]
    try:
        for answer in asyncio.as_completed(asked):
            signed = await answer
            if signed is not None:
                yield signed
    finally:
        for task in asked:
            task.cancel()


async def _ask(signer: DecisionSigner, edge: Edge, amount: int) -> tuple[int, bytes] | None:
    try:
        signature = await signer.sign_decision(edge)
        is_good = recover(decision_digest(edge_id(edge), amount), signature) == signer.address
    except (ChainError, PlanRejected, FieldOutOfRange):
        return None
    return (signer.index, signature) if is_good else None
