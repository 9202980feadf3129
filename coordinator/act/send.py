"""Put transactions on a chain, with the journal always one write ahead."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from chains.base import Call, UnsignedTransaction
from chains.errors import ChainError
from coordinator.act.book import Entry
from coordinator.act.clock import Clock
from coordinator.act.fees import Bid, FeePolicy, Urgency, first_bid, next_bid
from coordinator.act.gas import TRANSACTION
from coordinator.act.intents import Intent
from coordinator.act.journal import Journal
from coordinator.act.lane import Lane
from coordinator.act.lifecycle import Event, State
from coordinator.act.observe import NonceSight
from coordinator.act.records import Attempt, IntentPlanned, Record, Reservation, Transition

__all__ = ["Sender"]


@dataclass(slots=True)
class Sender:
    """Sends for one lane. ``published``: block of the last publication, by intent."""

    lane: Lane
    journal: Journal
    clock: Clock
    fees: FeePolicy
    published: dict[str, int] = field(default_factory=dict)

    async def send(self, intents: Sequence[Intent], sight: NonceSight, urgency: Urgency) -> None:
        """New intents, in nonce order: planned, reserved, signed, then published.

        Sends nothing while the base fee is above what the urgency justifies. Raises ChainError
        (what is journalled goes on later), SignerError, JournalError.
        """
        quote = await self.lane.port.fees()
        bid = first_bid(quote, self.fees, urgency)
        if not intents or bid.fee_cap_wei < quote.base_fee_wei:
            return
        await self._reserve(intents, sight)
        attempts = [await self._signed(self._entry(i.key), bid, sight) for i in intents]
        await self.journal.append(*attempts)
        await self._publish(attempts, sight)

    async def resume(self, entry: Entry, sight: NonceSight, urgency: Urgency) -> None:
        """Publish what is signed; sign first what is only reserved."""
        attempt = entry.attempts[-1] if entry.attempts else None
        if attempt is None:
            bid = first_bid(await self.lane.port.fees(), self.fees, urgency)
            attempt = await self._signed(entry, bid, sight)
            await self.journal.append(attempt)
        await self._publish([attempt], sight)

    async def repeat(self, entry: Entry, sight: NonceSight) -> None:
        """The same bytes again: a node may have dropped them."""
        self.published[entry.key] = sight.latest.number
        await self.lane.publish(entry.attempts[-1].raw)

    async def outbid(self, entry: Entry, sight: NonceSight, urgency: Urgency) -> None:
        """The same transaction with higher fees; the same bytes where the ceiling forbids."""
        quote, last = await self.lane.port.fees(), entry.attempts[-1].bid
        if entry.state is State.SIGNED and last.fee_cap_wei >= quote.base_fee_wei:
            await self._publish(entry.attempts[-1:], sight)
            return
        if entry.state is State.CANCELLING:
            urgency = replace(urgency, backlog_gas=TRANSACTION)
        bid = next_bid(last, quote, self.fees, urgency)
        if bid is None:
            await self.repeat(entry, sight)
            return
        if entry.state is State.CANCELLING:
            await self._spend_empty(entry, bid, sight)
            return
        attempt = await self._signed(entry, bid, sight)
        await self.journal.append(attempt)
        await self._publish([attempt], sight)

    async def cancel(
        self, entry: Entry, sight: NonceSight, urgency: Urgency, *, reason: str
    ) -> None:
        """An empty transaction at the intent's nonce, above every attempt in fees."""
        quote = await self.lane.port.fees()
        urgency = replace(urgency, backlog_gas=TRANSACTION)
        if entry.attempts:
            bid = next_bid(entry.attempts[-1].bid, quote, self.fees, urgency)
        else:
            bid = first_bid(quote, self.fees, urgency)
        if bid is None:
            await self._repeat_if_any(entry, sight)
            return
        if entry.state is not State.CANCELLING:
            await self._note(Event.CANCEL, [entry.key], reason=reason)
        await self._spend_empty(self._entry(entry.key), bid, sight)

    async def _repeat_if_any(self, entry: Entry, sight: NonceSight) -> None:
        if entry.attempts:
            await self.repeat(entry, sight)

    async def _reserve(self, intents: Sequence[Intent], sight: NonceSight) -> None:
        now_ms, book, signer = self.clock.now_ms(), self.journal.book, self.lane.signer.address
        records: list[Record] = []
        async with self.lane.turn:
            nonces = book.free_nonces(
                self.lane.chain_id, signer, spent=sight.nonce_latest, count=len(intents)
            )
            for intent, nonce in zip(intents, nonces, strict=True):
                if intent.key not in book.entries:
                    records.append(IntentPlanned(intent, now_ms))
                    records.append(Transition(intent.key, Event.ATTEST, "", now_ms))
                records.append(Reservation(intent.key, signer, nonce, now_ms))
            await self.journal.append(*records)

    async def _signed(self, entry: Entry, bid: Bid, sight: NonceSight) -> Attempt:
        return await self._attempt(entry, entry.intent.call, entry.intent.gas, bid, sight)

    async def _spend_empty(self, entry: Entry, bid: Bid, sight: NonceSight) -> None:
        nothing = Call(self.lane.signer.address, b"")
        attempt = await self._attempt(entry, nothing, TRANSACTION, bid, sight)
        await self.journal.append(attempt)
        self.published[entry.key] = sight.latest.number
        await self.lane.publish(attempt.raw)

    async def _attempt(
        self, entry: Entry, call: Call, gas: int, bid: Bid, sight: NonceSight
    ) -> Attempt:
        assert entry.nonce is not None, entry.key  # noqa: S101
        asked = UnsignedTransaction(
            chain_id=self.lane.chain_id,
            nonce=entry.nonce,
            call=call,
            gas=gas,
            fee_cap_wei=bid.fee_cap_wei,
            priority_fee_wei=bid.priority_fee_wei,
        )
        signed = await self.lane.sign(asked)
        return Attempt(
            key=entry.key,
            bid=bid,
            is_empty=int(call != entry.intent.call),
            raw=signed.raw,
            hash=signed.hash,
            block=sight.latest.number,
            at_ms=self.clock.now_ms(),
        )

    async def _publish(self, attempts: Sequence[Attempt], sight: NonceSight) -> None:
        out: list[str] = []
        for attempt in attempts:
            try:
                await self.lane.publish(attempt.raw)
            except ChainError:
                await self._note(Event.PUBLISH, out)
                raise
            self.published[attempt.key] = sight.latest.number
            out.append(attempt.key)
        await self._note(Event.PUBLISH, out)

    async def _note(self, event: Event, keys: Sequence[str], *, reason: str = "") -> None:
        now_ms = self.clock.now_ms()
        await self.journal.append(*(Transition(key, event, reason, now_ms) for key in keys))

    def _entry(self, key: str) -> Entry:
        return self.journal.book.entries[key]
