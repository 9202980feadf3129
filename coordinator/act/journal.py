"""The append-only memory of what this node has set out to do. Nothing is sent without it.

Every record is linked to all before it. A torn tail (the last record does not fit) is what a crash
in the middle of a write leaves: it is cut off, and :attr:`Journal.torn` says so loudly, because
nothing can have been sent on it. A record that does not fit anywhere else means that the file was
changed: the journal refuses to open, and only a look at the chains (`adl recover`) helps.

After a failed write nobody knows what is on disk, so the journal accepts nothing more.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from coordinator.act.book import Book
from coordinator.act.records import GENESIS, PlanAccepted, Record, Row, link_of, record_of, row_of
from coordinator.act.store import Store
from coordinator.act.store_sql import open_store
from coordinator.decide.publish import PlanDocument
from coordinator.errors import JournalError

__all__ = ["Journal", "TornTail", "open_journal"]


@dataclass(frozen=True, slots=True)
class TornTail:
    """The record that was cut off when the journal was opened."""

    sequence: int
    kind: str
    body: bytes


class Journal:
    """Records in, present state out. Appends are serial; :attr:`book` is always what is durable."""

    def __init__(
        self, store: Store, *, book: Book, rows: Sequence[Row], torn: TornTail | None
    ) -> None:
        self.book = book
        self.torn = torn
        self._store = store
        self._sequence = len(rows)
        self._link = rows[-1].link if rows else GENESIS
        self._turn = asyncio.Lock()
        self._broken: JournalError | None = None

    @classmethod
    async def over(cls, store: Store) -> "Journal":
        """Replay a store. Raises JournalError naming the record that does not fit."""
        rows, torn = _checked(await store.rows())
        book = Book()
        for row in rows:
            book.apply((record_of(row),))
        if torn is not None:
            await store.cut(torn.sequence)
        return cls(store, book=book, rows=rows, torn=torn)

    async def append(self, *records: Record) -> None:
        """All of them or none; durable when it returns, and only then in the book.

        Raises IllegalEvent or JournalError. A cancelled caller does not tear the write.
        """
        if records:
            await self._write(records, documents=())

    async def accept(
        self, document: PlanDocument, *records: Record, threshold: int, at_ms: int
    ) -> None:
        """A plan with its first intents, in one transaction."""
        data = document.to_bytes()
        digest = hashlib.sha256(data).digest()
        plan = PlanAccepted(document.plan.epoch, digest, threshold, at_ms)
        await self._write((plan, *records), documents=((digest, data),))

    async def document(self, epoch: int) -> PlanDocument:
        """The plan document of an epoch. Raises JournalError."""
        if epoch not in self.book.plans:
            raise JournalError(f"plan {epoch} is not in the journal")
        digest = self.book.plans[epoch].digest
        data = await self._store.document(digest)
        if hashlib.sha256(data).digest() != digest:
            raise JournalError(f"the document of plan {epoch} was changed; run `adl recover`")
        return PlanDocument.from_bytes(data)

    async def close(self) -> None:
        """Wait for a write under way."""
        async with self._turn:
            self._broken = self._broken or JournalError("the journal is closed")

    async def _write(
        self, records: Sequence[Record], *, documents: Sequence[tuple[bytes, bytes]]
    ) -> None:
        task = asyncio.ensure_future(self._write_in_turn(records, documents))
        await asyncio.shield(task)

    async def _write_in_turn(
        self, records: Sequence[Record], documents: Sequence[tuple[bytes, bytes]]
    ) -> None:
        async with self._turn:
            if self._broken is not None:
                raise self._broken
            draft = self.book.draft(records)
            rows = self._linked(records)
            try:
                await self._store.append(rows, documents=documents)
            except JournalError as error:
                self._broken = error
                raise
            draft.publish()
            self._sequence, self._link = rows[-1].sequence, rows[-1].link

    def _linked(self, records: Sequence[Record]) -> list[Row]:
        rows: list[Row] = []
        link = self._link
        for sequence, record in enumerate(records, start=self._sequence + 1):
            rows.append(row_of(record, sequence=sequence, previous=link))
            link = rows[-1].link
        return rows


@asynccontextmanager
async def open_journal(url: str, *, pages_max: int | None = None) -> AsyncIterator[Journal]:
    """The journal at an SQLAlchemy URL such as ``sqlite+aiosqlite:////var/lib/adl/journal.db``.

    Raises JournalError: in use, damaged in the middle, of another format, not writable.
    """
    async with open_store(url, pages_max=pages_max) as store:
        journal = await Journal.over(store)
        try:
            yield journal
        finally:
            await journal.close()


def _checked(rows: Sequence[Row]) -> tuple[Sequence[Row], TornTail | None]:
    link = GENESIS
    for index, row in enumerate(rows):
        is_next = row.sequence == index + 1
        wanted = link_of(previous=link, sequence=index + 1, kind=row.kind, body=row.body)
        if is_next and wanted == row.link:
            link = row.link
        elif index == len(rows) - 1:
            return rows[:-1], TornTail(row.sequence, row.kind, row.body)
        else:
            raise JournalError(
                f"record {row.sequence} does not follow from those before it: the journal was "
                "changed or is damaged, nothing is sent; run `adl recover` to rebuild it from "
                "the chains"
            )
    return rows, None
