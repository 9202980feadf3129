"""Small plans with exact numbers on simulated chains, and everything an executor needs there."""

import asyncio
from dataclasses import dataclass, field, replace

from coincurve import PrivateKey

from chains.base import SignedTransaction
from chains.codec.fields import keccak256
from chains.codec.transaction import pack_signed, signing_digest
from chains.codec.typed_data import header_digest
from chains.legs import Close, Credit, Deficit, Edge, Haircut, Slice
from chains.signatures import address_of, sign
from chains.simulated import Depths, Faults, SimulatedChain, SimulatedNode
from chains.simulated.snapshot import chain_state
from chains.simulated.venue import Match
from chains.simulated.worlds import (
    GENESIS_S,
    VERIFIERS,
    Funding,
    call,
    default_terms,
    gate_address,
    open_book,
    usd,
)
from coordinator.act.drive import Pace
from coordinator.act.execute import Executor
from coordinator.act.lane import Lane
from coordinator.act.settle import LocalDecisionSigner
from coordinator.decide.plan import Feasibility, Plan, Regime
from coordinator.decide.policy import Policy
from coordinator.decide.publish import PlanDocument, Signature, headers_of
from coordinator.decide.snapshot import Carried, Snapshot
from oracles.model import IndexQuote, MarketView
from tests.coordinator.act.virtual_time import VirtualClock

CHAIN_A, CHAIN_B = 31_337, 31_338
THRESHOLD = 3
POLICY = Policy(chunk_words=2)
WINDOW_S = 60
MARKET = MarketView(
    indices=(
        IndexQuote(
            underlying="BTC",
            index_micro=usd(100_000),
            half_width_micro=usd(10),
            observed_ms=GENESIS_S * 1_000,
            source="fixed",
        ),
    ),
    slices=(),
)


class Key:
    """A signer over a key that everybody knows."""

    def __init__(self, secret):
        self._key = secret if isinstance(secret, PrivateKey) else PrivateKey(keccak256(secret))
        self.address = address_of(self._key.public_key)

    async def sign_transaction(self, transaction):
        raw = pack_signed(transaction, sign(self._key, signing_digest(transaction)))
        return SignedTransaction(raw, keccak256(raw))

    async def sign_digest(self, digest):
        return sign(self._key, digest)


EXECUTOR = Key(b"executor one")
RIVAL = Key(b"executor two")


@dataclass
class Scene:
    """Chains that mine by themselves, and one signed plan over them."""

    chains: dict[int, SimulatedChain]
    document: PlanDocument
    miners: list = field(default_factory=list)

    def nodes(self, faults=None):
        faults = faults or {}
        return {
            chain_id: SimulatedNode(chain, faults.get(chain_id, Faults()))
            for chain_id, chain in self.chains.items()
        }

    def executor(self, journal, *, nodes=None, key=EXECUTOR, pace=None, signers=None):
        nodes = nodes or self.nodes()
        return Executor(
            journal,
            lanes=[
                Lane(chain_id, node, key, {gate_address(chain_id): node})
                for chain_id, node in nodes.items()
            ],
            signers=self.verifiers() if signers is None else signers,
            clock=VirtualClock(),
            pace=pace or Pace(),
        )

    def verifiers(self):
        nodes = self.nodes()
        gates = {(chain_id, gate_address(chain_id)): node for chain_id, node in nodes.items()}
        return [
            LocalDecisionSigner(index=index, signer=Key(key), gates=gates)
            for index, key in enumerate(VERIFIERS)
        ]

    def start_mining(self, *, every_s=1.0, chains=None):
        for chain in chains or self.chains.values():
            self.miners.append(asyncio.ensure_future(_mine(chain, every_s)))

    def stop_mining(self):
        for miner in self.miners:
            miner.cancel()
        self.miners.clear()

    def state(self, chain_id):
        return self.chains[chain_id].head.contracts

    def cash(self, chain_id, account):
        return self.state(chain_id).book.accounts[account].cash

    def plan_on(self, chain_id):
        return self.state(chain_id).gate.plans.get(self.document.plan.epoch)


async def _mine(chain, every_s):
    while True:
        await asyncio.sleep(every_s)
        chain.mine(chain.head.ref.timestamp_s + max(1, round(every_s)))


def short_call_bankrupt__one_winner_here__two_there(*, credit=500, local_credit=70):
    """A: account 0 is 300 short; account 2 gives 50, insurance 20, so 70 are credited at home and
    230 asked over the edge. B: accounts 0 and 1 owe 138 and 92 of that. ``credit`` limits what A's
    Reserve lends; a smaller ``local_credit`` leaves money in the pot that goes back."""
    here = _book_a(credit)
    there = _book_b()
    legs_a = (
        Deficit(0, usd(300)),
        Close(0, 2, 0, 10, usd(50), 0, 0),
        Haircut(2, 0, usd(50)),
        Credit(0, usd(local_credit)),
    )
    legs_b = (Haircut(0, 1, usd(138)), Haircut(1, 1, usd(92)))
    slices = (
        Slice(CHAIN_A, gate_address(CHAIN_A), legs_a),
        Slice(CHAIN_B, gate_address(CHAIN_B), legs_b),
    )
    edge = Edge(
        epoch=1,
        box=1,
        payers=2,
        planned_micro=usd(230),
        decide_by_s=GENESIS_S + WINDOW_S,
        chain_a=CHAIN_A,
        gate_a=gate_address(CHAIN_A),
        account_a=0,
        chain_b=CHAIN_B,
        gate_b=gate_address(CHAIN_B),
    )
    return _scene((here, there), slices, (edge,))


def short_call_bankrupt__one_winner_here():
    """The same on chain A alone: 300 short, 70 covered, no edge."""
    legs = (
        Deficit(0, usd(300)),
        Close(0, 2, 0, 10, usd(50), 0, 0),
        Haircut(2, 0, usd(50)),
        Credit(0, usd(70)),
    )
    return _scene((_book_a(0),), (Slice(CHAIN_A, gate_address(CHAIN_A), legs),), ())


def signed(document, *, keys=VERIFIERS[:THRESHOLD]):
    """The document with the signatures of these verifiers."""
    pairs = list(zip(document.plan.slices, document.headers, strict=True))
    return replace(
        document,
        signatures=tuple(
            Signature(
                VERIFIERS.index(key),
                tuple(
                    sign(key, header_digest(h, chain_id=s.chain_id, gate=s.gate)) for s, h in pairs
                ),
            )
            for key in keys
        ),
    )


def longer(document, *, window_s=600):
    """The same plan with more time; a window is at most 600 s."""
    headers = tuple(replace(h, expiry_s=h.not_before_s + window_s) for h in document.headers)
    plan = replace(document.plan, expiry_s=document.plan.not_before_s + window_s)
    return signed(replace(document, plan=plan, headers=headers, signatures=()))


def document_over(chains, slices, edges, *, epoch=1, now_s=GENESIS_S):
    """A signed plan over simulated chains as they are now."""
    states = tuple(chain_state(chain.head.contracts, chain.head.ref) for chain in chains)
    return document_of(states, slices, edges, epoch=epoch, now_s=now_s)


def document_of(states, slices, edges, *, epoch=1, now_s=GENESIS_S):
    """A signed plan over these states."""
    snapshot = Snapshot(
        chains=states,
        market=MARKET,
        carried=Carried(),
        excluded=(),
    )
    plan = Plan(
        epoch=epoch,
        snapshot_digest=snapshot.digest,
        policy_digest=POLICY.digest,
        not_before_s=now_s,
        expiry_s=now_s + WINDOW_S,
        slices=slices,
        edges=edges,
        treatments=(),
        uncovered=(),
        last_resort=(),
        stages=(),
        feasibility=Feasibility(0, 0, 0, 0, 0, 0, Regime.ADL),
    )
    headers = tuple(
        replace(header, insurance_micro=usd(20)) for header in headers_of(snapshot, plan, POLICY)
    )
    return signed(PlanDocument(snapshot, POLICY, plan, headers, ()))


def _scene(chains, slices, edges):
    by_id = {chain.chain_id: chain for chain in chains}
    return Scene(by_id, document_over(chains, slices, edges))


def _funded(chain, *, depths=None):
    wei = {key.address: 10**18 for key in (EXECUTOR, RIVAL)}
    return replace(chain, wei=wei, depths=depths or Depths(read=1, final=4))


def _terms(chain_id):
    return replace(default_terms(chain_id), policy_digest=POLICY.digest, mark_age_s_max=600)


def _book_a(credit):
    chain = open_book(
        chain_id=CHAIN_A,
        listings=[call(strike=usd(100_000), mark=usd(50))],
        cash=[usd(100), usd(500), usd(1_000)],
        trades=[Match(1, 0, 0, 10, usd(10)), Match(2, 1, 0, 10, usd(45))],
        funding=Funding(
            insurance=usd(20),
            reserve=usd(1_000),
            credit={(CHAIN_B, gate_address(CHAIN_B)): usd(credit)},
        ),
        terms=_terms(CHAIN_A),
    )
    return _funded(chain)


def _book_b():
    chain = open_book(
        chain_id=CHAIN_B,
        listings=[call(strike=usd(100_000), mark=usd(50))],
        cash=[usd(300), usd(200), usd(2_000)],
        trades=[Match(0, 2, 0, 6, usd(10)), Match(1, 2, 0, 4, usd(10))],
        terms=_terms(CHAIN_B),
    )
    return _funded(chain)
