"""From the waterfall's decisions to legs, edges and one plan."""

from collections.abc import Iterator

from chains.legs import OWN_POT, Credit, Deficit, Edge, Haircut, Leg, Slice
from chains.model import AccountId
from coordinator.decide.assess import Assessment, classes_worsened
from coordinator.decide.feasibility import feasibility
from coordinator.decide.plan import NO_COUNTERPARTY, Plan, Treatment, Uncovered
from coordinator.decide.policy import Policy
from coordinator.decide.snapshot import Snapshot
from coordinator.decide.waterfall import Relief, walk

__all__ = ["build_plan"]


def build_plan(snapshot: Snapshot, assessment: Assessment, policy: Policy) -> Plan:
    """The one plan over all venues; pure: same snapshot and policy, same digest."""
    relief = walk(snapshot, assessment, policy)
    epoch = _epoch(snapshot)
    not_before_s = snapshot.as_of_ms // 1_000
    expiry_s = not_before_s + policy.plan_window_s
    edges = _edges(snapshot, relief, epoch=epoch, decide_by_s=expiry_s)
    slices = tuple(_slices(snapshot, relief))
    treatments = tuple(_treatments(snapshot, relief))
    uncovered = tuple(_uncovered(snapshot, relief, treatments))
    return Plan(
        epoch=epoch,
        snapshot_digest=snapshot.digest,
        policy_digest=policy.digest,
        not_before_s=not_before_s,
        expiry_s=expiry_s,
        slices=slices,
        edges=edges,
        treatments=treatments,
        uncovered=uncovered,
        last_resort=classes_worsened(assessment, slices, policy),
        stages=relief.stages,
        feasibility=feasibility(assessment, relief, uncovered),
    )


def _epoch(snapshot: Snapshot) -> int:
    """One global number, above everything any gate or the last plan has seen."""
    return 1 + max(snapshot.carried.epoch, *(c.funds.last_epoch for c in snapshot.chains))


def _edges(snapshot: Snapshot, relief: Relief, *, epoch: int, decide_by_s: int) -> tuple[Edge, ...]:
    chains = snapshot.chains
    return tuple(
        Edge(
            epoch=epoch,
            box=box,
            payers=len(transfer.payments),
            planned_micro=transfer.amount_micro,
            decide_by_s=decide_by_s,
            chain_a=chains[transfer.debtor_venue].chain_id,
            gate_a=chains[transfer.debtor_venue].gate,
            account_a=transfer.debtor,
            chain_b=chains[transfer.lender_venue].chain_id,
            gate_b=chains[transfer.lender_venue].gate,
        )
        for box, transfer in enumerate(relief.payments.transfers, start=1)
    )


def _slices(snapshot: Snapshot, relief: Relief) -> Iterator[Slice]:
    for row, state in enumerate(snapshot.chains):
        legs = tuple(_legs(relief, row))
        if legs:
            yield Slice(state.chain_id, state.gate, legs)


def _legs(relief: Relief, row: int) -> Iterator[Leg]:
    """Execution order: flags, contracts, what leaves the chain, own money in and out.

    A payer abroad gives cash it has; its own pot may then take it below zero, not before.
    """
    venue, payments = relief.venues[row], relief.payments
    for account, deficit in venue.deficits:
        yield Deficit(account, deficit)
    yield from venue.closes
    for box, transfer in enumerate(payments.transfers, start=1):
        if transfer.lender_venue == row:
            for account, amount in transfer.payments:
                yield Haircut(account, box, amount)
    for account, amount in payments.haircuts[row]:
        yield Haircut(account, OWN_POT, amount)
    for account, amount in _local_credits(relief, row):
        yield Credit(account, amount)


def _local_credits(relief: Relief, row: int) -> Iterator[tuple[int, int]]:
    """Insurance plus own winners, account by account."""
    venue, paid = relief.venues[row], dict(relief.payments.credits[row])
    for (account, _), insured in zip(venue.deficits, venue.insurance, strict=True):
        amount = insured + paid.get(account, 0)
        if amount:
            yield account, amount


def _treatments(snapshot: Snapshot, relief: Relief) -> Iterator[Treatment]:
    for row, state in enumerate(snapshot.chains):
        local = dict(_local_credits(relief, row))
        remote: dict[int, int] = {}
        for transfer in relief.payments.transfers:
            if transfer.debtor_venue == row:
                debtor = transfer.debtor
                remote[debtor] = remote.get(debtor, 0) + transfer.amount_micro
        for account, deficit in relief.venues[row].deficits:
            yield Treatment(
                account=state.account_id(account),
                deficit_micro=deficit,
                local_micro=local.get(account, 0),
                remote_micro=remote.get(account, 0),
            )


def _uncovered(
    snapshot: Snapshot, relief: Relief, treatments: tuple[Treatment, ...]
) -> Iterator[Uncovered]:
    stuck = {
        state.account_id(account)
        for state, venue in zip(snapshot.chains, relief.venues, strict=True)
        for account in venue.stuck
    }
    rest = [
        Uncovered(
            t.account, t.deficit_micro - t.local_micro - t.remote_micro, _why(t.account, stuck)
        )
        for t in treatments
        if t.deficit_micro > t.local_micro + t.remote_micro
    ]
    untreated = [
        Uncovered(state.account_id(account), amount, reason)
        for state, venue in zip(snapshot.chains, relief.venues, strict=True)
        for account, amount, reason in venue.untreated
    ]
    yield from sorted(rest + untreated, key=lambda entry: entry.account)


def _why(account: AccountId, stuck: set[AccountId]) -> str:
    return NO_COUNTERPARTY if account in stuck else "winners, caps, lines or severity exhausted"
