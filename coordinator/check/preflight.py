"""What ``adl run`` insists on before its first round: every chain and contract is the one meant.

A node that is down is no mistake of the settings; it is waited for, and left out by name meanwhile.
"""

import asyncio
from collections.abc import Mapping

from chains.errors import ChainUnavailable
from chains.rpc import JsonRpc
from coordinator.check.venue import check_code, check_node, deployed
from coordinator.errors import SettingsError
from coordinator.settings import Settings
from coordinator.wiring import Connection, readers_of

__all__ = ["preflight"]


async def preflight(settings: Settings, connections: Mapping[str, Connection]) -> None:
    """Raises SettingsError for a wrong chain id, an address without code, another contract."""
    if not settings.venues:
        raise SettingsError("venues: none; name at least one: adl config --default")
    nodes = [(node, one) for one in connections.values() for node in one.nodes]
    await asyncio.gather(*(_is_meant(node, connection) for node, connection in nodes))
    readers = readers_of(settings, connections)
    for name, venue in settings.venues.items():
        endpoints = connections[settings.chain_name(venue.chain)].endpoints
        try:
            await check_code(name, venue, endpoints)
            await deployed(name, readers[name].gate, endpoints)
        except ChainUnavailable:
            continue


async def _is_meant(node: JsonRpc, connection: Connection) -> None:
    try:
        await check_node(node, connection)
    except ChainUnavailable:
        return
