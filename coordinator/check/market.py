"""Oracles: do they answer, and freshly enough for the policy?"""

from chains.model import ChainState
from coordinator.check.finding import Finding, fail, ok, warn
from coordinator.decide.policy import Policy
from oracles.base import IndexSource, SurfaceSource

__all__ = ["check_index", "check_listed", "check_surface"]


async def check_index(
    underlying: str, source: IndexSource, policy: Policy, *, now_ms: int
) -> Finding:
    """The index of one underlying; raises OracleError."""
    quote = await source.index(underlying)
    found = f"{quote.index_micro / 1e6:,.2f} USD from {quote.source}"
    return _fresh(f"index {underlying}", found, now_ms - quote.observed_ms, policy)


async def check_surface(
    underlying: str, source: SurfaceSource, policy: Policy, *, now_ms: int
) -> Finding:
    """The surface of one underlying; raises OracleError."""
    quote = await source.surface(underlying)
    observed_ms = min(piece.observed_ms for piece in quote.slices)
    found = f"{len(quote.slices)} expiries from {quote.slices[0].source}"
    return _fresh(f"surface {underlying}", found, now_ms - observed_ms, policy)


def check_listed(name: str, state: ChainState, priced: frozenset[str]) -> Finding:
    """Whatever a venue lists without a price of ours is left out of every plan."""
    listed = {instrument.underlying for instrument in state.instruments}
    looked_at = f"venue {name}: underlyings"
    missing = sorted(listed - priced)
    if missing:
        cure = f"add [underlyings.{missing[0]}]"
        return warn(looked_at, f"no price for {', '.join(missing)}: left out of plans", cure)
    return ok(looked_at, ", ".join(sorted(listed)) or "none listed yet")


def _fresh(looked_at: str, found: str, age_ms: int, policy: Policy) -> Finding:
    if age_ms > policy.market_age_ms_max:
        return fail(
            looked_at,
            f"{found}, {age_ms / 1_000:.0f} s old; policy.market_age_ms_max allows "
            f"{policy.market_age_ms_max / 1_000:.0f} s",
            "look why the oracle is late",
        )
    return ok(looked_at, f"{found}, {age_ms / 1_000:.0f} s old")
