"""What ``adl run`` insists on before its first round: every chain and contract is the one meant.

A node that is down is no mistake of the settings; it is waited for, and left out by name meanwhile.
"""

import asyncio
from collections.abc import Mapping

from chains.base import TransactionSigner
from chains.errors import BlockReorged, ChainUnavailable
from chains.rpc import JsonRpc
from coordinator.check.finding import Finding, Status
from coordinator.check.venue import (
    Deployed,
    check_code,
    check_node,
    check_policy,
    check_signers,
    deployed,
)
from coordinator.errors import SettingsError
from coordinator.settings import Settings
from coordinator.wiring import Connection, Connections

__all__ = ["insist_on_live", "insist_on_shadow"]


async def insist_on_shadow(settings: Settings, connections: Connections) -> None:
    """Raises SettingsError for a wrong chain id, an address without code, another contract."""
    await _deployed(settings, connections)


async def insist_on_live(
    settings: Settings, connections: Connections, keys: Mapping[int, TransactionSigner]
) -> None:
    """As for a shadow, and the gates pin our policy and know our verifiers."""
    addresses = {index: key.address for index, key in keys.items()}
    for name, gate in (await _deployed(settings, connections)).items():
        _insist(check_policy(name, gate, settings.policy))
        _insist(check_signers(name, gate, addresses, settings.threshold))


async def _deployed(settings: Settings, connections: Connections) -> dict[str, Deployed]:
    """What each venue that answers says of itself."""
    if not settings.venues:
        raise SettingsError("venues: none; name at least one (adl config --default shows how)")
    nodes = [(node, one) for one in connections.values() for node in one.nodes]
    await asyncio.gather(*(_is_meant(node, connection) for node, connection in nodes))
    found = {}
    for name, venue in settings.venues.items():
        endpoints = connections[settings.chain_name(venue.chain)].endpoints
        try:
            await check_code(name, venue, endpoints)
            found[name] = await deployed(name, venue, endpoints)
        except (ChainUnavailable, BlockReorged):
            continue
    return found


async def _is_meant(node: JsonRpc, connection: Connection) -> None:
    try:
        await check_node(node, connection)
    except ChainUnavailable:
        return


def _insist(finding: Finding) -> None:
    if finding.status is Status.FAIL:
        raise SettingsError(f"{finding.looked_at}: {finding.found}; {finding.cure}")
