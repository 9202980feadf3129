"""Death at every journal write and every publication: nothing is done twice, nothing is lost."""

import asyncio
import random
from collections import Counter
from dataclasses import replace

import pytest

from chains.codec.transaction import unpack_signed
from chains.legs import Close, Deficit
from chains.simulated import Faults
from chains.simulated.worlds import usd
from coordinator.act.journal import Journal
from coordinator.act.lifecycle import TERMINAL, State
from coordinator.act.store import MemoryStore
from tests.coordinator.act.crashes import Fuse, FusedNode, FusedStore, Killed
from tests.coordinator.act.scenes import (
    CHAIN_A,
    CHAIN_B,
    THRESHOLD,
    longer,
    short_call_bankrupt__one_winner_here,
    short_call_bankrupt__one_winner_here__two_there,
)
from tests.coordinator.act.virtual_time import run

PATIENCE_S = 3_000
NO_FAULTS = Faults()


async def one_life(scene, store, fuse, faults=None):
    """Run until the plan is over or the fuse blows; says whether it is over."""
    nodes = {
        chain_id: FusedNode(node, fuse) for chain_id, node in scene.nodes(faults or {}).items()
    }
    try:
        journal = await Journal.over(FusedStore(store, fuse))
        for node in nodes.values():
            node.journal.append(journal)
        executor = scene.executor(journal, nodes=nodes)
        work = executor.execute(scene.document, threshold=THRESHOLD)
        outcome = await asyncio.wait_for(work, PATIENCE_S)
    except Killed:
        return None
    return outcome


async def lives(scene, fuses, faults=NO_FAULTS):
    """One life after another over the same chains and the same store; the last one ends it."""
    scene.start_mining()
    store = MemoryStore()
    outcomes = []
    for number, fuse in enumerate((*fuses, Fuse())):
        per_life = {chain_id: faults_of(faults, chain_id, number) for chain_id in scene.chains}
        outcomes.append(await one_life(scene, store, fuse, per_life))
    journal = await Journal.over(store)
    scene.stop_mining()
    return outcomes[-1], journal


def faults_of(faults, chain_id, life):
    return replace(faults, seed=faults.seed * 1_000 + chain_id * 10 + life)


def assert_nothing_lost_or_doubled(scene, outcome, journal):
    assert outcome is not None
    entries = list(journal.book.of_plan(1))
    assert {e.state for e in entries} <= TERMINAL
    assert {step.state for step in outcome.steps} == {State.DONE}, outcome.steps
    assert_each_nonce_has_one_owner_and_one_call(entries)
    if CHAIN_B in scene.chains:
        assert [scene.cash(CHAIN_A, n) for n in range(3)] == [0, usd(850), usd(1_000)]
        assert [scene.cash(CHAIN_B, n) for n in range(2)] == [usd(102), usd(68)]
    else:
        assert [scene.cash(CHAIN_A, n) for n in range(3)] == [usd(-230), usd(850), usd(1_000)]
    assert_each_leg_moved_its_amount_once(scene)
    assert_nonces_were_spent_in_order_without_a_gap(scene)


def assert_each_nonce_has_one_owner_and_one_call(entries):
    owned = [(e.intent.chain_id, e.nonce) for e in entries if e.nonce is not None]
    assert len(owned) == len(set(owned))
    for entry in entries:
        bodies = [unpack_signed(attempt.raw)[0] for attempt in entry.attempts]
        assert {body.nonce for body in bodies} <= {entry.nonce}
        calls = {b.call for b, a in zip(bodies, entry.attempts, strict=True) if not a.is_empty}
        assert calls <= {entry.intent.call}


def assert_each_leg_moved_its_amount_once(scene):
    for chain in scene.chains.values():
        moved = Counter()
        for block in chain.blocks:
            for mined in block.mined:
                for log in mined.logs if mined.error is None else ():
                    moved[log.chunk, log.index] += log.amount
        legs = next(s.legs for s in scene.document.plan.slices if s.chain_id == chain.chain_id)
        assert moved == {divmod(row, 2): amount_of(leg) for row, leg in enumerate(legs)}


def amount_of(leg):
    match leg:
        case Deficit():
            return leg.limit_micro
        case Close():
            return leg.lots
        case _:
            return leg.target_micro


def assert_nonces_were_spent_in_order_without_a_gap(scene):
    for chain in scene.chains.values():
        spent = [m.transaction.body.nonce for block in chain.blocks for m in block.mined]
        assert spent == list(range(len(spent)))


def points_of(make):
    fuse = Fuse()
    run(lives(make(), [fuse]))
    return fuse.points


HOME_POINTS = len(points_of(short_call_bankrupt__one_winner_here))
EDGE_POINTS = len(points_of(short_call_bankrupt__one_winner_here__two_there))


def test_the_crash_points_are_where_they_should_be():
    points = points_of(short_call_bankrupt__one_winner_here)
    assert points[:2] == [f"{when} writing {first_write()}" for when in ("before", "after")]
    assert points.count("before publishing") == points.count("after publishing") == 4
    assert 30 <= len(points) <= 60


def first_write():
    return "plan," + ",".join(["intent", "transition"] * 5)


@pytest.mark.parametrize("at", range(HOME_POINTS))
def test_a_plan_at_home_survives_a_crash_at(at):
    scene = short_call_bankrupt__one_winner_here()
    outcome, journal = run(lives(scene, [Fuse(at)]))
    assert_nothing_lost_or_doubled(scene, outcome, journal)


@pytest.mark.parametrize("at", range(EDGE_POINTS))
def test_a_plan_with_an_edge_survives_a_crash_at(at):
    scene = short_call_bankrupt__one_winner_here__two_there()
    outcome, journal = run(lives(scene, [Fuse(at)]))
    assert_nothing_lost_or_doubled(scene, outcome, journal)


# ------------------------------------------------------------------------- everything at once


def storm(seed, make, *, points):
    """Faults of every kind, reorgs that stay above FINAL, and up to three deaths."""
    dice = random.Random(seed)
    scene = make()
    scene.document = longer(scene.document)
    for chain in scene.chains.values():
        chain.faults = Faults(
            seed=seed, reorg_ppm=dice.choice((0, 100_000, 300_000)), reorg_depth=dice.randint(1, 3)
        )
        chain.dice.faults = chain.faults
    faults = Faults(
        seed=seed,
        refuse_ppm=dice.choice((0, 20_000)),
        drop_reply_ppm=dice.choice((0, 20_000)),
        delay_ppm=dice.choice((0, 200_000)),
        stale_head_ppm=dice.choice((0, 50_000)),
        lose_transaction_ppm=dice.choice((0, 300_000)),
    )
    fuses = [Fuse(dice.randrange(points)) for _ in range(dice.randint(0, 3))]
    outcome, journal = run(lives(scene, fuses, faults))
    assert_nothing_lost_or_doubled(scene, outcome, journal)


@pytest.mark.parametrize("seed", range(60))
def test_a_storm_at_home_is_survived(seed):
    storm(seed, short_call_bankrupt__one_winner_here, points=HOME_POINTS)


@pytest.mark.parametrize("seed", range(50))
def test_a_storm_over_an_edge_is_survived(seed):
    storm(seed, short_call_bankrupt__one_winner_here__two_there, points=EDGE_POINTS)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(1_000, 6_000))
def test_five_thousand_storms_are_survived(seed):
    storm(seed, short_call_bankrupt__one_winner_here__two_there, points=EDGE_POINTS)
