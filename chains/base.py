"""Ports: what the rest of the system may ask of a chain. Adapters implement, wiring connects."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from chains.legs import Edge
from chains.model import BlockRef, ChainState

__all__ = [
    "Call",
    "ChainReader",
    "EdgeSide",
    "FeeQuote",
    "GateReader",
    "Level",
    "PlanProgress",
    "Receipt",
    "SignedTransaction",
    "TransactionPort",
    "TransactionSigner",
    "UnsignedTransaction",
]


class Level(StrEnum):
    """How settled a block must be: LATEST to send, READ to plan on, FINAL to call a thing done."""

    LATEST = "latest"
    READ = "read"
    FINAL = "final"


@dataclass(frozen=True, slots=True)
class Call:
    """A contract call of ours; value is always zero."""

    to: bytes
    data: bytes


@dataclass(frozen=True, slots=True)
class FeeQuote:
    """EIP-1559 view of the next block, wei per gas."""

    base_fee_wei: int
    priority_fee_wei: int


@dataclass(frozen=True, slots=True)
class UnsignedTransaction:
    """Everything that is signed (type 2, value 0)."""

    chain_id: int
    nonce: int
    call: Call
    gas: int
    fee_cap_wei: int
    priority_fee_wei: int


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    """The bytes to publish and the hash they will have."""

    raw: bytes
    hash: bytes


@dataclass(frozen=True, slots=True)
class Receipt:
    """A mined transaction."""

    hash: bytes
    block: BlockRef
    gas_used: int
    succeeded: bool


@dataclass(frozen=True, slots=True)
class PlanProgress:
    """What one gate says of one plan at one block.

    ``leg_bits[c]`` is the terminal bitmap of chunk c (bit i = word i of the chunk).
    """

    committed: bool
    closed: bool
    plan_root: bytes
    legs_done: int
    leg_bits: tuple[int, ...]
    block: BlockRef


@dataclass(frozen=True, slots=True)
class EdgeSide:
    """One Reserve's side of an edge at one block.

    ``is_sealed`` and ``amount_micro`` (earmark on A, escrow on B) never change once sealed.
    """

    state: int
    is_sealed: bool
    amount_micro: int
    block: BlockRef


class ChainReader(Protocol):
    """Reads one venue as a consistent cut."""

    @property
    def chain_id(self) -> int: ...
    @property
    def gate(self) -> bytes: ...
    async def read(self) -> ChainState:
        """The venue at one canonical READ block; raises ChainError."""
        ...


class GateReader(Protocol):
    """Asks a gate and its Reserve how far a plan has come."""

    async def progress(self, epoch: int, *, chunks: int, level: Level) -> PlanProgress: ...
    async def edge_side(self, edge: Edge, *, level: Level) -> EdgeSide: ...


class TransactionPort(Protocol):
    """Publishes signed bytes and looks for what became of them."""

    async def head(self, level: Level) -> BlockRef: ...
    async def nonce(self, address: bytes, *, level: Level) -> int: ...
    async def balance_wei(self, address: bytes) -> int: ...
    async def fees(self) -> FeeQuote: ...
    async def simulate(self, call: Call, *, sender: bytes) -> int:
        """Gas the call needs at LATEST; raises TransactionWouldRevert with the reason."""
        ...

    async def publish(self, raw: bytes) -> None:
        """Hand the bytes to the node. Raises TransactionOutcomeUnknown when the answer says
        nothing final (already known, nonce too low, underpriced, lost reply)."""
        ...

    async def receipt(self, transaction_hash: bytes) -> Receipt | None: ...


class TransactionSigner(Protocol):
    """Holds one key; never shows it."""

    @property
    def address(self) -> bytes: ...
    async def sign_transaction(self, transaction: UnsignedTransaction) -> SignedTransaction: ...
    async def sign_digest(self, digest: bytes) -> bytes:
        """65 bytes r | s | v over a 32-byte digest, low s."""
        ...
