"""A signed plan for one simulated venue, as the calls that carry it out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from chains.base import Call
from chains.codec.gate import close_plan_call, commit_call, execute_call
from chains.codec.leg_words import chunked, pack_legs
from chains.codec.merkle import (
    chunk_leaf,
    legs_root,
    merkle_proof,
    merkle_root,
    plan_leaves,
)
from chains.legs import Edge, Header, Leg
from chains.simulated.worlds import attested

PLAN_WINDOW_S = 60
UNLIMITED = 2**40


@dataclass(frozen=True)
class PlanCalls:
    header: Header
    chunks: tuple[tuple[bytes, ...], ...]
    leaves: tuple[bytes, ...]
    commit: Call
    execute: tuple[Call, ...]
    close: Call

    def retry(self, chunk: int, mask: int) -> Call:
        return _execute(self.commit.to, self.header.epoch, self.chunks, chunk, mask)

    def edge_proof(self, edge_row: int) -> tuple[bytes, ...]:
        return merkle_proof(self.leaves, len(self.leaves) - edge_row - 1)


def plan_calls(
    chain,
    legs: Sequence[Leg],
    *,
    epoch: int = 1,
    chunk_size: int = 2,
    edges: Sequence[Edge] = (),
    slices: Sequence[tuple[int, bytes, bytes]] = (),
    **changes,
) -> PlanCalls:
    """``slices``: those of the other chains; ``changes``: fields of the header to spoil."""
    terms, head = chain.genesis.terms, chain.head.ref
    chunks = chunked(pack_legs(legs), chunk_size)
    root = legs_root(chunks)
    leaves = tuple(plan_leaves([*slices, (terms.chain_id, terms.gate, root)], edges))
    header = Header(
        snapshot_root=bytes(32),
        plan_root=merkle_root(leaves),
        legs_root=root,
        policy_digest=terms.policy_digest,
        epoch=epoch,
        not_before_s=head.timestamp_s,
        expiry_s=head.timestamp_s + PLAN_WINDOW_S,
        config_version=terms.config_version,
        leg_count=len(legs),
        insurance_micro=UNLIMITED,
        haircut_cap_micro=UNLIMITED,
        remote_cap_micro=UNLIMITED,
        close_cap_micro=UNLIMITED,
        deficit_micro=UNLIMITED,
        snapshot_block=head.number,
        snapshot_hash=head.hash,
    )
    signed = replace(header, **changes)
    signatures = attested(signed, chain_id=terms.chain_id, gate=terms.gate)
    return PlanCalls(
        header=signed,
        chunks=chunks,
        leaves=leaves,
        commit=commit_call(terms.gate, signed, signatures),
        execute=tuple(
            _execute(terms.gate, signed.epoch, chunks, chunk, (1 << len(words)) - 1)
            for chunk, words in enumerate(chunks)
        ),
        close=close_plan_call(terms.gate, signed.epoch),
    )


def own_slice(chain, legs: Sequence[Leg], *, chunk_size: int = 2) -> tuple[int, bytes, bytes]:
    terms = chain.genesis.terms
    return terms.chain_id, terms.gate, legs_root(chunked(pack_legs(legs), chunk_size))


def _execute(gate, epoch, chunks, chunk, mask):
    leaves = [chunk_leaf(index, words) for index, words in enumerate(chunks)]
    return execute_call(
        gate,
        epoch=epoch,
        chunk=chunk,
        mask=mask,
        words=chunks[chunk],
        proof=merkle_proof(leaves, chunk),
    )
