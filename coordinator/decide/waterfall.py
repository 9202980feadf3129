"""The waterfall: insurance, then winners of every chain, then what stays registered as uncovered.

Each stage takes the remaining need and hands on what is left. The stages before insurance (own
collateral elsewhere, partial liquidation, take-over) have their place above it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chains.ledger import project
from chains.legs import Close, Deficit
from chains.model import ChainState, Columns
from coordinator.decide.assess import Assessment, LeftOut, Venue
from coordinator.decide.closes import Counterparties, close_bankrupts
from coordinator.decide.money import Debtor, Payers, Payments, VenueMoney, share_money
from coordinator.decide.plan import Stage, StageReport
from coordinator.decide.policy import PPM, Policy
from coordinator.decide.snapshot import Snapshot

__all__ = ["Relief", "VenueRelief", "venue_money", "walk"]


@dataclass(frozen=True, slots=True)
class VenueRelief:
    """What the waterfall decided on one venue.

    ``deficits`` (account, micro) in account order; ``insurance`` is the part of each that the
    fund pays. ``stuck`` accounts have lots nobody can take: they are closed as far as possible
    and get no money. ``untreated`` = (account, micro, reason).
    """

    deficits: tuple[tuple[int, int], ...]
    insurance: tuple[int, ...]
    stuck: frozenset[int]
    untreated: tuple[tuple[int, int, str], ...]
    closes: tuple[Close, ...]

    @property
    def deficit_micro(self) -> int:
        """What money is wanted for."""
        return sum(amount for account, amount in self.deficits if account not in self.stuck)

    @property
    def insurance_micro(self) -> int:
        """What the fund pays of it."""
        return sum(self.insurance)


@dataclass(frozen=True, slots=True)
class Relief:
    """All venues in snapshot order, who pays, and one report per stage and venue."""

    venues: tuple[VenueRelief, ...]
    payments: Payments
    stages: tuple[StageReport, ...]


def walk(snapshot: Snapshot, assessment: Assessment, policy: Policy) -> Relief:
    """Take every venue's need down the stages."""
    venues = _insured(snapshot, assessment, policy)
    money = _moneys(snapshot, venues, assessment, policy)
    payments = share_money(money, policy.money_policy)
    stages = tuple(
        report
        for row in range(len(venues))
        for report in _reports(snapshot.chains[row], venues[row], money[row], payments, row)
    )
    return Relief(venues, payments, stages)


def venue_money(
    snapshot: Snapshot, assessment: Assessment, policy: Policy
) -> tuple[VenueMoney, ...]:
    """Debtors and payers of every venue once insurance is spent, in snapshot order."""
    return _moneys(snapshot, _insured(snapshot, assessment, policy), assessment, policy)


def _insured(snapshot: Snapshot, assessment: Assessment, policy: Policy) -> tuple[VenueRelief, ...]:
    return tuple(
        _insure(state, venue, assessment, policy)
        for state, venue in zip(snapshot.chains, assessment.venues, strict=True)
    )


def _moneys(
    snapshot: Snapshot, venues: tuple[VenueRelief, ...], assessment: Assessment, policy: Policy
) -> tuple[VenueMoney, ...]:
    return tuple(
        _money(snapshot, row, relief, assessment, policy) for row, relief in enumerate(venues)
    )


def _insure(state: ChainState, venue: Venue, assessment: Assessment, policy: Policy) -> VenueRelief:
    """Whom this venue treats, how their contracts close, and what its fund pays, in order."""
    bankrupts, untreated = _triage(venue)
    others = _counterparties(venue, assessment)
    closes = close_bankrupts(state, bankrupts, others, policy.contract_policy)
    stuck = _not_flat(state, bankrupts, closes)
    deficits = tuple((account, -int(venue.equity[account])) for account in bankrupts)
    insurance, fund = list[int](), state.funds.insurance_micro
    for account, deficit in deficits:
        insurance.append(0 if account in stuck else min(fund, deficit))
        fund -= insurance[-1]
    return VenueRelief(deficits, tuple(insurance), frozenset(stuck), tuple(untreated), closes)


def _triage(venue: Venue) -> tuple[list[int], list[tuple[int, int, str]]]:
    """Bankrupt accounts to treat, and those with a deficit that must be left alone, and why."""
    treat: list[int] = []
    leave: list[tuple[int, int, str]] = []
    for account in np.flatnonzero(venue.equity < 0).tolist():
        reason = LeftOut(int(venue.left_out[account]))
        if reason is LeftOut.NO and venue.equity_favourable[account] < 0:
            treat.append(account)
        else:
            named = "inside the price interval" if reason is LeftOut.NO else reason.label
            leave.append((account, -int(venue.equity[account]), named))
    return treat, leave


def _counterparties(venue: Venue, assessment: Assessment) -> Counterparties:
    usable = (venue.equity >= 0) & (venue.left_out == LeftOut.NO)
    ranked = usable & (venue.places < assessment.ranked_count)
    winners = np.flatnonzero(ranked)
    return Counterparties(
        winners=winners[np.argsort(venue.places[winners], kind="stable")],
        others=np.flatnonzero(usable & ~ranked),
    )


def _not_flat(state: ChainState, bankrupts: Sequence[int], closes: Sequence[Close]) -> set[int]:
    """Bankrupts with lots that nobody can take; both sides of a netted close count."""
    open_lots = np.zeros(len(state.accounts), dtype=np.int64)
    np.add.at(open_lots, state.positions.accounts, np.abs(state.positions.lots))
    for close in closes:
        open_lots[close.account] -= close.lots
        open_lots[close.counterparty] -= close.lots
    return {account for account in bankrupts if open_lots[account]}


def _money(
    snapshot: Snapshot, row: int, relief: VenueRelief, assessment: Assessment, policy: Policy
) -> VenueMoney:
    """A venue's debtors and payers, for the one allocation over all venues."""
    state, venue = snapshot.chains[row], assessment.venues[row]
    wanted = relief.deficit_micro - relief.insurance_micro
    return VenueMoney(
        debtors=_debtors(relief, wanted * policy.severity_ppm // PPM),
        payers=_payers(state, venue, relief),
        cap_micro=min(state.funds.plan_cap_micro, state.funds.bucket_micro),
        reserve_free_micro=state.funds.reserve_free_micro,
        room=_room(snapshot, state),
    )


def _debtors(relief: VenueRelief, budget: int) -> tuple[Debtor, ...]:
    """What insurance left open, account by account, until the severity's budget is used."""
    debtors: list[Debtor] = []
    for (account, deficit), insured in zip(relief.deficits, relief.insurance, strict=True):
        wanted = 0 if account in relief.stuck else min(budget, deficit - insured)
        if wanted:
            debtors.append(Debtor(account, wanted))
            budget -= wanted
    return tuple(debtors)


def _payers(state: ChainState, venue: Venue, relief: VenueRelief) -> Payers:
    payers = np.flatnonzero(venue.payable > 0)
    payers = payers[np.argsort(venue.places[payers], kind="stable")]
    after = _cash_after(state, relief)
    return Payers(payers, venue.places[payers], venue.payable[payers], np.maximum(0, after[payers]))


def _cash_after(state: ChainState, relief: VenueRelief) -> Columns:
    """Cash once the closes are done, at unchanged marks."""
    flags = tuple(Deficit(account, deficit) for account, deficit in relief.deficits)
    after = project(state, flags + relief.closes, now_s=state.block.timestamp_s)
    return after.state.accounts.cash


def _room(snapshot: Snapshot, state: ChainState) -> dict[int, int]:
    """Open credit by the row of the venue that would lend."""
    rows = {(chain.chain_id, chain.gate): row for row, chain in enumerate(snapshot.chains)}
    return {
        rows[line.chain_id, line.gate]: line.room_micro
        for line in state.funds.lines
        if (line.chain_id, line.gate) in rows
    }


def _reports(
    state: ChainState, relief: VenueRelief, money: VenueMoney, payments: Payments, row: int
) -> tuple[StageReport, StageReport, StageReport]:
    """The three stages of one venue, each with what it hands on and why it stopped."""
    deficit = relief.deficit_micro + sum(
        amount for account, amount in relief.deficits if account in relief.stuck
    )
    insured = relief.insurance_micro
    paid = sum(amount for _, amount in payments.credits[row])
    paid += sum(t.amount_micro for t in payments.transfers if t.debtor_venue == row)
    payable = int(money.payers.payable.sum())
    after_fund, after_winners = deficit - insured, deficit - insured - paid
    untreated = sum(amount for _, amount, _ in relief.untreated)

    def report(stage: Stage, capacity: int, used: int, left: int, why: str) -> StageReport:
        return StageReport(stage, state.chain_id, state.gate, capacity, used, left, why)

    return (
        report(
            Stage.INSURANCE,
            state.funds.insurance_micro,
            insured,
            after_fund,
            "need met" if not after_fund else "fund exhausted",
        ),
        report(
            Stage.DELEVERAGING,
            payable,
            paid,
            after_winners,
            "need met" if not after_winners else "winners, caps, lines or severity exhausted",
        ),
        report(Stage.UNCOVERED, 0, 0, after_winners + untreated, "registered"),
    )
