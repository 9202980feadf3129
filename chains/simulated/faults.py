"""What may go wrong between us and a simulated node, as plain data.

A fault is decided by a hash of the seed, the operation and its count, so that a seed reproduces a
run whatever else happens in it.
"""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import blake2b

__all__ = ["Dice", "FaultKind", "Faults", "Scheduled"]

_WHOLE_PPM = 1_000_000


class FaultKind(StrEnum):
    """REFUSE: no answer and no effect. DROP_REPLY: the effect, but no answer. DELAY: a late
    answer. STALE_HEAD: an answer from an older block. LOSE_TRANSACTION: accepted, then dropped.
    REORG: the next block to be mined replaces the last ones."""

    REFUSE = "refuse"
    DROP_REPLY = "drop_reply"
    DELAY = "delay"
    STALE_HEAD = "stale_head"
    LOSE_TRANSACTION = "lose_transaction"
    REORG = "reorg"


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A fault at call number ``count`` (from 0) of an operation: "read", "publish", "mine" ..."""

    kind: FaultKind
    operation: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """Probabilities a call in ppm, what they do, and faults that surely come; none by default."""

    seed: int = 0
    refuse_ppm: int = 0
    drop_reply_ppm: int = 0
    delay_ppm: int = 0
    delay_ms: int = 100
    stale_head_ppm: int = 0
    stale_blocks: int = 3
    lose_transaction_ppm: int = 0
    reorg_ppm: int = 0
    reorg_depth: int = 1
    schedule: tuple[Scheduled, ...] = ()

    def ppm(self, kind: FaultKind) -> int:
        """The probability of one kind."""
        rates = {
            FaultKind.REFUSE: self.refuse_ppm,
            FaultKind.DROP_REPLY: self.drop_reply_ppm,
            FaultKind.DELAY: self.delay_ppm,
            FaultKind.STALE_HEAD: self.stale_head_ppm,
            FaultKind.LOSE_TRANSACTION: self.lose_transaction_ppm,
            FaultKind.REORG: self.reorg_ppm,
        }
        return rates[kind]


@dataclass(slots=True)
class Dice:
    """Counts the calls of each operation and says which faults meet them."""

    faults: Faults
    counts: Counter[str] = field(default_factory=Counter)

    def roll(self, operation: str) -> frozenset[FaultKind]:
        """The faults that meet this call of ``operation``."""
        count = self.counts[operation]
        self.counts[operation] += 1
        return frozenset(kind for kind in FaultKind if self._meets(kind, operation, count))

    def _meets(self, kind: FaultKind, operation: str, count: int) -> bool:
        if Scheduled(kind, operation, count) in self.faults.schedule:
            return True
        ppm = self.faults.ppm(kind)
        return ppm > 0 and _draw(f"{self.faults.seed}/{kind}/{operation}/{count}") < ppm


def _draw(name: str) -> int:
    """A number below 10^6, evenly spread over names."""
    digest = blake2b(name.encode("ascii"), digest_size=8).digest()
    return int.from_bytes(digest, "big") % _WHOLE_PPM
