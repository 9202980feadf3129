"""Margin and price interval of one venue's accounts, from the shared tables."""

from chains.model import ChainState, Columns
from coordinator.decide.book import book_of
from coordinator.decide.policy import Policy
from coordinator.decide.pricing import Pricing
from kernels.book import Book, split_by, sum_segments, values
from kernels.margin import MarginPolicy, RiskTables, margins

__all__ = ["favourable_moves", "margin_policy_of", "margins_of", "risk_tables_of"]


def margins_of(
    state: ChainState, pricing: Pricing, venue: int, policy: Policy
) -> tuple[Columns, Columns]:
    """(mm, im) by account, shape (n,), micro-USD; raises KernelInputError."""
    book = book_of(state, pricing.rows[venue], n_rows=pricing.table.n_rows)
    tables, rules = risk_tables_of(pricing), margin_policy_of(policy)
    needed = margins(book, pricing.table, tables, pricing.grid, rules)
    return needed.mm, needed.im


def favourable_moves(book: Book, pricing: Pricing) -> Columns:
    """How much the best corner of the price interval adds, by account: (n,), micro-USD, >= 0.

    Each underlying takes its own best corner; no corner better than the centre adds nothing.
    """
    pieces = split_by(book, pricing.table.underlying_row)
    moves = values(pieces.book, pricing.corners - pricing.corners[:, :1])
    best: Columns = moves.max(axis=1, initial=0)
    return sum_segments(best, pieces.account_starts)


def risk_tables_of(pricing: Pricing) -> RiskTables:
    """The kernels' view of the tables."""
    return RiskTables(values=pricing.values, greeks=pricing.greeks)


def margin_policy_of(policy: Policy) -> MarginPolicy:
    """The margin numbers of a policy."""
    return MarginPolicy(
        mm_factor_ppm=policy.mm_factor_ppm,
        im_factor_ppm=policy.im_factor_ppm,
        short_option_min_ppm=policy.short_option_min_ppm,
        vega_contingency_ppm=policy.vega_contingency_ppm,
        basis_contingency_ppm=policy.basis_contingency_ppm,
    )
