"""The values a simulated chain is made of: blocks, and transactions in them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from chains.base import UnsignedTransaction
from chains.model import BlockRef
from chains.simulated.state import Contracts, Env, LegLog

__all__ = ["Action", "Block", "Depths", "Fate", "Mined", "Mining", "Transaction"]

Action = Callable[[Contracts, Env], object]
"""Something a stranger does in a block: a trade, a deposit, a mark."""


class Mining(Enum):
    """Whether a published transaction waits for :meth:`SimulatedChain.mine`."""

    MANUAL = "manual"
    ON_PUBLISH = "on publish"


class Fate(Enum):
    """What becomes of the transactions of dropped blocks."""

    RETURNED = "back to the mempool"
    LOST = "forgotten"


@dataclass(frozen=True, slots=True)
class Depths:
    """How many blocks below the head a level stands."""

    read: int = 1
    final: int = 3


@dataclass(frozen=True, slots=True)
class Transaction:
    """Published bytes, taken apart."""

    hash: bytes
    sender: bytes
    body: UnsignedTransaction


@dataclass(frozen=True, slots=True)
class Mined:
    """A transaction in a block; ``error`` names why it failed."""

    transaction: Transaction
    gas_used: int
    error: str | None
    logs: tuple[LegLog, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """A block and the world after it. ``refused``: why strangers' actions did nothing."""

    ref: BlockRef
    contracts: Contracts
    nonces: Mapping[bytes, int]
    wei: Mapping[bytes, int]
    mined: tuple[Mined, ...] = ()
    actions: tuple[Action, ...] = ()
    refused: tuple[str, ...] = ()
