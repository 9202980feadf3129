"""A source that serves a market it was given: for demos, simulations, tests and offline runs.

It fails when told to, and the same way for the same seed, so nothing has to be patched.
"""

from dataclasses import dataclass, replace
from hashlib import blake2b

from oracles.document import dump_market, load_market
from oracles.errors import OracleUnavailable
from oracles.model import MICRO, IndexQuote, MarketView, SurfaceQuote
from oracles.surface import check_surface

__all__ = ["NO_FAULTS", "Faults", "FixedSource", "dump_market", "load_market"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """How often a call fails, and how: drawn from (seed, number of the call, underlying).

    unavailable_ppm of the calls raise OracleUnavailable; stale_ppm of the rest answer with the
    market as it was observed stale_ms earlier. One million ppm is every call.
    """

    seed: int = 0
    unavailable_ppm: int = 0
    stale_ppm: int = 0
    stale_ms: int = 0

    def __post_init__(self) -> None:
        for name in ("unavailable_ppm", "stale_ppm"):
            if not 0 <= getattr(self, name) <= MICRO:
                raise ValueError(f"Faults.{name} = {getattr(self, name)}, must be in [0, {MICRO}]")
        if self.stale_ms < 0:
            raise ValueError(f"Faults.stale_ms = {self.stale_ms}, must not be negative")

    def strikes(self, *, kind: str, call: int, underlying: str, ppm: int) -> bool:
        """Whether the fault `kind`, of rate `ppm`, hits this call."""
        drawn = blake2b(f"{self.seed}/{kind}/{call}/{underlying}".encode(), digest_size=8).digest()
        return int.from_bytes(drawn, "big") % MICRO < ppm


NO_FAULTS = Faults()


class FixedSource:
    """IndexSource and SurfaceSource over one MarketView, which can be moved on by hand."""

    def __init__(self, market: MarketView, *, faults: Faults = NO_FAULTS) -> None:
        self._market = market
        self._faults = faults
        self._calls = 0

    def move_to(self, market: MarketView) -> None:
        """Serve this market from the next call on."""
        self._market = market

    async def index(self, underlying: str) -> IndexQuote:
        """Index of `underlying`; OracleUnavailable by fault, QuoteRejected if not held."""
        stale_ms = self._stale_ms_of_next_call(underlying)
        quote = self._market.index_of(underlying)
        return replace(quote, observed_ms=quote.observed_ms - stale_ms)

    async def surface(self, underlying: str) -> SurfaceQuote:
        """Surface of `underlying`; OracleUnavailable by fault, QuoteRejected if unfit or not held.

        Unfit: the given market has arbitrage, which no source may hand out.
        """
        stale_ms = self._stale_ms_of_next_call(underlying)
        slices = self._market.surface_of(underlying).slices
        aged = tuple(replace(piece, observed_ms=piece.observed_ms - stale_ms) for piece in slices)
        return check_surface(SurfaceQuote(underlying=underlying, slices=aged))

    def _stale_ms_of_next_call(self, underlying: str) -> int:
        """Count the call and draw its fault: raise, or say how old the answer is."""
        faults, call = self._faults, self._calls
        self._calls += 1
        if faults.strikes(
            kind="unavailable", call=call, underlying=underlying, ppm=faults.unavailable_ppm
        ):
            raise OracleUnavailable(f"fixed: {underlying}: no answer, as planned; ask again")
        late = faults.strikes(kind="stale", call=call, underlying=underlying, ppm=faults.stale_ppm)
        return faults.stale_ms if late else 0
