"""The oracles of the demo: one document, from which they price and which the coordinator reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from chains.devnet import DevChain
from chains.model import Instrument
from chains.together import together
from coordinator.decide.policy import Policy
from coordinator.demo.market import Move, market_after
from coordinator.demo.marks import Marks, marks_on
from coordinator.demo.seed import jump_to, post_market
from oracles.document import dump_market, load_market
from oracles.model import MarketView

__all__ = ["OracleRole"]


@dataclass(frozen=True, slots=True)
class OracleRole:
    """Prices listed instruments from the market document at ``document``."""

    document: Path
    instruments: tuple[Instrument, ...]
    policy: Policy

    def quote(self, moves: Mapping[str, Move], *, at_s: int) -> tuple[MarketView, Marks]:
        """Write the document of a unix time, and price what it says. Raises QuoteRejected."""
        dump_market(market_after(moves, observed_s=at_s), self.document)
        market = load_market(self.document)
        return market, marks_on(self.instruments, market, self.policy)

    async def publish(
        self, chains: Sequence[DevChain], moves: Mapping[str, Move], *, at_s: int
    ) -> None:
        """Move all clocks to a unix time and post its prices there. Raises ChainError."""
        market, marks = self.quote(moves, at_s=at_s)
        await together(jump_to(chain, at_s) for chain in chains)
        await together(post_market(chain, market, marks) for chain in chains)
