"""The composition root: the only place that names concrete adapters.

Settings in, connected ports out. A new kind of oracle is one more case here.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from chains.artifacts import error_names
from chains.base import Call, GateReader, Level, TransactionSigner
from chains.endpoints import Endpoints
from chains.errors import ChainError
from chains.levels import Levels
from chains.model import BlockRef
from chains.pinned import call_at
from chains.rpc import JsonRpc
from chains.signer import DevSigner, KeystoreSigner
from chains.transactions import ChainTransactions
from chains.venue import VenueGate, VenueReader
from chains.venue_reading import VenueAddress
from coordinator.act.attest import LocalVerifier
from coordinator.act.clock import SystemClock
from coordinator.act.lane import Lane
from coordinator.errors import SettingsError
from coordinator.settings.crosscheck import quorum_fault
from coordinator.settings.model import (
    ChainlinkSettings,
    ChainSettings,
    FixedSettings,
    KeySettings,
    OracleSettings,
    Settings,
    VenueSettings,
)
from kernels.backend import Backend
from oracles.base import IndexSource
from oracles.chainlink import ChainlinkFeed, ChainlinkSource
from oracles.errors import OracleUnavailable
from oracles.fixed import FixedSource, load_market
from oracles.model import IndexQuote, SurfaceQuote

__all__ = [
    "Connection",
    "MarketFile",
    "PinnedCall",
    "address_of_venue",
    "connected",
    "index_sources",
    "journal_url",
    "lanes_of",
    "load_signer",
    "local_verifiers",
    "readers_of",
    "surface_sources",
]


@dataclass(frozen=True, slots=True)
class Connection:
    """One chain: its nodes one by one, and as the quorum that is asked."""

    name: str
    chain_id: int
    nodes: tuple[JsonRpc, ...]
    levels: Levels
    endpoints: Endpoints


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


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[dict[str, Connection]]:
    """Every chain by name; nothing is asked yet. Raises SettingsError for a bad url_file."""
    async with AsyncExitStack() as stack:
        connections = {}
        for name, chain in settings.chains.items():
            urls = _urls(name, chain)
            nodes = [await stack.enter_async_context(JsonRpc(url, chain=name)) for url in urls]
            connections[name] = _connection(name, chain, tuple(nodes))
        yield connections


def readers_of(settings: Settings, connections: Mapping[str, Connection]) -> dict[str, VenueReader]:
    """A reader for every venue, by its name."""
    return {
        name: VenueReader(
            _of_chain(settings, connections, venue.chain).endpoints,
            address_of_venue(settings, venue),
        )
        for name, venue in settings.venues.items()
    }


def address_of_venue(settings: Settings, venue: VenueSettings) -> VenueAddress:
    """Where a venue stands; its Reserve may lend to every venue on another chain."""
    own = settings.chain_name(venue.chain)
    debtors = sorted(
        (settings.chains[settings.chain_name(other.chain)].chain_id, _bytes(other.gate))
        for other in settings.venues.values()
        if settings.chain_name(other.chain) != own
    )
    return VenueAddress(_bytes(venue.gate), _bytes(venue.reserve), tuple(debtors))


def index_sources(
    settings: Settings, connections: Mapping[str, Connection]
) -> dict[str, IndexSource]:
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


async def load_signer(key: KeySettings, chain_ids: Sequence[int]) -> TransactionSigner:
    """The key of a keystore, or of a devnet; raises SignerError saying what to do."""
    if key.dev_key_index is not None:
        return DevSigner(key.dev_key_index, chain_ids=frozenset(chain_ids))
    if key.keystore is None or key.password_file is None:
        raise SettingsError("a key needs keystore and password_file")
    return await KeystoreSigner.load(key.keystore, password_file=key.password_file)


async def local_verifiers(settings: Settings, backend: Backend) -> list[LocalVerifier]:
    """The verifiers of this process; their keystores are decrypted at the same time."""
    ids = [chain.chain_id for chain in settings.chains.values()]
    keys = list(settings.verifiers.values())
    signers = await asyncio.gather(*(load_signer(key, ids) for key in keys))
    return [
        LocalVerifier(index=key.index, signer=signer, backend=backend)
        for key, signer in zip(keys, signers, strict=True)
    ]


def lanes_of(
    settings: Settings, connections: Mapping[str, Connection], signer: TransactionSigner
) -> list[Lane]:
    """What acting on each chain needs: its first node, the key, the gates of its venues."""
    lanes = []
    for name, connection in connections.items():
        gates: dict[bytes, GateReader] = {
            _bytes(venue.gate): VenueGate(connection.endpoints, address_of_venue(settings, venue))
            for venue in settings.venues.values()
            if settings.chain_name(venue.chain) == name
        }
        port = ChainTransactions(
            connection.nodes[0], levels=connection.levels, error_names=error_names()
        )
        lanes.append(Lane(connection.chain_id, port, signer, gates))
    return lanes


def journal_url(settings: Settings) -> str:
    """The journal's address with the driver that this program uses."""
    if settings.journal is None:
        raise SettingsError("journal.url: missing; a journal is needed to send anything")
    scheme, _, rest = settings.journal.url.partition("://")
    drivers = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}
    return f"{drivers.get(scheme, scheme)}://{rest}"


def _index_source(
    name: str,
    oracle: OracleSettings,
    settings: Settings,
    connections: Mapping[str, Connection],
) -> IndexSource:
    match oracle:
        case FixedSettings():
            return MarketFile(oracle.file)
        case ChainlinkSettings():
            connection = _of_chain(settings, connections, oracle.chain)
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


def _urls(name: str, chain: ChainSettings) -> tuple[str, ...]:
    if chain.url_file is None:
        return chain.rpc_urls
    where = f"chains.{name}.url_file: {chain.url_file}"
    try:
        lines = chain.url_file.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{where}: cannot be read ({type(error).__name__})") from None
    if not lines or not all(line.startswith(("http://", "https://")) for line in lines):
        raise SettingsError(f"{where}: wants one http:// or https:// address a line")
    if reason := quorum_fault(chain.rpc_quorum, len(lines)):
        raise SettingsError(f"chains.{name}.rpc_quorum: {reason}")
    return tuple(lines)


def _connection(name: str, chain: ChainSettings, nodes: tuple[JsonRpc, ...]) -> Connection:
    levels = Levels(read=chain.levels.read, final=chain.levels.final)
    endpoints = Endpoints(nodes, chain_id=chain.chain_id, levels=levels, needed=chain.rpc_quorum)
    return Connection(name, chain.chain_id, nodes, levels, endpoints)


def _of_chain(
    settings: Settings, connections: Mapping[str, Connection], wanted: str | None
) -> Connection:
    return connections[settings.chain_name(wanted)]


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
