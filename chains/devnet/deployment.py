"""Puts one venue with its Reserve, token and price feeds on a devnet."""

from collections.abc import Mapping
from dataclasses import astuple, dataclass

from chains.artifacts import artifact
from chains.codec.abi import Function
from chains.codec.gate import Config, set_reserve_call
from chains.devnet.sender import Sender

__all__ = ["Deployed", "VenueSetup", "deploy"]


@dataclass(frozen=True, slots=True)
class VenueSetup:
    """What a venue is made with. Oracles are devnet keys, by number, because the devnet posts
    with them; verifiers are addresses. ``feeds``: descriptions of price feeds."""

    config: Config
    verifiers: tuple[bytes, ...]
    verifier_threshold: int
    oracle_keys: tuple[int, ...]
    oracle_threshold: int
    feeds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Deployed:
    """Addresses of one chain's contracts."""

    token: bytes
    gate: bytes
    reserve: bytes
    feeds: Mapping[str, bytes]


async def deploy(sender: Sender, setup: VenueSetup, *, oracles: tuple[bytes, ...]) -> Deployed:
    """The sender becomes governance, guardian, matcher, treasurer and owner of token and feeds.

    Raises DevnetError.
    """
    owner = sender.address
    token = await _create(sender, "SettlementToken", owner)
    hashes = await _create(sender, "HistoryBlockHashes")
    gate = await _create(
        sender,
        "OptionsVenue",
        (token, owner, owner, owner, hashes),
        astuple(setup.config),
        setup.verifiers,
        setup.verifier_threshold,
        oracles,
        setup.oracle_threshold,
    )
    reserve = await _create(sender, "Reserve", gate, owner, owner)
    await sender.send(set_reserve_call(gate, reserve))
    feeds = {text: await _create(sender, "PriceFeed", owner, text) for text in setup.feeds}
    return Deployed(token, gate, reserve, feeds)


async def _create(sender: Sender, name: str, *arguments: object) -> bytes:
    built = artifact(name)
    constructor = Function(f"constructor of {name}", built.constructor)
    return await sender.create(built.bytecode + constructor.encode(*arguments))
