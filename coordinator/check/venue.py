"""Chains and venues: is what settings name really there, and does it follow our rules?"""

import time
from dataclasses import dataclass

from chains.answers import block_by_number, hexed, quantity
from chains.base import Level
from chains.codec.gate import (
    GateState,
    decode_gate_state,
    decode_signers,
    gate_state_call,
    signers_call,
)
from chains.codec.venue import reserve_call
from chains.endpoints import Endpoints
from chains.errors import ChainStateInvalid
from chains.model import BlockRef, ChainState
from chains.pinned import call_at
from chains.rpc import JsonRpc
from chains.together import together
from chains.venue import VenueReader
from coordinator.check.finding import Finding, fail, ok, warn
from coordinator.decide.policy import Policy
from coordinator.errors import SettingsError
from coordinator.settings.model import VenueSettings
from coordinator.wiring import Connection

__all__ = [
    "Deployed",
    "check_book",
    "check_code",
    "check_node",
    "check_policy",
    "check_signers",
    "check_stop",
    "deployed",
]


@dataclass(frozen=True, slots=True)
class Deployed:
    """What a gate says of itself: limits, and its verifiers in order of their index."""

    gate: GateState
    signers: tuple[bytes, ...]
    threshold: int


async def check_node(rpc: JsonRpc, connection: Connection) -> tuple[Finding, BlockRef]:
    """One node answers, and for the right chain. Raises SettingsError and ChainUnavailable."""
    chain_id = quantity(f"{rpc.name}: eth_chainId", await rpc.ask("eth_chainId"))
    if chain_id != connection.chain_id:
        raise SettingsError(
            f"chains.{connection.name}.chain_id: settings say {connection.chain_id}, {rpc.name} "
            f"is chain {chain_id}; correct the id or the node's address"
        )
    number = quantity(f"{rpc.name}: head", await rpc.ask("eth_blockNumber"))
    head = await block_by_number(rpc, number)
    return ok(f"node {rpc.name}", f"chain {chain_id}, head {head.number}"), head


async def check_code(name: str, venue: VenueSettings, endpoints: Endpoints) -> Finding:
    """Both addresses hold a contract. Raises SettingsError naming the one that does not."""
    for key, address in (("gate", venue.gate), ("reserve", venue.reserve)):
        if await _code(address, endpoints) == "0x":
            raise SettingsError(
                f"venues.{name}.{key}: no contract at {address} on chain {endpoints.chain_id}; "
                "correct the address, or the chain of this venue"
            )
    return ok(f"venue {name}: contracts", f"gate {venue.gate}, reserve {venue.reserve}")


async def _code(address: str, endpoints: Endpoints) -> str:
    async def read(rpc: JsonRpc, block: BlockRef) -> str:
        return str(await rpc.ask("eth_getCode", address, {"blockHash": hexed(block.hash)}))

    return (await endpoints.agreed(Level.READ, read)).value


async def deployed(name: str, venue: VenueSettings, endpoints: Endpoints) -> Deployed:
    """Ask a gate. Raises SettingsError where it is another contract or has another Reserve."""
    gate = bytes.fromhex(venue.gate[2:])

    async def read(rpc: JsonRpc, block: BlockRef) -> tuple[bytes, ...]:
        calls = gate_state_call(gate), signers_call(gate), reserve_call(gate)
        return tuple(await together(call_at(rpc, call, block=block) for call in calls))

    try:
        state, signers, reserve = (await endpoints.agreed(Level.READ, read)).value
        members, threshold = decode_signers(signers)
        found = Deployed(decode_gate_state(state), members, threshold)
    except ChainStateInvalid as error:
        raise SettingsError(
            f"venues.{name}.gate: the contract at {venue.gate} is no gate of this version "
            f"({error}); correct the address"
        ) from error
    if reserve[12:] != bytes.fromhex(venue.reserve[2:]):
        raise SettingsError(
            f"venues.{name}.reserve: settings say {venue.reserve}, the gate's is "
            f"{hexed(reserve[12:])}; correct the address"
        )
    return found


async def check_book(name: str, reader: VenueReader) -> tuple[Finding, ChainState]:
    """The whole book can be read. Raises ChainError."""
    started = time.monotonic()
    state = await reader.read()
    took_ms = (time.monotonic() - started) * 1_000
    found = (
        f"{len(state.accounts)} accounts, {len(state.positions)} positions, "
        f"{len(state.instruments)} instruments at block {state.block.number}, {took_ms:.0f} ms"
    )
    if reader.dropped:
        return warn(f"venue {name}: book", found, f"look at {'; '.join(reader.dropped)}"), state
    return ok(f"venue {name}: book", found), state


def check_policy(name: str, on_chain: Deployed, policy: Policy) -> Finding:
    """A gate refuses every plan made under other rules than those it pins."""
    looked_at = f"venue {name}: policy"
    if on_chain.gate.policy_digest != policy.digest:
        return fail(
            looked_at,
            f"the gate pins {hexed(on_chain.gate.policy_digest)}, settings make "
            f"{hexed(policy.digest)}",
            "correct [policy] (see adl config), or have governance pin the new digest",
        )
    version = on_chain.gate.config_version
    return ok(looked_at, f"{hexed(policy.digest)[:18]}.., configuration version {version}")


def check_signers(name: str, on_chain: Deployed, ours: dict[int, bytes], needed: int) -> Finding:
    """Our verifiers stand in the gate's set under their index, and enough of them."""
    looked_at = f"venue {name}: signers"
    size = f"{on_chain.threshold} of {len(on_chain.signers)}"
    for index, address in ours.items():
        there = on_chain.signers[index] if index < len(on_chain.signers) else b""
        if there != address:
            found = f"index {index} is {hexed(there)} on chain, our key is {hexed(address)}"
            return fail(looked_at, found, "correct verifiers.*.index or the keystore")
    if not ours:
        return ok(looked_at, f"{size} on chain, none here")
    if needed != on_chain.threshold:
        found = f"the gate wants {size}, settings {needed} signatures"
        return fail(looked_at, found, f"set attestation.threshold = {on_chain.threshold}")
    return ok(looked_at, f"{size}, {len(ours)} of them here")


def check_stop(name: str, on_chain: Deployed, *, now_s: int) -> Finding:
    """A stopped gate takes no plan."""
    until_s = on_chain.gate.stopped_until_s
    if until_s > now_s:
        found = f"stopped for {until_s - now_s} s more"
        return warn(f"venue {name}: gate", found, "wait, or ask governance to resume")
    return ok(f"venue {name}: gate", f"open, last epoch {on_chain.gate.last_epoch}")
