"""Oracles of the settings as ports. A new kind of oracle is one more case here."""

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path

from chains.base import Call, Level
from chains.endpoints import Endpoints
from chains.errors import ChainError
from chains.model import BlockRef
from chains.pinned import call_at
from chains.rpc import JsonRpc
from coordinator.act.clock import SystemClock
from coordinator.settings.model import ChainlinkSettings, FixedSettings, OracleSettings, Settings
from coordinator.wiring.connections import Connections
from oracles.base import IndexSource
from oracles.chainlink import ChainlinkFeed, ChainlinkSource
from oracles.errors import OracleUnavailable
from oracles.fixed import FixedSource, load_market
from oracles.model import IndexQuote, SurfaceQuote

__all__ = ["MarketFile", "PinnedCall", "index_sources", "surface_sources"]


@dataclass(frozen=True, slots=True)
class MarketFile:
    """A market document, read anew for every quote: it may be replaced at any time."""

    path: Path

    async def index(self, underlying: str) -> IndexQuote:
        """As :class:`oracles.fixed.FixedSource`; raises QuoteRejected."""
        return await (await self._source()).index(underlying)

    async def surface(self, underlying: str) -> SurfaceQuote:
        """As :class:`oracles.fixed.FixedSource`; raises QuoteRejected."""
        return await (await self._source()).surface(underlying)

    async def _source(self) -> FixedSource:
        return FixedSource(await asyncio.to_thread(load_market, self.path))


@dataclass(frozen=True, slots=True)
class PinnedCall:
    """The EthCall port of oracles over the quorum of one chain."""

    endpoints: Endpoints

    async def __call__(self, *, to: str, data: bytes, block_hash: str | None) -> bytes:
        """At a block hash, else at the newest block that enough nodes have."""
        call = Call(_bytes(to), data)

        async def read(rpc: JsonRpc, newest: BlockRef) -> bytes:
            block = replace(newest, hash=_bytes(block_hash)) if block_hash else newest
            return await call_at(rpc, call, block=block)

        try:
            return (await self.endpoints.agreed(Level.LATEST, read)).value
        except ChainError as error:
            raise OracleUnavailable(str(error)) from error


def index_sources(settings: Settings, connections: Connections) -> dict[str, IndexSource]:
    """The index source of every underlying."""
    sources = {
        name: _index_source(name, oracle, settings, connections)
        for name, oracle in settings.oracles.items()
    }
    return {name: sources[settings.index_oracle(name)] for name in settings.underlyings}


def surface_sources(settings: Settings) -> dict[str, MarketFile]:
    """The surface source of every underlying; only market documents quote surfaces."""
    return {
        name: MarketFile(oracle.file)
        for name in settings.underlyings
        if isinstance(oracle := settings.oracles[settings.surface_oracle(name)], FixedSettings)
    }


def _index_source(
    name: str,
    oracle: OracleSettings,
    settings: Settings,
    connections: Connections,
) -> IndexSource:
    match oracle:
        case FixedSettings():
            return MarketFile(oracle.file)
        case ChainlinkSettings():
            connection = connections[settings.chain_name(oracle.chain)]
            feeds = {
                underlying: ChainlinkFeed(
                    address=feed.address,
                    heartbeat_s=feed.heartbeat_s,
                    half_width_ppm=feed.half_width_ppm,
                    sequencer=oracle.sequencer,
                )
                for underlying, feed in oracle.feeds.items()
            }
            call = PinnedCall(connection.endpoints)
            return ChainlinkSource(
                name=name, feeds=feeds, eth_call=call, now_ms=SystemClock().now_ms
            )


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
