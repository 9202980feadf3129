"""Every plan of every random book keeps every promise; every broken promise is found by name."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chains.legs import OWN_POT, Close, Credit, Deficit, Haircut, Leg
from chains.model import InstrumentKind
from chains.simulated.chain import SimulatedChain
from chains.simulated.snapshot import chain_state
from chains.simulated.venue import Match
from chains.simulated.worlds import (
    GENESIS_S,
    Funding,
    Listing,
    gate_address,
    open_book,
    short_call_bankrupt__two_longs_on_another_chain,
    usd,
)
from coordinator.decide.assess import assess
from coordinator.decide.build import build_plan
from coordinator.decide.invariants import check_plan, findings
from coordinator.decide.plan import Plan, Stage
from coordinator.decide.policy import ContractPolicy, MoneyPolicy, Policy
from coordinator.decide.relations import relations
from coordinator.decide.snapshot import Carried, Snapshot
from coordinator.errors import InvariantViolation
from kernels.backend import choose_backend
from tests.coordinator.decide.conftest import flat_market

BACKEND = choose_backend("numpy")
WIDE = 100_000_000
POLICY = Policy(band_ppm=1_000_000, band_floor_ppm=WIDE)
MARKET = flat_market(index_micro=100_000_000_000)
CHAINS = (31_337, 31_338)

marks = st.integers(1, usd(200))
listings = st.one_of(
    st.builds(Listing, kind=st.just(InstrumentKind.PERPETUAL), mark=marks),
    st.builds(
        Listing,
        kind=st.just(InstrumentKind.OPTION),
        mark=marks,
        strike=st.sampled_from([usd(90_000), usd(100_000), usd(120_000)]),
        expiry_s=st.just(GENESIS_S + 30 * 86_400),
    ),
)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[SimulatedChain, ...]:
    """Two venues with the same listings, random trades, small money and random credit."""
    listed = draw(st.lists(listings, min_size=1, max_size=3))
    numbers = st.integers(0, 5)
    match = st.builds(
        Match,
        buyer=numbers,
        seller=numbers,
        instrument=st.integers(0, len(listed) - 1),
        lots=st.integers(1, 50),
        price=st.integers(0, usd(200)),
    ).filter(lambda made: made.buyer != made.seller)
    cash = st.lists(st.integers(0, usd(2_000)), min_size=6, max_size=6)
    return tuple(
        open_book(
            chain_id=chain_id,
            listings=listed,
            cash=draw(cash),
            trades=draw(st.lists(match, max_size=8)),
            funding=Funding(
                insurance=draw(st.integers(0, usd(500))),
                reserve=draw(st.integers(0, usd(3_000))),
                credit={
                    (other, gate_address(other)): draw(st.integers(0, usd(3_000)))
                    for other in CHAINS
                    if other != chain_id
                },
            ),
        )
        for chain_id in CHAINS
    )


def snapshot_of(*chains: SimulatedChain) -> Snapshot:
    states = tuple(chain_state(chain.head.contracts, chain.head.ref) for chain in chains)
    return Snapshot(states, MARKET, Carried(), ())


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    worlds(),
    st.sampled_from(MoneyPolicy),
    st.sampled_from(ContractPolicy),
    st.sampled_from([1_000_000, 700_000]),
)
def test_every_plan_of_a_random_book_keeps_every_promise(
    chains: tuple[SimulatedChain, ...],
    money: MoneyPolicy,
    contracts: ContractPolicy,
    severity_ppm: int,
) -> None:
    policy = replace(
        POLICY, money_policy=money, contract_policy=contracts, severity_ppm=severity_ppm
    )
    snapshot = snapshot_of(*chains)
    assessment = assess(snapshot, policy, BACKEND)
    check_plan(snapshot, assessment, build_plan(snapshot, assessment, policy), policy)


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(worlds(), st.sampled_from(MoneyPolicy))
def test_the_relations_between_plans_hold_for_random_books(
    chains: tuple[SimulatedChain, ...], money: MoneyPolicy
) -> None:
    found = relations(snapshot_of(*chains), replace(POLICY, money_policy=money), BACKEND)
    assert [f.broken_by for f in found] == ["", "", "", ""]


def _plan() -> tuple[Snapshot, Plan]:
    snapshot = snapshot_of(*short_call_bankrupt__two_longs_on_another_chain())
    return snapshot, build_plan(snapshot, assess(snapshot, POLICY, BACKEND), POLICY)


def _with_leg(plan: Plan, old: type[Leg], new: Leg | None, *, venue: int = 0) -> Plan:
    """The plan with the first leg of a kind on a venue replaced, or dropped."""
    legs = list(plan.slices[venue].legs)
    at = next(i for i, leg in enumerate(legs) if isinstance(leg, old))
    legs[at : at + 1] = [] if new is None else [new]
    slices = list(plan.slices)
    slices[venue] = replace(slices[venue], legs=tuple(legs))
    return replace(plan, slices=tuple(slices))


def broken_numbers(snapshot: Snapshot, plan: Plan, policy: Policy = POLICY) -> set[int]:
    assessment = assess(snapshot, policy, BACKEND)
    return {f.number for f in findings(snapshot, assessment, plan, policy) if not f.holds}


def test_the_unbroken_plan_breaks_nothing() -> None:
    assert broken_numbers(*_plan()) == set()


@pytest.mark.parametrize(
    ("kind", "leg", "venue", "number"),
    [
        (Haircut, Haircut(2, OWN_POT, usd(60)), 0, 4),
        (Haircut, Haircut(1, OWN_POT, usd(1)), 0, 4),
        (Credit, Credit(0, usd(1)), 0, 1),
        (Credit, None, 0, 14),
        (Close, None, 0, 14),
        (Close, Close(0, 1, 0, 10, usd(50), 0, 0), 0, 8),
        (Haircut, Haircut(0, OWN_POT, usd(49)), 0, 13),
        (Haircut, None, 1, 12),
        (Deficit, Deficit(2, usd(300)), 0, 8),
    ],
)
def test_a_forged_leg_is_found_by_number(
    kind: type[Leg], leg: Leg | None, venue: int, number: int
) -> None:
    snapshot, plan = _plan()
    assert number in broken_numbers(snapshot, _with_leg(plan, kind, leg, venue=venue))


def test_an_edge_beyond_the_line_or_the_reserve_is_found() -> None:
    snapshot, plan = _plan()
    here, there = snapshot.chains
    poor = replace(here, funds=replace(here.funds, reserve_free_micro=usd(1)))
    assert 12 in broken_numbers(replace(snapshot, chains=(poor, there)), plan)
    strict = replace(here.funds.lines[0], limit_micro=usd(1))
    lent = replace(here, funds=replace(here.funds, lines=(strict,)))
    assert 12 in broken_numbers(replace(snapshot, chains=(lent, there)), plan)
    capped = replace(there, funds=replace(there.funds, plan_cap_micro=usd(1)))
    assert 12 in broken_numbers(replace(snapshot, chains=(here, capped)), plan)


def test_stages_that_do_not_add_up_are_found() -> None:
    snapshot, plan = _plan()
    stages = tuple(
        replace(stage, left_micro=stage.left_micro + 1) if stage.stage is Stage.INSURANCE else stage
        for stage in plan.stages
    )
    assert 7 in broken_numbers(snapshot, replace(plan, stages=stages))


def test_winners_that_pay_before_insurance_is_spent_are_found() -> None:
    snapshot, plan = _plan()
    stages = tuple(
        replace(stage, used_micro=0, left_micro=stage.left_micro + stage.used_micro)
        if stage.stage is Stage.INSURANCE
        else stage
        for stage in plan.stages
    )
    forged = replace(plan, stages=stages, uncovered=())
    assert 6 in broken_numbers(snapshot, forged)


def test_a_fallen_class_that_is_not_flagged_is_found() -> None:
    snapshot, _ = _plan()
    strict = replace(POLICY, mm_factor_ppm=3_000_000)
    assessment = assess(snapshot, strict, BACKEND)
    honest = build_plan(snapshot, assessment, strict)
    if honest.last_resort:
        hidden = replace(honest, last_resort=())
        assert 5 in broken_numbers(snapshot, hidden, strict)
    assert broken_numbers(snapshot, honest, strict) == set()


def test_a_broken_promise_stops_the_round() -> None:
    snapshot, plan = _plan()
    forged = _with_leg(plan, Haircut, Haircut(2, OWN_POT, usd(60)))
    with pytest.raises(InvariantViolation, match="no winner pays more than its profit"):
        check_plan(snapshot, assess(snapshot, POLICY, BACKEND), forged, POLICY)
