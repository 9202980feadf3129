"""Snapshot -> columns -> kernels -> health, deficits and the one ranking over all chains."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from chains.ledger import equities, profits, project
from chains.legs import Slice
from chains.model import FLAG_BOUND, AccountId, ChainState, Columns
from coordinator.decide.book import book_of
from coordinator.decide.margins import favourable_moves, margins_of
from coordinator.decide.policy import PPM, Policy
from coordinator.decide.pricing import Pricing, price
from coordinator.decide.ranking import Ranking, group_rows, group_sums, rank
from coordinator.decide.snapshot import Snapshot
from kernels.allocate.pro_rata import pro_rata
from kernels.backend import Backend
from kernels.exactint import mul_ppm_down, mul_ppm_up

__all__ = ["Assessment", "Health", "LeftOut", "RankRow", "Venue", "assess", "classes_worsened"]


class Health(IntEnum):
    """Margin classes from best to worst."""

    HEALTHY = 0
    WARNED = 1
    CALLED = 2
    LIQUIDATABLE = 3
    BANKRUPT = 4


class LeftOut(IntEnum):
    """Why an account is neither treated, nor pays, nor is a counterparty; 0 = it may be."""

    NO = 0
    BOUND = 1
    INSTRUMENT = 2

    @property
    def label(self) -> str:
        """For people."""
        return {0: "", 1: "in settlement", 2: "holds an instrument without a trusted price"}[self]


@dataclass(frozen=True, slots=True, eq=False)
class Venue:
    """One venue's accounts, row number = account number, all shapes (n,), money micro-USD.

    ``equity`` at the venue's marks; ``equity_favourable`` at the corner of the price interval
    that favours each account; ``profit`` = unrealised + rolling realised; ``payable`` = what it
    may be asked for; ``places`` in the unified ranking (unranked accounts come after).
    """

    equity: Columns
    equity_favourable: Columns
    profit: Columns
    payable: Columns
    mm: Columns
    im: Columns
    health: Columns
    left_out: Columns
    places: Columns


@dataclass(frozen=True, slots=True)
class RankRow:
    """One line of the unified ranking, with the parts of its group's score (ratios, for people)."""

    account: AccountId
    score: float
    profit: float
    delta: float
    curvature: float
    vega: float


@dataclass(frozen=True, slots=True, eq=False)
class Assessment:
    """Everything the waterfall needs to know; venues in snapshot order, computed on ``backend``."""

    chains: tuple[ChainState, ...]
    venues: tuple[Venue, ...]
    pricing: Pricing
    ranks: Ranking
    backend: str

    @property
    def ranked_count(self) -> int:
        """Accounts in the ranking; a place at or beyond it means unranked."""
        return len(self.ranks.rows)

    def venue(self, state: ChainState) -> Venue:
        """The columns of one chain of the same snapshot."""
        keys = [(chain.chain_id, chain.gate) for chain in self.chains]
        return self.venues[keys.index((state.chain_id, state.gate))]

    def ranking(self, limit: int) -> Iterator[RankRow]:
        """The first ``limit`` rows of the ranking, most deleveraged first."""
        starts = np.cumsum([0, *(len(chain.accounts) for chain in self.chains)])
        ranks = self.ranks
        for row in ranks.rows[:limit].tolist():
            venue = int(np.searchsorted(starts, row, side="right")) - 1
            group = int(ranks.groups[row])
            yield RankRow(
                account=self.chains[venue].account_id(row - int(starts[venue])),
                score=float(ranks.score[group]),
                profit=float(ranks.profit[group]),
                delta=float(ranks.delta[group]),
                curvature=float(ranks.curvature[group]),
                vega=float(ranks.vega[group]),
            )


def assess(snapshot: Snapshot, policy: Policy, backend: Backend) -> Assessment:
    """Price, value, margin and rank every account of every venue; raises KernelInputError."""
    pricing = price(snapshot, policy)
    chains = snapshot.chains
    drafts = [_draft(snapshot, venue, pricing, policy) for venue in range(len(chains))]
    ranks = _rank(snapshot, pricing, drafts, policy)
    places = _split(ranks.places, chains)
    payable = _split(_payable(drafts, ranks.groups, policy), chains)
    venues = tuple(
        Venue(
            equity=draft.equity,
            equity_favourable=draft.equity_favourable,
            profit=draft.profit,
            payable=payable[row],
            mm=draft.mm,
            im=draft.im,
            health=_health(draft.equity, draft.mm, draft.im, policy),
            left_out=draft.left_out,
            places=places[row],
        )
        for row, draft in enumerate(drafts)
    )
    return Assessment(chains, venues, pricing, ranks, backend.name)


def classes_worsened(
    assessment: Assessment, slices: Sequence[Slice], policy: Policy
) -> tuple[AccountId, ...]:
    """Solvent accounts whose margin class the legs worsen, by AccountId, at unchanged marks."""
    states = {(chain.chain_id, chain.gate): row for row, chain in enumerate(assessment.chains)}
    worse: list[AccountId] = []
    for slice_ in slices:
        row = states[slice_.chain_id, slice_.gate]
        before, state = assessment.venues[row], assessment.chains[row]
        after = project(state, slice_.legs, now_s=state.block.timestamp_s).state
        mm, im = margins_of(after, assessment.pricing, row, policy)
        health = _health(equities(after), mm, im, policy)
        fallen = (health > before.health) & (before.health < Health.BANKRUPT)
        worse.extend(state.account_id(account) for account in np.flatnonzero(fallen).tolist())
    return tuple(sorted(worse))


@dataclass(frozen=True, slots=True, eq=False)
class _Draft:
    """What one venue can say about its accounts without the others."""

    equity: Columns
    equity_favourable: Columns
    profit: Columns
    mm: Columns
    im: Columns
    left_out: Columns


def _draft(snapshot: Snapshot, row: int, pricing: Pricing, policy: Policy) -> _Draft:
    state = snapshot.chains[row]
    book = book_of(state, pricing.rows[row], n_rows=pricing.table.n_rows)
    equity = equities(state)
    mm, im = margins_of(state, pricing, row, policy)
    return _Draft(
        equity=equity,
        equity_favourable=equity + favourable_moves(book, pricing),
        profit=profits(state, state.block.timestamp_s),
        mm=mm,
        im=im,
        left_out=_left_out(state, pricing.doubts[row]),
    )


def _left_out(state: ChainState, doubts: Columns) -> Columns:
    """Accounts in settlement, and holders of an instrument in doubt."""
    left_out = np.zeros(len(state.accounts), dtype=np.int64)
    doubtful = doubts[state.positions.instruments] != 0
    left_out[state.positions.accounts[doubtful]] = LeftOut.INSTRUMENT
    left_out[(state.accounts.flags & FLAG_BOUND) != 0] = LeftOut.BOUND
    return left_out


def _health(equity: Columns, mm: Columns, im: Columns, policy: Policy) -> Columns:
    """Margin class by account; the classes are those of docs/adl.md."""
    warned = mul_ppm_up(mm, PPM + policy.buffer_ppm)
    health = np.full(len(equity), Health.HEALTHY, dtype=np.int64)
    health[equity < im] = Health.WARNED
    health[equity < warned] = Health.CALLED
    health[equity < mm] = Health.LIQUIDATABLE
    health[equity < 0] = Health.BANKRUPT
    return health


def _rank(
    snapshot: Snapshot, pricing: Pricing, drafts: Sequence[_Draft], policy: Policy
) -> Ranking:
    groups = group_rows(snapshot.chains)
    return rank(
        snapshot.chains,
        pricing,
        groups=groups,
        profits=group_sums(groups, np.concatenate([draft.profit for draft in drafts])),
        equities=group_sums(groups, np.concatenate([draft.equity for draft in drafts])),
        policy=policy,
    )


def _payable(drafts: Sequence[_Draft], groups: Columns, policy: Policy) -> Columns:
    """max(0, min(profit, equity)) less the safety margin, and no more than the group's."""
    profit = np.concatenate([draft.profit for draft in drafts])
    equity = np.concatenate([draft.equity for draft in drafts])
    usable = np.concatenate([draft.left_out for draft in drafts]) == LeftOut.NO
    payable = np.where(usable, _capacity(profit, equity, policy), 0)
    limits = _capacity(group_sums(groups, profit), group_sums(groups, equity), policy)
    for group in np.flatnonzero(group_sums(groups, payable) > limits).tolist():
        members = np.flatnonzero(groups == group)
        weights = payable[members]
        payable[members] = pro_rata(need=int(limits[group]), weights=weights, capacities=weights)
    return payable


def _capacity(profit: Columns, equity: Columns, policy: Policy) -> Columns:
    whole = np.maximum(0, np.minimum(profit, equity))
    capped = mul_ppm_down(whole, policy.account_cap_ppm)
    return mul_ppm_down(capped, PPM - policy.capacity_safety_ppm)


def _split(column: Columns, chains: tuple[ChainState, ...]) -> list[Columns]:
    ends = np.cumsum([len(chain.accounts) for chain in chains])[:-1]
    return np.split(column, ends)
