"""A process that dies at a numbered point: its port and its journal's store stop answering.

Whatever was durable before the point stays, nothing after it happens, exactly as after `kill -9`.
"""

from dataclasses import dataclass, field

from chains.base import Call, Level


class Killed(BaseException):
    """The process is gone."""


@dataclass
class Fuse:
    """Counts the points at which a crash matters and blows at one of them (None: never)."""

    at: int | None = None
    points: list[str] = field(default_factory=list)

    def reach(self, name):
        self.check()
        self.points.append(name)
        self.check()

    def check(self):
        if self.at is not None and len(self.points) > self.at:
            raise Killed(self.points[self.at])


@dataclass
class FusedStore:
    """A store that dies before or after a write."""

    inner: object
    fuse: Fuse

    async def rows(self):
        self.fuse.check()
        return await self.inner.rows()

    async def append(self, rows, *, documents):
        names = ",".join(row.kind for row in rows)
        self.fuse.reach(f"before writing {names}")
        await self.inner.append(rows, documents=documents)
        self.fuse.reach(f"after writing {names}")

    async def document(self, digest):
        self.fuse.check()
        return await self.inner.document(digest)

    async def cut(self, sequence):
        self.fuse.reach("before cutting")
        await self.inner.cut(sequence)
        self.fuse.reach("after cutting")


@dataclass
class FusedNode:
    """A node that dies before or after a publication, and checks that each was durable first."""

    inner: object
    fuse: Fuse
    journal: list = field(default_factory=list)

    async def publish(self, raw):
        self.fuse.reach("before publishing")
        book = self.journal[0].book
        durable = {attempt.raw for e in book.entries.values() for attempt in e.attempts}
        assert raw in durable, "published without a durable SIGNED record"
        try:
            await self.inner.publish(raw)
        finally:
            self.fuse.reach("after publishing")

    async def progress(self, epoch, *, chunks, level: Level):
        self.fuse.check()
        return await self.inner.progress(epoch, chunks=chunks, level=level)

    async def edge_side(self, edge, *, level: Level):
        self.fuse.check()
        return await self.inner.edge_side(edge, level=level)

    async def head(self, level: Level):
        self.fuse.check()
        return await self.inner.head(level)

    async def nonce(self, address, *, level: Level):
        self.fuse.check()
        return await self.inner.nonce(address, level=level)

    async def balance_wei(self, address):
        self.fuse.check()
        return await self.inner.balance_wei(address)

    async def fees(self):
        self.fuse.check()
        return await self.inner.fees()

    async def simulate(self, call: Call, *, sender):
        self.fuse.check()
        return await self.inner.simulate(call, sender=sender)

    async def receipt(self, transaction_hash):
        self.fuse.check()
        return await self.inner.receipt(transaction_hash)
