"""Ports of this package: what the coordinator may ask, and what wiring must inject."""

from typing import Protocol

from oracles.model import IndexQuote, SurfaceQuote

__all__ = ["ClockMs", "EthCall", "IndexSource", "SurfaceSource"]


class IndexSource(Protocol):
    """A place that quotes spot indices."""

    async def index(self, underlying: str) -> IndexQuote:
        """Newest verified index of `underlying`.

        Raises OracleUnavailable (ask again) or QuoteRejected (stale, impossible, not quoted here).
        """
        ...


class SurfaceSource(Protocol):
    """A place that quotes volatility surfaces."""

    async def surface(self, underlying: str) -> SurfaceQuote:
        """Newest surface of `underlying`, free of static arbitrage.

        Raises OracleUnavailable (ask again) or QuoteRejected (arbitrage, impossible, not quoted).
        """
        ...


class EthCall(Protocol):
    """Read-only contract call, made by whoever owns the connection to the chain."""

    async def __call__(self, *, to: str, data: bytes, block_hash: str | None) -> bytes:
        """Return data of calling `to` with `data` at `block_hash` (None: the newest block).

        Raises OracleUnavailable, and nothing else, when the chain gives no answer.
        """
        ...


class ClockMs(Protocol):
    """Wall clock in milliseconds since 1970 (UTC); it only judges staleness."""

    def __call__(self) -> int: ...
