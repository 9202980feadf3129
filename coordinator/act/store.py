"""Where rows live: append, read back, cut the torn tail. The seam is four methods."""

from collections.abc import Sequence
from typing import Protocol

from coordinator.act.records import Row
from coordinator.errors import JournalError

__all__ = ["MemoryStore", "Store"]


class Store(Protocol):
    """Durable when ``append`` returns; raises JournalError otherwise, and then nothing is sure."""

    async def rows(self) -> Sequence[Row]: ...
    async def append(
        self, rows: Sequence[Row], *, documents: Sequence[tuple[bytes, bytes]]
    ) -> None:
        """All rows and (digest, bytes) documents in one transaction."""
        ...

    async def document(self, digest: bytes) -> bytes: ...
    async def cut(self, sequence: int) -> None:
        """Drop the last row, which is torn."""
        ...


class MemoryStore:
    """A store that outlives its journal but not the process: simulations, shadow mode."""

    def __init__(self) -> None:
        self._rows: list[Row] = []
        self._documents: dict[bytes, bytes] = {}

    async def rows(self) -> Sequence[Row]:
        """As appended."""
        return tuple(self._rows)

    async def append(
        self, rows: Sequence[Row], *, documents: Sequence[tuple[bytes, bytes]]
    ) -> None:
        """Never fails."""
        self._documents.update(documents)
        self._rows.extend(rows)

    async def document(self, digest: bytes) -> bytes:
        """Raises JournalError."""
        if digest not in self._documents:
            raise JournalError(f"document 0x{digest.hex()} is not in the journal")
        return self._documents[digest]

    async def cut(self, sequence: int) -> None:
        """Drop the last row."""
        self._rows = [row for row in self._rows if row.sequence != sequence]
