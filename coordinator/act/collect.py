"""Readers and oracles -> one Snapshot. A chain or an underlying that fails is left out by name."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from typing import TypeVar

from chains.base import ChainReader
from chains.errors import ChainError
from chains.model import ChainState
from coordinator.decide.policy import Policy
from coordinator.decide.snapshot import Carried, Exclusion, Snapshot
from coordinator.errors import IncompleteSnapshot, StaleSnapshot
from oracles.base import IndexSource, SurfaceSource
from oracles.errors import OracleError
from oracles.model import IndexQuote, MarketView, SurfaceQuote, combine

__all__ = ["Collector"]

Value = TypeVar("Value")

READ_TIMEOUT_S = 10.0


class Collector:
    """Asks every chain and every oracle at once.

    ``timeout_s`` bounds a slow chain: it is excluded, the others go on. Raises StaleSnapshot and
    IncompleteSnapshot; anything one chain or one oracle raises becomes an Exclusion.
    """

    def __init__(
        self,
        readers: Sequence[ChainReader],
        indices: Mapping[str, IndexSource],
        surfaces: Mapping[str, SurfaceSource],
        *,
        timeout_s: float = READ_TIMEOUT_S,
    ) -> None:
        self._readers = tuple(readers)
        self._indices = dict(indices)
        self._surfaces = dict(surfaces)
        self._timeout_s = timeout_s

    async def collect(self, *, now_ms: int, carried: Carried, policy: Policy) -> Snapshot:
        """One consistent cut; ``now_ms`` only judges staleness."""
        chains, quotes = await asyncio.gather(self._read_chains(), self._read_market())
        states = sorted(
            (state for state in chains if isinstance(state, ChainState)),
            key=lambda state: (state.chain_id, state.gate),
        )
        market, missing = quotes
        excluded = sorted([e for e in chains if isinstance(e, Exclusion)] + missing)
        if market is None:
            named = ", ".join(f"{e.what} ({e.reason})" for e in missing)
            raise IncompleteSnapshot(f"no underlying has a price: {named or 'none configured'}")
        _refuse_stale(market, now_ms, policy)
        return Snapshot(tuple(states), market, carried, tuple(excluded))

    async def _read_chains(self) -> list[ChainState | Exclusion]:
        return list(
            await asyncio.gather(
                *(
                    self._or_exclude(f"chain {reader.chain_id}", reader.read())
                    for reader in self._readers
                )
            )
        )

    async def _read_market(self) -> tuple[MarketView | None, list[Exclusion]]:
        names = sorted(self._indices)
        indices = await asyncio.gather(
            *(self._or_exclude(f"index {n}", self._indices[n].index(n)) for n in names)
        )
        surfaces = await asyncio.gather(
            *(self._or_exclude(f"surface {n}", self._surfaces[n].surface(n)) for n in names)
        )
        missing = [q for q in (*indices, *surfaces) if isinstance(q, Exclusion)]
        known = [q for q in indices if isinstance(q, IndexQuote)]
        named = {quote.underlying for quote in known}
        smiles = [q for q in surfaces if isinstance(q, SurfaceQuote) and q.underlying in named]
        return (combine(known, smiles) if known else None), missing

    async def _or_exclude(self, what: str, asked: Awaitable[Value]) -> Value | Exclusion:
        """The answer, or the name of what went wrong: one failing source stops nobody else."""
        try:
            async with asyncio.timeout(self._timeout_s):
                return await asked
        except (ChainError, OracleError) as error:
            return Exclusion(what, type(error).__name__)
        except TimeoutError:
            return Exclusion(what, "TimeoutError")


def _refuse_stale(market: MarketView, now_ms: int, policy: Policy) -> None:
    observed = [quote.observed_ms for quote in market.indices]
    oldest = min(observed + [piece.observed_ms for piece in market.slices])
    for name, then in (("oldest", oldest), ("newest", market.as_of_ms)):
        age_ms = now_ms - then
        if age_ms > policy.market_age_ms_max:
            raise StaleSnapshot(
                f"the {name} market observation is {age_ms} ms old, policy allows "
                f"{policy.market_age_ms_max} ms; wait for the oracle"
            )
