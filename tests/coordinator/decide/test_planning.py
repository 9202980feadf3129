"""From a snapshot to one plan over all venues, in exact integers."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from chains.legs import OWN_POT, Close, Credit, Deficit, Haircut
from chains.simulated.venue import Match
from chains.simulated.worlds import (
    GENESIS_S,
    call,
    open_book,
    perpetual,
    perpetual_long_bankrupt__one_short_on_the_same_chain,
    short_call_bankrupt__two_longs_on_another_chain,
    usd,
)
from coordinator.decide.assess import Health, assess
from coordinator.decide.build import build_plan
from coordinator.decide.invariants import check_plan
from coordinator.decide.plan import Plan, Regime, Stage
from coordinator.decide.policy import ContractPolicy, MoneyPolicy, Policy
from coordinator.decide.publish import PlanDocument, chunks_of, fingerprint, headers_of
from coordinator.decide.relations import relations
from coordinator.decide.snapshot import Carried, Snapshot
from coordinator.decide.verify import verify
from coordinator.errors import DocumentInvalid
from kernels.backend import Backend

MakeSnapshot = Callable[..., Snapshot]


def plan_of(snapshot: Snapshot, policy: Policy, backend: Backend) -> Plan:
    return build_plan(snapshot, assess(snapshot, policy, backend), policy)


def test_nothing_is_planned_where_everybody_is_solvent(
    snapshot_of: MakeSnapshot, policy: Policy, backend: Backend
) -> None:
    calm = open_book(
        chain_id=1, listings=[perpetual(mark=usd(100))], cash=[usd(900)] * 2, trades=[]
    )
    plan = plan_of(snapshot_of(calm), policy, backend)
    assert plan.is_empty
    assert plan.feasibility.regime is Regime.COVERED


def test_insurance_then_the_winner_then_nothing_is_left(
    snapshot_of: MakeSnapshot, policy: Policy, backend: Backend
) -> None:
    snapshot = snapshot_of(perpetual_long_bankrupt__one_short_on_the_same_chain())
    plan = plan_of(snapshot, policy, backend)
    (slice_,) = plan.slices
    assert slice_.legs == (
        Deficit(0, usd(100)),
        Close(0, 1, 0, 10, usd(60), 0, 0),
        Haircut(1, OWN_POT, usd(70)),
        Credit(0, usd(100)),
    )
    assert plan.edges == ()
    assert plan.uncovered == ()
    assert [(s.stage, s.used_micro, s.left_micro) for s in plan.stages] == [
        (Stage.INSURANCE, usd(30), usd(70)),
        (Stage.DELEVERAGING, usd(70), 0),
        (Stage.UNCOVERED, 0, 0),
    ]
    assert plan.feasibility.regime is Regime.ADL


def test_winners_of_another_chain_pay_their_share_over_an_edge(
    snapshot_of: MakeSnapshot, policy: Policy, backend: Backend
) -> None:
    here, _ = short_call_bankrupt__two_longs_on_another_chain()
    rich = open_book(
        chain_id=31_338,
        listings=[call(strike=usd(100_000), mark=usd(50))],
        cash=[usd(900), usd(900), usd(2_000)],
        trades=[Match(0, 2, 0, 6, usd(10)), Match(1, 2, 0, 4, usd(10))],
    )
    plan = plan_of(snapshot_of(here, rich), policy, backend)
    near, there = plan.slices
    # R = 280 over U = 50 + 240 + 160 = 450; floors and the largest remainder, to the micro.
    own, first, second = 31_111_111, 149_333_333, 99_555_556
    assert own + first + second == usd(280)
    assert Haircut(2, OWN_POT, own) in near.legs
    assert Credit(0, usd(20) + own) in near.legs
    (edge,) = plan.edges
    assert (edge.chain_a, edge.account_a, edge.chain_b, edge.payers) == (31_337, 0, 31_338, 2)
    assert edge.planned_micro == first + second
    assert there.legs == (Haircut(0, edge.box, first), Haircut(1, edge.box, second))
    assert plan.uncovered == ()


def test_a_payer_abroad_gives_no_more_than_its_cash_and_others_stand_in(
    snapshot_of: MakeSnapshot, policy: Policy, backend: Backend
) -> None:
    snapshot = snapshot_of(*short_call_bankrupt__two_longs_on_another_chain())
    plan = plan_of(snapshot, policy, backend)
    # Cash abroad is 40 and 60; the winner at home gives all its 50; 130 of 300 stay uncovered.
    assert plan.slices[1].legs == (Haircut(0, 1, usd(40)), Haircut(1, 1, usd(60)))
    assert Haircut(2, OWN_POT, usd(50)) in plan.slices[0].legs
    assert [entry.amount_micro for entry in plan.uncovered] == [usd(130)]
    assert plan.feasibility.regime is Regime.UNCOVERED


def test_the_ranking_is_one_list_over_all_chains(
    snapshot_of: MakeSnapshot, policy: Policy, backend: Backend
) -> None:
    snapshot = snapshot_of(*short_call_bankrupt__two_longs_on_another_chain())
    rows = list(assess(snapshot, policy, backend).ranking(10))
    assert {row.account.chain_id for row in rows} == {31_337, 31_338}
    assert [row.score for row in rows] == sorted((row.score for row in rows), reverse=True)
    assert all(row.profit > 0 for row in rows)


def test_the_bankrupt_is_bankrupt_and_the_rest_keep_their_class(
    snapshot_of: MakeSnapshot, policy: Policy, backend: Backend
) -> None:
    snapshot = snapshot_of(perpetual_long_bankrupt__one_short_on_the_same_chain())
    (venue,) = assess(snapshot, policy, backend).venues
    assert venue.equity.tolist() == [-usd(100), usd(1_400)]
    assert venue.profit.tolist() == [-usd(400), usd(400)]
    assert venue.payable.tolist() == [0, usd(400)]
    assert venue.health[0] == Health.BANKRUPT


def test_a_deficit_inside_the_price_interval_is_left_and_registered(
    snapshot_of: MakeSnapshot, policy: Policy, backend: Backend
) -> None:
    # 1,000 lots x 0.1 % of 100 USD is 100 USD either way: more than the deficit of 50.
    edgy = open_book(
        chain_id=1,
        listings=[perpetual(mark=usd(60))],
        cash=[usd(39_950), usd(100_000)],
        trades=[Match(0, 1, 0, 1_000, usd(100))],
    )
    plan = plan_of(snapshot_of(edgy), policy, backend)
    assert plan.is_empty
    assert [(u.account.account, u.amount_micro, u.reason) for u in plan.uncovered] == [
        (0, usd(50), "inside the price interval")
    ]


def test_a_mark_that_disagrees_with_the_surface_leaves_its_holders_alone(
    snapshot_of: MakeSnapshot, backend: Backend
) -> None:
    snapshot = snapshot_of(perpetual_long_bankrupt__one_short_on_the_same_chain())
    plan = plan_of(snapshot, Policy(), backend)
    assert plan.is_empty
    assert plan.uncovered[0].reason == "holds an instrument without a trusted price"


def test_two_bankrupts_are_netted_before_anybody_solvent_is_closed(
    snapshot_of: MakeSnapshot, policy: Policy, backend: Backend
) -> None:
    book = open_book(
        chain_id=1,
        listings=[perpetual(mark=usd(60)), perpetual(mark=usd(60))],
        cash=[usd(300), usd(300), usd(9_000)],
        trades=[
            Match(0, 2, 0, 10, usd(100)),
            Match(2, 1, 1, 10, usd(20)),
            Match(0, 1, 1, 4, usd(60)),
        ],
    )
    plan = plan_of(snapshot_of(book), policy, backend)
    closes = [leg for leg in plan.slices[0].legs if isinstance(leg, Close)]
    assert [(c.account, c.counterparty, c.instrument, c.lots) for c in closes] == [
        (0, 2, 0, 10),
        (0, 1, 1, 4),
        (1, 2, 1, 10),
    ]


def test_severity_below_one_takes_less_and_registers_the_rest(
    snapshot_of: MakeSnapshot, policy: Policy, backend: Backend
) -> None:
    snapshot = snapshot_of(perpetual_long_bankrupt__one_short_on_the_same_chain())
    plan = plan_of(snapshot, replace(policy, severity_ppm=500_000), backend)
    assert Haircut(1, OWN_POT, usd(35)) in plan.slices[0].legs
    assert [u.amount_micro for u in plan.uncovered] == [usd(35)]


@pytest.mark.parametrize("money", MoneyPolicy)
@pytest.mark.parametrize("contracts", ContractPolicy)
def test_every_invariant_holds_under_every_policy(
    snapshot_of: MakeSnapshot,
    policy: Policy,
    backend: Backend,
    money: MoneyPolicy,
    contracts: ContractPolicy,
) -> None:
    rules = replace(policy, money_policy=money, contract_policy=contracts)
    snapshot = snapshot_of(*short_call_bankrupt__two_longs_on_another_chain())
    assessment = assess(snapshot, rules, backend)
    found = check_plan(snapshot, assessment, build_plan(snapshot, assessment, rules), rules)
    assert all(finding.holds for finding in (*found, *relations(snapshot, rules, backend)))


def test_the_document_reads_back_and_verifies_bit_for_bit(
    snapshot_of: MakeSnapshot, policy: Policy, backend: Backend
) -> None:
    snapshot = snapshot_of(*short_call_bankrupt__two_longs_on_another_chain())
    plan = plan_of(snapshot, policy, backend)
    document = PlanDocument(snapshot, policy, plan, headers_of(snapshot, plan, policy), ())
    again = PlanDocument.from_bytes(document.to_bytes())
    assert again.plan == plan
    assert again.headers == document.headers
    assert again.snapshot.digest == snapshot.digest
    assert verify(again, backend).is_identical


def test_a_changed_amount_is_named_by_verify(
    snapshot_of: MakeSnapshot, policy: Policy, backend: Backend
) -> None:
    snapshot = snapshot_of(perpetual_long_bankrupt__one_short_on_the_same_chain())
    plan = plan_of(snapshot, policy, backend)
    (slice_,) = plan.slices
    legs = tuple(
        replace(leg, target_micro=leg.target_micro + 1) if isinstance(leg, Haircut) else leg
        for leg in slice_.legs
    )
    forged = replace(plan, slices=(replace(slice_, legs=legs),))
    document = PlanDocument(snapshot, policy, forged, headers_of(snapshot, forged, policy), ())
    verdict = verify(document, backend)
    assert verdict.first_difference == (
        "plan.slices[0].legs[2].target_micro: published 70000001, recomputed 70000000"
    )


def test_a_document_that_is_not_canonical_is_refused(
    snapshot_of: MakeSnapshot, policy: Policy, backend: Backend
) -> None:
    snapshot = snapshot_of(perpetual_long_bankrupt__one_short_on_the_same_chain())
    plan = plan_of(snapshot, policy, backend)
    data = PlanDocument(snapshot, policy, plan, headers_of(snapshot, plan, policy), ()).to_bytes()
    for broken in (b"", data[:-1], data + b"\x00", b"\xa0", data.replace(b"fixed", b"fix\xffd", 1)):
        with pytest.raises(DocumentInvalid):
            PlanDocument.from_bytes(broken)


def test_the_fingerprint_ignores_blocks_and_the_digest_does_not(
    snapshot_of: MakeSnapshot, policy: Policy, backend: Backend
) -> None:
    snapshot = snapshot_of(perpetual_long_bankrupt__one_short_on_the_same_chain())
    (state,) = snapshot.chains
    later = replace(state, block=replace(state.block, number=77, hash=b"\x07" * 32))
    moved = replace(snapshot, chains=(later,))
    plan, other = plan_of(snapshot, policy, backend), plan_of(moved, policy, backend)
    assert fingerprint(plan) == fingerprint(other)
    assert plan.digest != other.digest


def test_the_epoch_is_above_every_gate_and_the_last_plan(
    snapshot_of: MakeSnapshot, policy: Policy, backend: Backend
) -> None:
    snapshot = snapshot_of(perpetual_long_bankrupt__one_short_on_the_same_chain())
    assert plan_of(replace(snapshot, carried=Carried(41)), policy, backend).epoch == 42


def test_a_header_caps_what_the_legs_may_move(
    snapshot_of: MakeSnapshot, policy: Policy, backend: Backend
) -> None:
    snapshot = snapshot_of(perpetual_long_bankrupt__one_short_on_the_same_chain())
    plan = plan_of(snapshot, policy, backend)
    (header,) = headers_of(snapshot, plan, policy)
    assert header.insurance_micro == usd(30)
    assert (header.haircut_cap_micro, header.remote_cap_micro) == (usd(70), 0)
    assert header.close_cap_micro == 10 * (usd(60) + 1_000_000)
    assert header.deficit_micro == usd(100)
    assert (header.not_before_s, header.expiry_s) == (GENESIS_S, GENESIS_S + 300)
    assert header.leg_count == 4 == sum(len(c) for c in chunks_of(plan.slices[0], policy))
