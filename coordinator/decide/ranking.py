"""One ADL ranking over all chains: profit and Greeks of the group, rows of its accounts.

Formula: docs/adl.md, "The unified ranking". A group exists only if the members that registered
an id are exactly those the id was made from; anybody else is ranked alone.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from chains.codec.merkle import group_id
from chains.model import AccountId, ChainState, Columns
from coordinator.decide.book import group_book
from coordinator.decide.margins import margin_policy_of, risk_tables_of
from coordinator.decide.policy import Policy, ScoreRule
from coordinator.decide.pricing import Pricing
from kernels.book import Book, sum_segments
from kernels.margin import margins
from kernels.ranking import RiskWeights, Scores, order, risk_terms, scenario_scores, score40, scores

__all__ = ["Ranking", "group_rows", "group_sums", "rank"]

Ratios = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """``rows``: accounts of all venues stacked, most deleveraged first; ``places`` the inverse,
    unranked accounts after the ranked in account order; ``groups`` by account.

    By group, ratios for people: ``score`` and its parts ``profit``, ``delta``, ``curvature``,
    ``vega`` (risk amounts over equity).
    """

    rows: Columns
    places: Columns
    groups: Columns
    score: Ratios
    profit: Ratios
    delta: Ratios
    curvature: Ratios
    vega: Ratios


@dataclass(frozen=True, slots=True, eq=False)
class _Risk:
    """By group, int64 micro-USD: absolute terms added over underlyings, and the worst loss."""

    delta: Columns
    curvature: Columns
    vega: Columns


def rank(
    chains: tuple[ChainState, ...],
    pricing: Pricing,
    *,
    groups: Columns,
    profits: Columns,
    equities: Columns,
    policy: Policy,
) -> Ranking:
    """Rank every account by its group's score; ``profits`` and ``equities`` are by group.

    Raises KernelInputError.
    """
    book = group_book(chains, pricing.rows, groups, n_rows=pricing.table.n_rows)
    risk = _risk(book, pricing, policy)
    scored = _scores(book, risk, pricing, profits, equities, policy)
    rows = order(score40(scored.score)[groups], scored.is_ranked[groups])
    equity = np.where(scored.is_ranked, equities, 1)
    return Ranking(
        rows=rows,
        places=_places(rows, len(groups)),
        groups=groups,
        score=scored.score,
        profit=scored.profit,
        delta=risk.delta / equity,
        curvature=risk.curvature / equity,
        vega=risk.vega / equity,
    )


def _risk(book: Book, pricing: Pricing, policy: Policy) -> _Risk:
    terms = risk_terms(
        book,
        pricing.table,
        risk_tables_of(pricing),
        pricing.grid,
        spot_shock_ppm=policy.score_spot_shock_ppm,
        vol_shock_ppm=policy.score_vol_shock_ppm,
    )
    starts = terms.pieces.account_starts
    return _Risk(
        delta=sum_segments(np.abs(terms.d), starts),
        curvature=sum_segments(terms.curv, starts),
        vega=sum_segments(np.abs(terms.v), starts),
    )


def _scores(
    book: Book,
    risk: _Risk,
    pricing: Pricing,
    profits: Columns,
    equities: Columns,
    policy: Policy,
) -> Scores:
    principal = equities - profits
    if policy.score_rule is ScoreRule.SCENARIO:
        rules = margin_policy_of(policy)
        losses = margins(book, pricing.table, risk_tables_of(pricing), pricing.grid, rules)
        return scenario_scores(
            u=profits,
            c=principal,
            e=equities,
            worst_loss=losses.worst_loss,
            phi_ppm=policy.equity_floor_ppm,
        )
    weights = RiskWeights(
        phi_ppm=policy.equity_floor_ppm,
        delta_ppm=policy.weight_delta_ppm,
        curvature_ppm=policy.weight_gamma_ppm,
        vega_ppm=policy.weight_vega_ppm,
    )
    return scores(
        u=profits,
        c=principal,
        e=equities,
        d=risk.delta,
        curv=risk.curvature,
        v=risk.vega,
        weights=weights,
    )


def _places(rows: Columns, n_accounts: int) -> Columns:
    places = np.arange(len(rows), len(rows) + n_accounts, dtype=np.int64)
    places[rows] = np.arange(len(rows))
    return places


def group_rows(chains: tuple[ChainState, ...]) -> Columns:
    """The group number of every account, all venues stacked in snapshot order, shape (n,).

    Groups are numbered by their first account, so input order cannot matter.
    """
    sizes = [len(chain.accounts) for chain in chains]
    starts = np.cumsum([0, *sizes[:-1]])
    groups = np.arange(sum(sizes), dtype=np.int64)
    for members in _registered(chains).values():
        rows = [int(starts[venue]) + member.account for venue, member in members]
        groups[rows] = min(rows)
    return np.unique(groups, return_inverse=True)[1].astype(np.int64)


def group_sums(groups: Columns, amounts: Columns) -> Columns:
    """Sum rows of ``amounts`` (n,) or (n, k) by group; exact int64."""
    sums = np.zeros((int(groups.max(initial=-1)) + 1, *amounts.shape[1:]), dtype=np.int64)
    np.add.at(sums, groups, amounts)
    return sums


_Members = list[tuple[int, AccountId]]


def _registered(chains: tuple[ChainState, ...]) -> dict[bytes, _Members]:
    """Accounts by group id, for ids that hash exactly the accounts registered under them."""
    found: dict[bytes, _Members] = {}
    for venue, chain in enumerate(chains):
        for account in np.flatnonzero(chain.accounts.groups.any(axis=1)).tolist():
            name = chain.accounts.groups[account].tobytes()
            found.setdefault(name, []).append((venue, chain.account_id(account)))
    return {
        name: members
        for name, members in found.items()
        if group_id([member for _, member in members]) == name
    }
