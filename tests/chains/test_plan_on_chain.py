"""One whole plan over two real chains: a deficit on A, paid half there and half by a winner on B.

Everything goes through the shipped codec and adapters, sent by a key without any role.
"""

from dataclasses import dataclass

import numpy as np
import pytest

from chains.base import Call, EdgeSide, Level, PlanProgress
from chains.codec.fields import keccak256
from chains.codec.gate import (
    close_plan_call,
    commit_call,
    decode_moved,
    execute_call,
    header_digest_call,
    moved_call,
)
from chains.codec.leg_words import chunked, pack_legs
from chains.codec.merkle import (
    chunk_leaf,
    edge_id,
    legs_root,
    merkle_proof,
    plan_leaves,
    plan_root,
)
from chains.codec.quorum import pack_signatures
from chains.codec.reserve import apply_call, open_call, prepare_call, register_call
from chains.codec.typed_data import decision_digest, header_digest
from chains.devnet import DevChain
from chains.devnet.sender import Sender
from chains.ledger import equities, maintenance_margins, profits
from chains.legs import Close, Credit, Deficit, Edge, Haircut, Header, Leg
from chains.model import ChainState, read_only
from chains.pinned import call_at
from chains.venue import VenueGate, VenueReader
from tests.chains.devnet_world import (
    CHAIN_A,
    CHAIN_B,
    VERIFIER_KEYS,
    address_of_venue,
    dev_signer,
    endpoints_of,
    marks_at,
    owner,
)

pytestmark = pytest.mark.anvil

DEPOSIT = 13_000_000
LOTS = 10
FALLEN_MARK = 8_000_000
DEFICIT = LOTS * 2_000_000 - DEPOSIT
FROM_A, FROM_B = 3_000_000, 4_000_000
PLAN_WINDOW_S = 300
EPOCH = 1
LOSER, WINNER, PERPETUAL = 0, 1, 1
ANYBODY = 5


@dataclass(frozen=True)
class Side:
    chain: DevChain
    legs: tuple[Leg, ...]

    @property
    def chunks(self) -> tuple[tuple[bytes, ...], ...]:
        return chunked(pack_legs(self.legs), 2)

    @property
    def gate(self) -> bytes:
        return self.chain.deployed.gate

    @property
    def slice(self) -> tuple[int, bytes, bytes]:
        return self.chain.chain_id, self.gate, legs_root(self.chunks)

    async def send(self, *calls: Call) -> None:
        key = dev_signer(ANYBODY)
        await Sender(self.chain.rpc, key, chain_id=self.chain.chain_id).send(*calls)

    async def state(self) -> ChainState:
        venue = address_of_venue(self.chain)
        return await VenueReader(endpoints_of(self.chain), venue).read()

    async def progress(self) -> PlanProgress:
        gate = VenueGate(endpoints_of(self.chain), address_of_venue(self.chain))
        return await gate.progress(EPOCH, chunks=len(self.chunks), level=Level.LATEST)

    async def edge_side(self, edge: Edge) -> EdgeSide:
        gate = VenueGate(endpoints_of(self.chain), address_of_venue(self.chain))
        return await gate.edge_side(edge, level=Level.LATEST)

    def execute(self, chunk: int) -> Call:
        leaves = [chunk_leaf(index, words) for index, words in enumerate(self.chunks)]
        words = self.chunks[chunk]
        return execute_call(
            self.gate,
            epoch=EPOCH,
            chunk=chunk,
            mask=(1 << len(words)) - 1,
            words=words,
            proof=merkle_proof(leaves, chunk),
        )


async def fallen_market(chain: DevChain) -> None:
    """0 bought 10 perpetuals of 1; the mark fell from 10 to 8 dollars: 0 owes 7 dollars."""
    buys = np.array([[LOSER, WINNER, PERPETUAL, LOTS, 10_000_000]])
    await chain.open_book([owner(1), owner(2)], read_only([DEPOSIT, DEPOSIT]), buys)
    await chain.advance(10)
    now_s = (await chain.head()).timestamp_s
    await chain.post_marks(marks_at(now_s, mark_micro=FALLEN_MARK))


async def sides(chains: dict[int, DevChain]) -> tuple[Side, Side]:
    for chain in chains.values():
        await fallen_market(chain)
    a, b = chains[CHAIN_A], chains[CHAIN_B]
    await a.fund_reserve(10**9)
    await a.set_credit_line(chain_id=CHAIN_B, gate=b.deployed.gate, limit_micro=10**9)
    on_a = (
        Deficit(LOSER, DEFICIT),
        Close(LOSER, WINNER, PERPETUAL, LOTS, FALLEN_MARK, 0, 0),
        Haircut(WINNER, 0, FROM_A),
        Credit(LOSER, FROM_A),
    )
    return Side(a, on_a), Side(b, (Haircut(WINNER, 1, FROM_B),))


def edge_between(a: Side, b: Side, *, decide_by_s: int) -> Edge:
    return Edge(EPOCH, 1, 1, FROM_B, decide_by_s, CHAIN_A, a.gate, LOSER, CHAIN_B, b.gate)


def header_of(side: Side, state: ChainState, *, root: bytes, expiry_s: int) -> Header:
    return Header(
        snapshot_root=bytes(32),
        plan_root=root,
        legs_root=side.slice[2],
        policy_digest=state.funds.policy_digest,
        epoch=EPOCH,
        not_before_s=expiry_s - PLAN_WINDOW_S,
        expiry_s=expiry_s,
        config_version=state.funds.config_version,
        leg_count=len(side.legs),
        insurance_micro=0,
        haircut_cap_micro=10**8,
        remote_cap_micro=10**8,
        close_cap_micro=10**9,
        deficit_micro=10**8,
        snapshot_block=state.block.number,
        snapshot_hash=state.block.hash,
    )


async def quorum(digest: bytes) -> bytes:
    keys = enumerate(VERIFIER_KEYS[:3])
    return pack_signatures({i: await dev_signer(key).sign_digest(digest) for i, key in keys})


async def commit(side: Side, *, root: bytes, expiry_s: int) -> None:
    state = await side.state()
    header = header_of(side, state, root=root, expiry_s=expiry_s)
    digest = header_digest(header, chain_id=side.chain.chain_id, gate=side.gate)
    on_chain = header_digest_call(side.gate, header)
    assert await call_at(side.chain.rpc, on_chain, block=state.block) == digest
    await side.send(commit_call(side.gate, header, await quorum(digest)))


async def test_a_deficit_is_paid_by_winners_on_two_chains(chains: dict[int, DevChain]) -> None:
    a, b = await sides(chains)
    expiry_s = (await a.chain.head()).timestamp_s + PLAN_WINDOW_S
    edge = edge_between(a, b, decide_by_s=expiry_s)
    leaves = plan_leaves([a.slice, b.slice], [edge])
    root = plan_root([a.slice, b.slice], [edge])
    assert equities(await a.state()).tolist() == [-DEFICIT, DEPOSIT + 20_000_000]

    for side in (a, b):
        await commit(side, root=root, expiry_s=expiry_s)
        progress = await side.progress()
        assert (progress.committed, progress.closed, progress.legs_done) == (True, False, 0)
        assert progress.plan_root == root
    edge_proof = merkle_proof(leaves, len(leaves) - 1)
    await b.send(open_call(b.chain.deployed.reserve, edge, edge_proof))
    assert (await b.edge_side(edge)).is_sealed is False
    await a.send(a.execute(0), a.execute(1))
    await b.send(b.execute(0))
    assert (await a.progress()).leg_bits == (0b11, 0b11)
    assert (await b.progress()).leg_bits == (0b1,)

    await a.send(prepare_call(a.chain.deployed.reserve, edge, edge_proof))
    prepared, escrowed = await a.edge_side(edge), await b.edge_side(edge)
    assert (prepared.state, prepared.is_sealed, prepared.amount_micro) == (1, True, FROM_B)
    assert (escrowed.state, escrowed.is_sealed, escrowed.amount_micro) == (2, True, FROM_B)
    assert (await a.state()).accounts.flags.tolist() == [1, 0]

    signatures = await quorum(decision_digest(edge_id(edge), FROM_B))
    for side in (a, b):
        reserve = side.chain.deployed.reserve
        decision = register_call(reserve, edge, amount_micro=FROM_B, signatures=signatures)
        await side.send(decision, apply_call(reserve, edge_id(edge)))
        assert (await side.edge_side(edge)).state == 4
        await side.send(close_plan_call(side.gate, EPOCH))
        assert (await side.progress()).closed
    assert (await a.state()).accounts.cash.tolist() == [0, DEPOSIT + 20_000_000 - FROM_A]
    assert (await b.state()).accounts.cash.tolist() == [DEPOSIT, DEPOSIT - FROM_B]
    moved = moved_call(a.gate, epoch=EPOCH, account=WINNER)
    answer = await call_at(a.chain.rpc, moved, block=await a.chain.head())
    assert decode_moved(answer).taken_micro == FROM_A


async def test_the_ledger_in_python_values_the_book_as_the_venue_does(chain: DevChain) -> None:
    await fallen_market(chain)
    side = Side(chain, ())
    state = await side.state()
    columns = (
        equities(state),
        profits(state, state.block.timestamp_s),
        maintenance_margins(state),
    )
    for account in range(len(state.accounts)):
        call = Call(side.gate, keccak256(b"accountState(uint32)")[:4] + account.to_bytes(32, "big"))
        answer = await call_at(chain.rpc, call, block=state.block)
        values = [int.from_bytes(answer[at : at + 32], "big", signed=True) for at in (0, 32, 64)]
        assert values == [int(column[account]) for column in columns]
