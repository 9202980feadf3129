"""Chains and venues of the settings as ports."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from chains.artifacts import error_names
from chains.base import GateReader, TransactionSigner
from chains.endpoints import Endpoints
from chains.levels import Levels
from chains.rpc import JsonRpc
from chains.transactions import ChainTransactions
from chains.venue import VenueGate, VenueReader
from chains.venue_reading import VenueAddress
from coordinator.act.lane import Lane
from coordinator.errors import SettingsError
from coordinator.settings.crosscheck import quorum_fault
from coordinator.settings.model import ChainSettings, Settings, VenueSettings

__all__ = ["Connection", "Connections", "connected", "gates_of", "lanes_of", "readers_of"]


@dataclass(frozen=True, slots=True)
class Connection:
    """One chain: its nodes one by one, and as the quorum that is asked."""

    name: str
    chain_id: int
    nodes: tuple[JsonRpc, ...]
    levels: Levels
    endpoints: Endpoints


Connections = Mapping[str, Connection]
"""By the chain's name in settings."""


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


def readers_of(settings: Settings, connections: Connections) -> dict[str, VenueReader]:
    """A reader for every venue, by its name."""
    return {
        name: VenueReader(
            connections[settings.chain_name(venue.chain)].endpoints, _address(settings, venue)
        )
        for name, venue in settings.venues.items()
    }


def gates_of(settings: Settings, connections: Connections) -> dict[tuple[int, bytes], GateReader]:
    """Every gate with its Reserve, by (chain id, address)."""
    gates: dict[tuple[int, bytes], GateReader] = {}
    for venue in settings.venues.values():
        connection = connections[settings.chain_name(venue.chain)]
        address = _address(settings, venue)
        gates[connection.chain_id, address.gate] = VenueGate(connection.endpoints, address)
    return gates


def lanes_of(
    settings: Settings, connections: Connections, signer: TransactionSigner
) -> dict[str, Lane]:
    """What acting on each chain needs, by its name: first node, key, gates."""
    gates = gates_of(settings, connections)
    return {
        name: Lane(
            connection.chain_id,
            ChainTransactions(
                connection.nodes[0], levels=connection.levels, error_names=error_names()
            ),
            signer,
            {gate: port for (of, gate), port in gates.items() if of == connection.chain_id},
        )
        for name, connection in connections.items()
    }


def _address(settings: Settings, venue: VenueSettings) -> VenueAddress:
    """Where a venue stands; its Reserve may lend to every venue on another chain."""
    own = settings.chain_name(venue.chain)
    debtors = sorted(
        (settings.chains[settings.chain_name(other.chain)].chain_id, _bytes(other.gate))
        for other in settings.venues.values()
        if settings.chain_name(other.chain) != own
    )
    return VenueAddress(_bytes(venue.gate), _bytes(venue.reserve), tuple(debtors))


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


def _bytes(address: str) -> bytes:
    return bytes.fromhex(address.removeprefix("0x"))
