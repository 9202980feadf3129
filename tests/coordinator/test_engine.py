"""Rounds over simulated chains: what is left out, who must sign, and venues made whole."""

import asyncio
from dataclasses import replace

import numpy as np
import pytest

from chains.ledger import equities
from chains.simulated import Faults, SimulatedChain, SimulatedNode
from chains.simulated.worlds import (
    GENESIS_S,
    VERIFIERS,
    perpetual_long_bankrupt__one_short_on_the_same_chain,
    short_call_bankrupt__two_longs_on_another_chain,
)
from coordinator.act.attest import Attestor, LocalVerifier
from coordinator.act.collect import Collector
from coordinator.act.journal import Journal
from coordinator.act.store import MemoryStore
from coordinator.decide.policy import Policy
from coordinator.decide.publish import PlanDocument, headers_of
from coordinator.decide.snapshot import Carried, Exclusion, Snapshot
from coordinator.decide.verify import recompute
from coordinator.engine import Engine, Hands, Round
from coordinator.errors import IncompleteSnapshot, PlanRejected, StaleSnapshot
from kernels.backend import choose_backend
from oracles.fixed import Faults as OracleFaults
from oracles.fixed import FixedSource
from tests.coordinator.act.scenes import Key, short_call_bankrupt__one_winner_here__two_there
from tests.coordinator.act.virtual_time import VirtualClock, run
from tests.coordinator.decide.conftest import flat_market

POLICY = Policy(
    band_ppm=1_000_000, band_floor_ppm=1_000_000, capacity_safety_ppm=0, market_age_ms_max=600_000
)
BACKEND = choose_backend("numpy")
NEVER = Faults(refuse_ppm=1_000_000)
MARKET = flat_market(index_micro=100_000_000_000)


def collector(*nodes: SimulatedNode, source: FixedSource | None = None) -> Collector:
    oracle = source or FixedSource(MARKET)
    return Collector(nodes, {"BTC": oracle}, {"BTC": oracle})


def verifiers(count: int = 4) -> list[LocalVerifier]:
    return [
        LocalVerifier(index=index, signer=Key(VERIFIERS[index]), backend=BACKEND)
        for index in range(count)
    ]


def shadow(*nodes: SimulatedNode) -> Engine:
    return Engine(
        collector(*nodes),
        policy=POLICY,
        backend=BACKEND,
        clock=VirtualClock(),
        carried=Carried(),
    )


def test_a_chain_that_does_not_answer_is_excluded_by_name() -> None:
    here, there = short_call_bankrupt__two_longs_on_another_chain()
    nodes = SimulatedNode(here), SimulatedNode(there, NEVER)
    snapshot = run(collector(*nodes).collect(now_ms=NOW_MS, carried=Carried(), policy=POLICY))
    assert [state.chain_id for state in snapshot.chains] == [31_337]
    assert snapshot.excluded == (Exclusion("chain 31338", "ChainUnavailable"),)


def test_a_slow_chain_is_excluded_and_the_rest_goes_on() -> None:
    here, there = short_call_bankrupt__two_longs_on_another_chain()
    slow = SimulatedNode(there, Faults(delay_ppm=1_000_000, delay_ms=60_000))
    asked = collector(SimulatedNode(here), slow)
    snapshot = run(asked.collect(now_ms=NOW_MS, carried=Carried(), policy=POLICY))
    assert snapshot.excluded == (Exclusion("chain 31338", "TimeoutError"),)


def test_without_any_chain_there_is_no_round() -> None:
    world = perpetual_long_bankrupt__one_short_on_the_same_chain()
    with pytest.raises(IncompleteSnapshot, match="chain 31337 \\(ChainUnavailable\\)"):
        run(shadow(SimulatedNode(world, NEVER)).run_round())


def test_without_any_price_there_is_no_round() -> None:
    source = FixedSource(MARKET, faults=OracleFaults(unavailable_ppm=1_000_000))
    node = SimulatedNode(perpetual_long_bankrupt__one_short_on_the_same_chain())
    asked = collector(node, source=source)
    with pytest.raises(IncompleteSnapshot, match="index BTC \\(OracleUnavailable\\)"):
        run(asked.collect(now_ms=NOW_MS, carried=Carried(), policy=POLICY))


def test_an_old_market_skips_the_round() -> None:
    node = SimulatedNode(perpetual_long_bankrupt__one_short_on_the_same_chain())
    with pytest.raises(StaleSnapshot, match="600001 ms old"):
        run(collector(node).collect(now_ms=NOW_MS + 600_001, carried=Carried(), policy=POLICY))


def test_a_shadow_plans_and_sends_nothing() -> None:
    world = perpetual_long_bankrupt__one_short_on_the_same_chain()
    engine = shadow(SimulatedNode(world))
    round_ = run(engine.run_round())
    assert not round_.document.plan.is_empty
    assert round_.document.signatures == ()
    assert run(engine.drive(round_)) is None
    assert not world.mempool


def test_a_verifier_signs_only_what_it_recomputes() -> None:
    document = _shadow_round().document
    plan = replace(document.plan, expiry_s=document.plan.expiry_s + 1)
    (verifier,) = verifiers(1)
    with pytest.raises(PlanRejected, match=r"plan\.expiry_s: published"):
        run(verifier.attest(replace(document, plan=plan)))


def test_a_verifier_signs_one_plan_an_epoch() -> None:
    document = _shadow_round().document
    (verifier,) = verifiers(1)
    run(verifier.attest(document))
    run(verifier.attest(document))
    other = replace(document.snapshot, carried=Carried(document.plan.epoch - 1), excluded=())
    again = replace(other, excluded=(Exclusion("chain 9", "TimeoutError"),))
    with pytest.raises(PlanRejected, match="another plan was signed"):
        run(verifier.attest(_document_of(again)))


def test_too_few_signatures_are_refused_with_every_reason() -> None:
    document = _shadow_round().document
    forged = replace(document, plan=replace(document.plan, not_before_s=0))
    with pytest.raises(PlanRejected, match="0 of 3 needed verifiers signed: verifier 0"):
        run(Attestor(verifiers(), threshold=3).attest(forged))


def test_the_quorum_is_exact_and_ascending() -> None:
    signed = run(Attestor(verifiers(), threshold=3).attest(_shadow_round().document))
    assert [signature.signer for signature in signed.signatures] == [0, 1, 2]


@pytest.mark.parametrize("seed", range(3))
def test_a_live_round_makes_every_venue_whole(seed: int) -> None:
    assert run(_live(seed)) == {31_337: (), 31_338: ()}


NOW_MS = GENESIS_S * 1_000


def _shadow_round() -> Round:
    world = perpetual_long_bankrupt__one_short_on_the_same_chain()
    return run(shadow(SimulatedNode(world)).run_round())


def _document_of(snapshot: Snapshot) -> PlanDocument:
    plan = recompute(snapshot, POLICY, BACKEND)
    return PlanDocument(snapshot, POLICY, plan, headers_of(snapshot, plan, POLICY), ())


async def _live(seed: int) -> dict[int, tuple[int, ...]]:
    """Rounds until nothing is left to do; returns what is still bankrupt, by chain."""
    scene = short_call_bankrupt__one_winner_here__two_there()
    chains = {chain_id: _under(chain, POLICY) for chain_id, chain in scene.chains.items()}
    scene = replace(scene, chains=chains)
    scene.start_mining()
    flaky = Faults(seed=seed, refuse_ppm=20_000, drop_reply_ppm=50_000)
    nodes = [SimulatedNode(chain, flaky) for chain in chains.values()]
    executor = scene.executor(await Journal.over(MemoryStore()))
    engine = Engine(
        collector(*nodes),
        policy=POLICY,
        backend=BACKEND,
        clock=VirtualClock(),
        carried=Carried(),
        hands=Hands(Attestor(verifiers(), threshold=3), executor),
    )
    while (
        not (done := await engine.run_round()).document.plan.is_empty
        or done.document.snapshot.excluded
    ):
        await engine.drive(done)
        await asyncio.sleep(1)
    scene.stop_mining()
    states = [await SimulatedNode(chain).read() for chain in chains.values()]
    return {state.chain_id: tuple(np.flatnonzero(equities(state) < 0).tolist()) for state in states}


def _under(chain: SimulatedChain, policy: Policy) -> SimulatedChain:
    """The same chain, its gate pinned to a policy."""
    genesis = chain.genesis
    return replace(
        chain, genesis=replace(genesis, terms=replace(genesis.terms, policy_digest=policy.digest))
    )
