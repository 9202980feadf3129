"""The same plan on two real chains with the real contracts and a real journal."""

import asyncio
import time

import numpy as np
import pytest
import pytest_asyncio

from chains.artifacts import error_names
from chains.codec.gate import Config
from chains.codec.instruments import pack_mark
from chains.devnet import AnvilOptions, Devnet, VenueSetup
from chains.endpoints import Endpoints
from chains.legs import Close, Credit, Deficit, Edge, Haircut, Slice
from chains.levels import Levels
from chains.model import Instrument, InstrumentKind, Right, read_only
from chains.signatures import address_of
from chains.signer import DevSigner
from chains.simulated.worlds import VERIFIERS, usd
from chains.transactions import ChainTransactions
from chains.venue import VenueGate, VenueReader
from chains.venue_reading import VenueAddress
from coordinator.act.clock import SystemClock
from coordinator.act.drive import Pace
from coordinator.act.execute import Executor
from coordinator.act.intents import Kind
from coordinator.act.journal import open_journal
from coordinator.act.lane import Lane
from coordinator.act.lifecycle import State
from coordinator.act.settle import LocalDecisionSigner
from tests.coordinator.act.scenes import POLICY, THRESHOLD, Key, document_of

pytestmark = pytest.mark.anvil

CHAIN_A, CHAIN_B = 31_341, 31_342
LEVELS = Levels(read=1, final=4)
EXECUTOR = 1
INTERRUPTIONS = 12


def venue_setup():
    rules = Config(
        policy_digest=POLICY.digest,
        plan_cap_micro=10**12,
        bucket_capacity_micro=10**12,
        bucket_refill_micro=10**6,
        window_s_max=600,
        snapshot_age_blocks_max=200,
        mark_age_s_max=3_600,
        im_factor_ppm=1_300_000,
        account_cap_ppm=1_000_000,
    )
    verifiers = tuple(address_of(key.public_key) for key in VERIFIERS)
    return VenueSetup(rules, verifiers, THRESHOLD, (14, 15, 16), 2)


@pytest_asyncio.fixture
async def devnet():
    options = [AnvilOptions(chain_id, int(time.time())) for chain_id in (CHAIN_A, CHAIN_B)]
    async with Devnet(options, setup=venue_setup()) as running:
        here, there = (running.chains[c] for c in (CHAIN_A, CHAIN_B))
        await open_book(here, (100, 500, 1_000), [(1, 0, 10, 10), (2, 1, 10, 45)])
        await open_book(there, (300, 200, 2_000), [(0, 2, 6, 10), (1, 2, 4, 10)])
        await here.fund_insurance(usd(20))
        await here.fund_reserve(usd(1_000))
        gate = there.deployed.gate
        await here.set_credit_line(chain_id=CHAIN_B, gate=gate, limit_micro=usd(500))
        for chain in (here, there):
            await chain.advance(2)
            await mark(chain, 50)
            await chain.advance(2)  # a snapshot is read one block below the head
        yield running


async def open_book(chain, deposits, trades):
    """Trades as (buyer, seller, lots, dollars a lot) of one call."""
    expiry_s = (await chain.head()).timestamp_s + 30 * 86_400
    listed = Instrument(0, InstrumentKind.OPTION, "BTC", expiry_s, 10**11, Right.CALL, 10**6)
    await chain.list_instruments(("BTC",), (listed,))
    await mark(chain, 10)
    owners = [(number + 1).to_bytes(20, "big") for number in range(len(deposits))]
    matches = [(buyer, seller, 0, lots, usd(price)) for buyer, seller, lots, price in trades]
    await chain.open_book(owners, read_only([usd(d) for d in deposits]), np.array(matches))


async def mark(chain, dollars):
    word = pack_mark(
        instrument=0,
        mark_micro=usd(dollars),
        mm_per_lot_micro=usd(1),
        band_micro=usd(1),
        time_s=(await chain.head()).timestamp_s,
    )
    await chain.post_marks([word])


def endpoints(chain):
    return Endpoints([chain.rpc], chain_id=chain.chain_id, levels=LEVELS)


def venue_of(chain, debtors=()):
    return VenueAddress(chain.deployed.gate, chain.deployed.reserve, debtors)


async def signed_plan(devnet):
    here, there = (devnet.chains[c] for c in (CHAIN_A, CHAIN_B))
    line = ((CHAIN_B, there.deployed.gate),)
    states = (
        await VenueReader(endpoints(here), venue_of(here, line)).read(),
        await VenueReader(endpoints(there), venue_of(there)).read(),
    )
    legs_a = (
        Deficit(0, usd(300)),
        Close(0, 2, 0, 10, usd(50), 0, 0),
        Haircut(2, 0, usd(50)),
        Credit(0, usd(70)),
    )
    legs_b = (Haircut(0, 1, usd(138)), Haircut(1, 1, usd(92)))
    slices = (
        Slice(CHAIN_A, here.deployed.gate, legs_a),
        Slice(CHAIN_B, there.deployed.gate, legs_b),
    )
    now_s = min(state.block.timestamp_s for state in states)
    edge = Edge(
        1, 1, 2, usd(230), now_s + 60, CHAIN_A, here.deployed.gate, 0, CHAIN_B, there.deployed.gate
    )
    return document_of(states, slices, (edge,), now_s=now_s)


def gates_of(devnet):
    return {
        (chain_id, chain.deployed.gate): VenueGate(endpoints(chain), venue_of(chain))
        for chain_id, chain in devnet.chains.items()
    }


def executor_over(devnet, journal):
    gates = gates_of(devnet)
    key = DevSigner(EXECUTOR, chain_ids=frozenset(devnet.chains))
    lanes = [
        Lane(
            chain_id,
            ChainTransactions(chain.rpc, levels=LEVELS, error_names=error_names()),
            key,
            {chain.deployed.gate: gates[chain_id, chain.deployed.gate]},
        )
        for chain_id, chain in devnet.chains.items()
    ]
    signers = [
        LocalDecisionSigner(index=index, signer=Key(verifier), gates=gates)
        for index, verifier in enumerate(VERIFIERS)
    ]
    clock, pace = SystemClock(), Pace(poll_ms=50)
    return Executor(journal, lanes=lanes, signers=signers, clock=clock, pace=pace)


async def cash_of(chain, accounts):
    state = await VenueReader(endpoints(chain), venue_of(chain)).read()
    return [int(state.accounts.cash[account]) for account in range(accounts)]


async def assert_settled(devnet):
    assert await cash_of(devnet.chains[CHAIN_A], 3) == [0, usd(850), usd(1_000)]
    assert await cash_of(devnet.chains[CHAIN_B], 2) == [usd(102), usd(68)]


async def test_a_plan_with_an_edge_is_carried_out_on_real_chains(devnet, tmp_path):
    document = await signed_plan(devnet)
    async with open_journal(f"sqlite+aiosqlite:///{tmp_path / 'journal.db'}") as journal:
        executor = executor_over(devnet, journal)
        outcome = await asyncio.wait_for(executor.execute(document, threshold=THRESHOLD), 60)
        entries = list(journal.book.of_plan(1))
    assert {
        (s.kind, s.state, s.reason) for s in outcome.steps if s.state is not State.DONE
    } == set()
    assert outcome.is_achieved
    assert outcome.settled_micro == ((1, usd(230)),)
    await assert_settled(devnet)
    used = {e.key: (e.inclusion.gas_used, e.intent.gas) for e in entries if e.inclusion}
    assert all(spent <= limit for spent, limit in used.values()), used


async def test_a_node_that_is_stopped_again_and_again_ends_the_plan_just_the_same(devnet, tmp_path):
    document = await signed_plan(devnet)
    url = f"sqlite+aiosqlite:///{tmp_path / 'journal.db'}"
    for interruption in range(INTERRUPTIONS):
        async with open_journal(url) as journal:
            executor = executor_over(devnet, journal)
            work = executor.execute(document, threshold=THRESHOLD)
            try:
                await asyncio.wait_for(work, 0.2 + 0.1 * interruption)
            except TimeoutError:
                continue
            break
    async with open_journal(url) as journal:
        await asyncio.wait_for(executor_over(devnet, journal).resume(), 60)
        entries = list(journal.book.of_plan(1))
    assert {e.state for e in entries} == {State.DONE}
    assert {e.intent.kind for e in entries} >= {Kind.COMMIT, Kind.EXECUTE, Kind.APPLY}
    await assert_settled(devnet)
    for chain_id in (CHAIN_A, CHAIN_B):
        nonces = [e.nonce for e in entries if e.intent.chain_id == chain_id and e.nonce is not None]
        assert sorted(nonces) == list(range(len(nonces)))
