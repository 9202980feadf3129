"""What every plan must satisfy, as sentences: one list for engine, properties and simulator.

8 (in part), 9, 10 and 11 relate several plans and stand in :mod:`coordinator.decide.relations`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from chains.ledger import Outcome, PlanLimits, Projection, Refused, haircut_limits, project
from chains.legs import OWN_POT, Close, Deficit, Haircut, Leg
from chains.model import ChainState, InstrumentKind
from coordinator.decide.assess import Assessment, classes_worsened
from coordinator.decide.plan import NO_COUNTERPARTY, Plan, Stage, Treatment
from coordinator.decide.policy import PPM, Policy
from coordinator.decide.publish import headers_of
from coordinator.decide.snapshot import Snapshot
from coordinator.errors import InvariantViolation

__all__ = ["Finding", "check_plan", "findings"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One invariant and the first row that breaks it; an empty ``broken_by`` means it holds."""

    number: int
    sentence: str
    broken_by: str

    @property
    def holds(self) -> bool:
        """Nothing breaks it."""
        return not self.broken_by


@dataclass(frozen=True, slots=True)
class _Scene:
    """A plan, where it came from, and every venue as the legs leave it."""

    snapshot: Snapshot
    assessment: Assessment
    plan: Plan
    policy: Policy
    projections: Mapping[tuple[int, bytes], Projection]

    def venues(self) -> Iterator[tuple[ChainState, Projection]]:
        """Before and after, for every venue with a slice."""
        for state in self.snapshot.chains:
            after = self.projections.get((state.chain_id, state.gate))
            if after is not None:
                yield state, after


def check_plan(
    snapshot: Snapshot, assessment: Assessment, plan: Plan, policy: Policy
) -> tuple[Finding, ...]:
    """All findings; raises InvariantViolation naming every sentence that is broken."""
    found = findings(snapshot, assessment, plan, policy)
    broken = [f"{f.number}. {f.sentence}: {f.broken_by}" for f in found if not f.holds]
    if broken:
        raise InvariantViolation("; ".join(broken))
    return found


def findings(
    snapshot: Snapshot, assessment: Assessment, plan: Plan, policy: Policy
) -> tuple[Finding, ...]:
    """One finding per sentence, in the order of docs/adl.md."""
    scene = _Scene(snapshot, assessment, plan, policy, _project(snapshot, plan, policy))
    return tuple(
        Finding(number, sentence, next(iter(rule(scene)), ""))
        for number, sentence, rule in _SENTENCES
    )


def _project(snapshot: Snapshot, plan: Plan, policy: Policy) -> dict[tuple[int, bytes], Projection]:
    states = {(state.chain_id, state.gate): state for state in snapshot.chains}
    projections: dict[tuple[int, bytes], Projection] = {}
    for slice_, header in zip(plan.slices, headers_of(snapshot, plan, policy), strict=True):
        state = states[slice_.chain_id, slice_.gate]
        limits = PlanLimits.of(
            header,
            account_cap_ppm=policy.account_cap_ppm,
            mark_age_s_max=state.funds.mark_age_s_max,
        )
        projections[slice_.chain_id, slice_.gate] = project(
            state, slice_.legs, now_s=state.block.timestamp_s, limits=limits
        )
    return projections


def _money_is_conserved(scene: _Scene) -> Iterator[str]:
    for state, after in scene.venues():
        before = _wealth(state)
        left = _wealth(after.state) + after.pot + sum(after.remote.values())
        if before != left:
            yield f"chain {state.chain_id}: {before} micro before, {left} after"
        if after.pot:
            yield f"chain {state.chain_id}: {after.pot} micro stay in the pot"


def _wealth(state: ChainState) -> int:
    """Cash - cost of perpetuals and futures + insurance: the venue's token balance."""
    options = np.array([i.kind is InstrumentKind.OPTION for i in state.instruments], dtype=np.bool_)
    held = state.positions
    costs = sum(held.costs[~options[held.instruments]].tolist())
    return int(sum(state.accounts.cash.tolist()) - costs) + state.funds.insurance_micro


def _lots_balance(scene: _Scene) -> Iterator[str]:
    for state, after in scene.venues():
        for instrument in range(len(state.instruments)):
            long_before, short_before = _open_interest(state, instrument)
            long_after, short_after = _open_interest(after.state, instrument)
            if long_before - long_after != short_before - short_after:
                yield f"chain {state.chain_id} instrument {instrument}: sides fall unequally"


def _open_interest(state: ChainState, instrument: int) -> tuple[int, int]:
    lots = state.positions.lots[state.positions.instruments == instrument]
    return int(lots[lots > 0].sum()), -int(lots[lots < 0].sum())


def _positions_only_shrink(scene: _Scene) -> Iterator[str]:
    for state, after in scene.venues():
        before = _lots_by_position(state)
        for (account, instrument), lots in _lots_by_position(after.state).items():
            was = before.get((account, instrument), 0)
            if was * lots <= 0 or abs(lots) > abs(was):
                yield f"{state.account_id(account)} instrument {instrument}: {was} became {lots}"


def _lots_by_position(state: ChainState) -> dict[tuple[int, int], int]:
    held = state.positions
    keys = zip(held.accounts.tolist(), held.instruments.tolist(), strict=True)
    return dict(zip(keys, held.lots.tolist(), strict=True))


def _nobody_pays_more_than_profit(scene: _Scene) -> Iterator[str]:
    for state, after in scene.venues():
        limits = haircut_limits(state, state.block.timestamp_s)
        for account, paid in _paid(scene.plan, state).items():
            if paid > limits[account]:
                yield f"{state.account_id(account)} pays {paid} of {int(limits[account])}"
        for leg, outcome in zip(_legs(scene.plan, state), after.outcomes, strict=True):
            if isinstance(outcome, Refused):
                yield f"chain {state.chain_id}: {leg} would be refused: {outcome.reason}"


def _legs(plan: Plan, state: ChainState) -> tuple[Leg, ...]:
    return next(s.legs for s in plan.slices if (s.chain_id, s.gate) == (state.chain_id, state.gate))


def _paid(plan: Plan, state: ChainState) -> dict[int, int]:
    paid: dict[int, int] = {}
    for leg in _legs(plan, state):
        if isinstance(leg, Haircut):
            paid[leg.account] = paid.get(leg.account, 0) + leg.target_micro
    return paid


def _no_class_worsens(scene: _Scene) -> Iterator[str]:
    worse = classes_worsened(scene.assessment, scene.plan.slices, scene.policy)
    for account in sorted(set(worse) - set(scene.plan.last_resort)):
        yield f"{account} falls a class and is not flagged as last resort"


def _stages_run_in_order(scene: _Scene) -> Iterator[str]:
    for report in scene.plan.stages:
        if (
            report.stage is Stage.INSURANCE
            and report.left_micro
            and _winners_pay(scene, report.gate)
        ):
            spendable = min(report.capacity_micro, report.used_micro + report.left_micro)
            if report.used_micro < spendable and not _stuck_explains(scene, report.gate):
                yield f"chain {report.chain_id}: winners pay while insurance is left"


def _winners_pay(scene: _Scene, gate: bytes) -> bool:
    return any(
        stage.stage is Stage.DELEVERAGING and stage.gate == gate and stage.used_micro
        for stage in scene.plan.stages
    )


def _stuck_explains(scene: _Scene, gate: bytes) -> bool:
    """Accounts nobody can close get no money, so the fund may stay unused for them."""
    return any(entry.account.venue == gate for entry in scene.plan.uncovered)


def _money_adds_up(scene: _Scene) -> Iterator[str]:
    for state in scene.snapshot.chains:
        stages = {s.stage: s for s in scene.plan.stages if s.gate == state.gate}
        insurance, winners = stages[Stage.INSURANCE], stages[Stage.DELEVERAGING]
        if insurance.left_micro != winners.used_micro + winners.left_micro:
            yield f"chain {state.chain_id}: stages do not hand on what is left"
        if winners.used_micro > insurance.left_micro * scene.policy.severity_ppm // PPM:
            yield f"chain {state.chain_id}: winners pay more than severity allows"
    treated = [t for t in scene.plan.treatments if t.local_micro + t.remote_micro > t.deficit_micro]
    yield from (f"{t.account} is paid more than its deficit" for t in treated)
    paid_in = sum(t.local_micro + t.remote_micro for t in scene.plan.treatments)
    drawn = sum(s.used_micro for s in scene.plan.stages)
    if paid_in != drawn:
        yield f"{paid_in} micro are paid in, stages gave {drawn}"


def _no_leg_is_idle(scene: _Scene) -> Iterator[str]:
    for state, after in scene.venues():
        for leg, outcome in zip(_legs(scene.plan, state), after.outcomes, strict=True):
            if isinstance(outcome, Refused) or outcome.amount == 0:
                yield f"chain {state.chain_id}: {leg} moves nothing"
            elif isinstance(leg, Close) and outcome.amount != leg.lots:
                yield f"chain {state.chain_id}: {leg} closes {outcome.amount}"
            elif not outcome.terminal:
                yield f"chain {state.chain_id}: {leg} misses its target"


def _caps_hold(scene: _Scene) -> Iterator[str]:
    for state, _ in scene.venues():
        paid = sum(_paid(scene.plan, state).values())
        if paid > min(state.funds.plan_cap_micro, state.funds.bucket_micro):
            yield f"chain {state.chain_id}: {paid} micro exceed the plan cap or the epoch bucket"
    for state in scene.snapshot.chains:
        lent = [
            e for e in scene.plan.edges if (e.chain_a, e.gate_a) == (state.chain_id, state.gate)
        ]
        if sum(edge.planned_micro for edge in lent) > state.funds.reserve_free_micro:
            yield f"chain {state.chain_id}: edges exceed the free reserve"
        for line in state.funds.lines:
            used = [e for e in lent if (e.chain_b, e.gate_b) == (line.chain_id, line.gate)]
            if sum(edge.planned_micro for edge in used) > line.room_micro:
                yield f"chain {state.chain_id}: edges exceed the line of chain {line.chain_id}"


def _edges_are_funded(scene: _Scene) -> Iterator[str]:
    moved = dict.fromkeys((edge.box for edge in scene.plan.edges), 0)
    for state, after in scene.venues():
        for leg, outcome in zip(_legs(scene.plan, state), after.outcomes, strict=True):
            if isinstance(leg, Haircut) and leg.box != OWN_POT and isinstance(outcome, Outcome):
                moved[leg.box] += outcome.amount
    for edge in scene.plan.edges:
        if moved[edge.box] != edge.planned_micro:
            yield f"edge {edge.box}: {moved[edge.box]} of {edge.planned_micro} reach the escrow"


def _nobody_bankrupt_pays(scene: _Scene) -> Iterator[str]:
    for state, _ in scene.venues():
        venue = scene.assessment.venue(state)
        flagged = {leg.account for leg in _legs(scene.plan, state) if isinstance(leg, Deficit)}
        for leg in _legs(scene.plan, state):
            if isinstance(leg, Haircut) and venue.equity[leg.account] < 0:
                yield f"{state.account_id(leg.account)} is bankrupt and pays"
            if not isinstance(leg, Close) or leg.counterparty in flagged:
                continue
            if venue.equity[leg.counterparty] < 0:
                yield f"{state.account_id(leg.counterparty)} is bankrupt and a counterparty"


def _everybody_treated_is_whole(scene: _Scene) -> Iterator[str]:
    named = {entry.account: entry for entry in scene.plan.uncovered}
    for treatment in scene.plan.treatments:
        entry = named.get(treatment.account)
        if entry is None or entry.reason != NO_COUNTERPARTY:
            yield from _not_whole(scene, treatment, 0 if entry is None else entry.amount_micro)
    whole = -sum(int(np.minimum(0, venue.equity).sum()) for venue in scene.assessment.venues)
    paid = sum(t.local_micro + t.remote_micro for t in scene.plan.treatments)
    open_micro = sum(entry.amount_micro for entry in named.values())
    if whole != paid + open_micro:
        yield f"deficit {whole} is not paid {paid} + uncovered {open_micro}"


def _not_whole(scene: _Scene, treatment: Treatment, uncovered: int) -> Iterator[str]:
    """Flat, and its cash is minus what still comes over edges or is registered as uncovered."""
    account = treatment.account
    after = scene.projections[account.chain_id, account.venue].state.accounts
    left = int(after.cash[account.account]) + treatment.remote_micro + uncovered
    positions = int(after.counts[account.account])
    if left or positions:
        yield f"{account} ends at {left} micro with {positions} positions"


_Rule = Callable[[_Scene], Iterator[str]]

_SENTENCES: tuple[tuple[int, str, _Rule], ...] = (
    (1, "money is conserved to the last micro", _money_is_conserved),
    (2, "lots sum to zero and open interest falls equally on both sides", _lots_balance),
    (3, "a leg only shrinks a position", _positions_only_shrink),
    (4, "no winner pays more than its profit at the snapshot", _nobody_pays_more_than_profit),
    (5, "no margin class worsens unless flagged as last resort", _no_class_worsens),
    (6, "a stage acts only if the earlier ones are exhausted", _stages_run_in_order),
    (7, "haircuts and uncovered sum to the remainder, within severity", _money_adds_up),
    (8, "no leg is idle", _no_leg_is_idle),
    (12, "account, plan, epoch, line and reserve caps hold", _caps_hold),
    (12, "every edge is funded by its payers", _edges_are_funded),
    (13, "nobody bankrupt pays or is a solvent account's counterparty", _nobody_bankrupt_pays),
    (14, "everybody treated ends whole or stands in uncovered", _everybody_treated_is_whole),
)
