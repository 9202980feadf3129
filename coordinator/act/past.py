"""What an earlier life of this node saw as FINAL must still be there.

While a node runs, its chain adapter watches over finality. Between two lives nobody does; therefore
each drive first looks for every transaction that the journal calls final, in the block it names.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from chains.errors import FinalityViolated
from chains.together import together
from coordinator.act.book import Entry
from coordinator.act.lane import Lane
from coordinator.act.lifecycle import Event
from coordinator.act.records import Inclusion

__all__ = ["Past"]

_DOUBTS_MAX = 3
"""A node that lags may miss a transaction once, not for ever."""


@dataclass(slots=True)
class Past:
    """``open``: final transactions that were not found again yet."""

    open: tuple[Inclusion, ...]
    _doubts: int = field(default=0)

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> "Past":
        """Everything these intents have in final blocks."""
        return cls(
            tuple(
                entry.inclusion
                for entry in entries
                if entry.inclusion and entry.inclusion.event is Event.FINALISE
            )
        )

    async def is_confirmed(self, lane: Lane) -> bool:
        """All were found. Raises FinalityViolated after a few looks, ChainError."""
        receipts = await together(lane.port.receipt(one.hash) for one in self.open)
        self.open = tuple(
            one
            for one, receipt in zip(self.open, receipts, strict=True)
            if receipt is None or receipt.block.hash != one.block_hash
        )
        if not self.open:
            return True
        self._doubts += 1
        if self._doubts >= _DOUBTS_MAX:
            one = self.open[0]
            raise FinalityViolated(
                f"chain {lane.chain_id}: the final transaction of {one.key} is not in block "
                f"{one.block_number} any more"
            )
        return False
