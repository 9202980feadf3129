"""The journal's rows in a database: SQLite by default, one process at a time.

SQLite runs with WAL and synchronous=FULL: a commit that returned survives a power cut. The tables
use nothing that PostgreSQL lacks.
"""

import fcntl
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager

from sqlalchemy import (
    BigInteger,
    Column,
    LargeBinary,
    MetaData,
    String,
    Table,
    delete,
    event,
    insert,
    select,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from coordinator.act.records import FORMAT, Row
from coordinator.errors import JournalError

__all__ = ["SqlStore", "open_store"]

_FULL = 2
"""What SQLite answers for synchronous=FULL."""

_METADATA = MetaData()
_FORMAT = Table("journal_format", _METADATA, Column("name", String(32), primary_key=True))
_RECORDS = Table(
    "records",
    _METADATA,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String(16), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("link", LargeBinary, nullable=False),
)
_DOCUMENTS = Table(
    "documents",
    _METADATA,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("data", LargeBinary, nullable=False),
)


class SqlStore:
    """Every error of the database is a JournalError."""

    def __init__(self, engine: AsyncEngine, name: str) -> None:
        self._engine = engine
        self._name = name

    async def rows(self) -> Sequence[Row]:
        """In order of sequence."""
        query = select(_RECORDS).order_by(_RECORDS.c.sequence)
        with self._translated("read"):
            async with self._engine.connect() as connection:
                result = await connection.execute(query)
                return tuple(Row(*row) for row in result)

    async def append(
        self, rows: Sequence[Row], *, documents: Sequence[tuple[bytes, bytes]]
    ) -> None:
        """One transaction, on disk when it returns."""
        values = [
            {"sequence": r.sequence, "kind": r.kind, "body": r.body, "link": r.link} for r in rows
        ]
        with self._translated("written"):
            async with self._engine.begin() as connection:
                for digest, data in documents:
                    await _keep_document(connection, digest, data)
                await connection.execute(insert(_RECORDS), values)

    async def document(self, digest: bytes) -> bytes:
        """The bytes behind a digest."""
        query = select(_DOCUMENTS.c.data).where(_DOCUMENTS.c.digest == digest)
        with self._translated("read"):
            async with self._engine.connect() as connection:
                data = (await connection.execute(query)).scalar_one_or_none()
        if data is None:
            raise JournalError(f"{self._name}: document 0x{digest.hex()} is missing")
        return bytes(data)

    async def cut(self, sequence: int) -> None:
        """Drop the last row."""
        with self._translated("written"):
            async with self._engine.begin() as connection:
                await connection.execute(delete(_RECORDS).where(_RECORDS.c.sequence == sequence))

    async def prepare(self) -> None:
        """Make the tables, or check that they are of our format."""
        with self._translated("opened"):
            async with self._engine.begin() as connection:
                await connection.run_sync(_METADATA.create_all)
                found = (await connection.execute(select(_FORMAT.c.name))).scalars().all()
                if not found:
                    await connection.execute(insert(_FORMAT).values(name=FORMAT))
        if list(found) not in ([], [FORMAT]):
            raise JournalError(
                f"{self._name} is a journal of format {', '.join(found)}, this program writes "
                f"{FORMAT}: finish its plans with the old version, then start a new file"
            )

    @contextmanager
    def _translated(self, verb: str) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, OSError) as error:
            cause = getattr(error, "orig", None) or error
            raise JournalError(
                f"{self._name} cannot be {verb} ({cause}): nothing is sent; free the disk or "
                "repair the file, then start again"
            ) from error


@asynccontextmanager
async def open_store(url: str, *, pages_max: int | None = None) -> AsyncIterator[SqlStore]:
    """A store at an SQLAlchemy URL. ``pages_max`` bounds a SQLite file (4,096 B a page).

    Raises JournalError: held by another process, not writable, not a journal of this format.
    """
    parsed = _parsed(url)
    name = f"journal {parsed.database or parsed.render_as_string()}"
    with _lock(parsed, name):
        engine = create_async_engine(parsed)
        if parsed.get_backend_name() == "sqlite":
            _make_durable(engine, pages_max)
        try:
            store = SqlStore(engine, name)
            await store.prepare()
            yield store
        finally:
            await engine.dispose()


def _parsed(url: str) -> URL:
    try:
        return make_url(url)
    except ArgumentError as error:
        raise JournalError(f"journal url: {error}") from error


@contextmanager
def _lock(url: URL, name: str) -> Iterator[None]:
    """The operating system frees it when the process dies, however it dies."""
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        yield
        return
    try:
        descriptor = os.open(f"{url.database}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise JournalError(f"{name} cannot be opened: {error}") from error
    try:
        _take(descriptor, name)
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int, name: str) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise JournalError(f"{name} is in use by another process; one at a time") from error


def _make_durable(engine: AsyncEngine, pages_max: int | None) -> None:
    @event.listens_for(engine.sync_engine, "connect")
    def configure(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        mode = _ask(connection, "PRAGMA journal_mode=WAL")
        _ask(connection, "PRAGMA synchronous=FULL")
        if (mode, _ask(connection, "PRAGMA synchronous")) != ("wal", _FULL):
            raise JournalError(
                f"the journal is not durable where it is (journal mode {mode}): put it into a "
                "file on a local disk"
            )
        if pages_max is not None:
            _ask(connection, f"PRAGMA max_page_count={pages_max}")


def _ask(connection: DBAPIConnection, pragma: str) -> object:
    cursor = connection.cursor()
    cursor.execute(pragma)
    row = cursor.fetchone()
    cursor.close()
    return row[0] if row else None


async def _keep_document(connection: AsyncConnection, digest: bytes, data: bytes) -> None:
    known = select(_DOCUMENTS.c.digest).where(_DOCUMENTS.c.digest == digest)
    if (await connection.execute(known)).first() is None:
        await connection.execute(insert(_DOCUMENTS).values(digest=digest, data=data))
