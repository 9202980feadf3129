"""Invariants that relate several plans: shown by planning again from a changed input.

Too slow for every round; the properties run them on small books, the demo once on its own.
"""

from dataclasses import replace

import numpy as np

from chains.legs import OWN_POT, Close, Haircut, Leg, Slice
from chains.model import ChainState, Columns, read_only
from coordinator.decide.assess import Assessment, Venue, assess
from coordinator.decide.build import build_plan
from coordinator.decide.invariants import Finding, findings
from coordinator.decide.money import Payers, Payments, share_money
from coordinator.decide.plan import NO_COUNTERPARTY, Plan
from coordinator.decide.policy import ContractPolicy, MoneyPolicy, Policy
from coordinator.decide.publish import fingerprint
from coordinator.decide.snapshot import Snapshot
from coordinator.decide.waterfall import venue_money
from kernels.backend import Backend

__all__ = ["relations"]

_SAMPLE = 8
"""Legs a venue that are dropped one by one, spread evenly over its legs."""


def relations(snapshot: Snapshot, policy: Policy, backend: Backend) -> tuple[Finding, ...]:
    """Invariants 8 to 11 of docs/adl.md, each by planning again."""
    assessment = assess(snapshot, policy, backend)
    return (
        Finding(
            8, "dropping a leg breaks another promise", _idle_leg(snapshot, assessment, policy)
        ),
        Finding(
            9, "a queue exhausts whoever ranks higher first", _jumped(snapshot, backend, policy)
        ),
        Finding(10, "nothing but exposure changes a plan", _disturbed(snapshot, backend, policy)),
        Finding(
            11,
            "splitting an account does not change what it pays",
            _split_pays(snapshot, assessment, policy),
        ),
    )


def _idle_leg(snapshot: Snapshot, assessment: Assessment, policy: Policy) -> str:
    plan = build_plan(snapshot, assessment, policy)
    for slice_ in plan.slices:
        for leg in _sample(plan, slice_):
            legs = tuple(other for other in slice_.legs if other is not leg)
            shorter = replace(slice_, legs=legs)
            slices = (shorter if other is slice_ else other for other in plan.slices)
            without = replace(plan, slices=tuple(s for s in slices if s.legs))
            if all(found.holds for found in findings(snapshot, assessment, without, policy)):
                return f"chain {slice_.chain_id}: nothing breaks without {leg}"
    return ""


def _sample(plan: Plan, slice_: Slice) -> list[Leg]:
    """An even spread of closes and haircuts. Whoever has no counterparty for all its lots is
    closed as far as possible, which no promise demands."""
    stuck = {e.account.account for e in plan.uncovered if e.reason == NO_COUNTERPARTY}
    legs = [leg for leg in slice_.legs if isinstance(leg, Close | Haircut)]
    needed = [leg for leg in legs if isinstance(leg, Haircut) or leg.account not in stuck]
    return list(needed[:: max(1, len(needed) // _SAMPLE)])


def _jumped(snapshot: Snapshot, backend: Backend, policy: Policy) -> str:
    """Under queue policies, who closes or pays into the own pot while a higher one is not spent."""
    queued = replace(policy, contract_policy=ContractPolicy.QUEUE, money_policy=MoneyPolicy.QUEUE)
    assessment = assess(snapshot, queued, backend)
    plan = build_plan(snapshot, assessment, queued)
    states = {(state.chain_id, state.gate): state for state in snapshot.chains}
    for slice_ in plan.slices:
        state = states[slice_.chain_id, slice_.gate]
        jumper = _first_jumper(assessment.venue(state), slice_.legs)
        if jumper is not None:
            return f"{state.account_id(jumper)} pays before a higher-ranked winner is spent"
    return ""


def _first_jumper(venue: Venue, legs: tuple[Leg, ...]) -> int | None:
    """An account that pays locally below one that has payable profit left."""
    paid = np.zeros_like(venue.payable)
    local: list[int] = []
    for leg in legs:
        if isinstance(leg, Haircut):
            paid[leg.account] += leg.target_micro
            local += [leg.account] if leg.box == OWN_POT else []
    unspent = venue.places[venue.payable > paid]
    front = int(unspent.min(initial=np.iinfo(np.int64).max))
    return next((account for account in local if venue.places[account] > front), None)


def _disturbed(snapshot: Snapshot, backend: Backend, policy: Policy) -> str:
    plan = build_plan(snapshot, assess(snapshot, policy, backend), policy)
    again = Snapshot.from_bytes(snapshot.to_bytes())
    if build_plan(again, assess(again, policy, backend), policy).digest != plan.digest:
        return "the same snapshot, read back from its bytes, gives another digest"
    larger = replace(snapshot, chains=tuple(_with_idle_account(c) for c in snapshot.chains))
    if fingerprint(build_plan(larger, assess(larger, policy, backend), policy)) != fingerprint(
        plan
    ):
        return "an account without exposure changes the legs"
    return ""


def _with_idle_account(state: ChainState) -> ChainState:
    """One more account at the end of the book, with nothing in it."""
    rows = state.accounts

    def grown(column: Columns, value: int = 0) -> Columns:
        return read_only([*column.tolist(), value])

    return replace(
        state,
        accounts=replace(
            rows,
            cash=grown(rows.cash),
            realised_now=grown(rows.realised_now),
            realised_prev=grown(rows.realised_prev),
            windows=grown(rows.windows),
            counts=grown(rows.counts),
            flags=grown(rows.flags),
            owners=np.vstack([rows.owners, np.zeros((1, 20), dtype=np.uint8)]),
            groups=np.vstack([rows.groups, np.zeros((1, 32), dtype=np.uint8)]),
        ),
    )


def _split_pays(snapshot: Snapshot, assessment: Assessment, policy: Policy) -> str:
    """Cut the largest payer's payable profit in two: both parts pay what it paid, to one micro
    each. Shown for pro_rata, which promises it."""
    if policy.money_policy is not MoneyPolicy.PRO_RATA:
        return ""
    money = venue_money(snapshot, assessment, policy)
    for row, venue in enumerate(money):
        payers = venue.payers
        if not len(payers.accounts):
            continue
        largest = int(np.argmax(payers.payable))
        halves = _halved(payers, largest)
        split = (*money[:row], replace(venue, payers=halves), *money[row + 1 :])
        before = _pays(
            share_money(money, policy.money_policy), row, [int(payers.accounts[largest])]
        )
        after = _pays(
            share_money(split, policy.money_policy), row, halves.accounts[[largest, -1]].tolist()
        )
        if abs(before - after) > 2:
            return f"venue {row}: the largest payer pays {before} whole and {after} in two parts"
    return ""


def _halved(payers: Payers, row: int) -> Payers:
    """The same payers with one of them in two parts; the second part comes last."""
    part, cash = payers.payable[row] // 2, payers.cash[row] // 2

    def split(column: Columns, second: int) -> Columns:
        first = column.copy()
        first[row] -= second
        return np.append(first, second)

    return Payers(
        accounts=np.append(payers.accounts, payers.accounts.max() + 1),
        places=np.append(payers.places, payers.places[row]),
        payable=split(payers.payable, part),
        cash=split(payers.cash, cash),
    )


def _pays(payments: Payments, row: int, accounts: list[int]) -> int:
    """Own pot and abroad together."""
    local = sum(amount for account, amount in payments.haircuts[row] if account in accounts)
    return local + sum(
        amount
        for transfer in payments.transfers
        if transfer.lender_venue == row
        for account, amount in transfer.payments
        if account in accounts
    )
