"""The input document of a round: a consistent cut of every venue and the market."""

from dataclasses import dataclass

from chains.model import ChainState
from coordinator.decide.canonical import decode, digest, encode
from coordinator.errors import IncompleteSnapshot
from oracles.model import MarketView

__all__ = ["Carried", "Exclusion", "Snapshot"]

SNAPSHOT_TAG = "adl/snapshot/1"


@dataclass(frozen=True, slots=True, order=True)
class Exclusion:
    """A chain or an underlying that this round leaves out, and the name of the error why."""

    what: str
    reason: str


@dataclass(frozen=True, slots=True)
class Carried:
    """What the pure core needs from the last plan."""

    epoch: int = 0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Chains ordered by (chain_id, gate), each once; valid by construction."""

    chains: tuple[ChainState, ...]
    market: MarketView
    carried: Carried
    excluded: tuple[Exclusion, ...]

    def __post_init__(self) -> None:
        keys = [(chain.chain_id, chain.gate) for chain in self.chains]
        if not keys:
            named = ", ".join(f"{e.what} ({e.reason})" for e in self.excluded) or "none configured"
            raise IncompleteSnapshot(f"no venue could be read; excluded: {named}")
        if keys != sorted(set(keys)):
            raise IncompleteSnapshot("venues must be ordered by (chain_id, gate), each once")

    @property
    def as_of_ms(self) -> int:
        """The market's own time: the newest observation, never a clock."""
        return self.market.as_of_ms

    @property
    def digest(self) -> bytes:
        """sha256 of the canonical bytes."""
        return digest(SNAPSHOT_TAG, self)

    def to_bytes(self) -> bytes:
        """Canonical CBOR."""
        return encode(self)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Snapshot":
        """The inverse; raises CanonicalError."""
        return decode(cls, data)
