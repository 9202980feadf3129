"""Drive the intents of one plan on one chain until each of their steps is closed.

One pass = look, write down what happened, then act on what is missing. Nothing is remembered
between passes that a restart could not do without: the journal and the chain say it all, so the
first pass after a crash is a pass like any other.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from chains.errors import (
    BlockReorged,
    ChainStateInvalid,
    ChainUnavailable,
    FinalityViolated,
    TransactionWouldRevert,
)
from chains.together import together
from coordinator.act.book import Entry
from coordinator.act.choose import (
    Remedy,
    Wish,
    closing_event,
    is_closed,
    remedy_for,
    steps_of,
    wishes,
)
from coordinator.act.clock import Clock
from coordinator.act.fees import FeePolicy, Urgency, first_bid
from coordinator.act.goals import is_courtesy
from coordinator.act.intents import Intent, Kind, successor
from coordinator.act.journal import Journal
from coordinator.act.lane import Lane
from coordinator.act.lifecycle import IN_FLIGHT, Event, State
from coordinator.act.look import Look, look_at
from coordinator.act.observe import NonceSight, events_of
from coordinator.act.past import Past
from coordinator.act.records import Inclusion, Record, Transition
from coordinator.act.send import Sender
from coordinator.act.sites import Site

__all__ = ["ChainDrive", "Pace"]

_LOG = structlog.get_logger(__name__)
_TRY_AGAIN = "AccountBound"
"""A refund that waits for another edge of the payer; every other refusal of one is for good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often to look, and how to bid."""

    poll_ms: int = 250
    fees: FeePolicy = field(default_factory=FeePolicy)


@dataclass(slots=True)
class ChainDrive:
    """One plan on one chain. ``notes``: why a step is not sent, by step, for the operator."""

    epoch: int
    sites: tuple[Site, ...]
    lane: Lane
    journal: Journal
    clock: Clock
    pace: Pace
    halted: set[int]
    notes: dict[str, str] = field(default_factory=dict)
    _refused: set[str] = field(default_factory=set)
    _last: object = None
    _sender: Sender = field(init=False)
    _past: Past = field(init=False)

    def __post_init__(self) -> None:
        """One sender for the lane, and what this life has to find as the last one left it."""
        self._sender = Sender(self.lane, self.journal, self.clock, self.pace.fees)
        self._past = Past.of(self._entries())

    async def run(self) -> None:
        """Until nothing is left to do here, or the chain is halted.

        Raises SignerError, JournalError, InvariantViolation; waits out everything else.
        """
        while self.lane.chain_id not in self.halted:
            try:
                if await self._past.is_confirmed(self.lane) and await self._pass():
                    return
            except FinalityViolated as error:
                await self._halt(str(error))
            except (ChainUnavailable, BlockReorged, ChainStateInvalid) as error:
                _LOG.warning("chain waits", chain=self.lane.chain_id, reason=str(error))
            await self.clock.sleep_ms(self.pace.poll_ms)

    async def _pass(self) -> bool:
        sight = await self.lane.sight()
        if self._situation(sight) == self._last:
            return False
        look = await look_at(self.lane, self.sites, self._entries(), sight, settled=self._refused)
        await self._write_down(look)
        await self._close(look)
        if self._is_over(look):
            return True
        await self._revive(look)
        await self._start(look)
        self._last = self._situation(sight)
        return False

    def _situation(self, sight: NonceSight) -> object:
        """While it stays equal, a pass would find and do nothing new."""
        states = [entry.state for entry in self._entries()]
        decisions = len(self.journal.book.decisions)
        return sight, states, decisions, set(self.halted), set(self._refused)

    def _entries(self) -> list[Entry]:
        plan = self.journal.book.of_plan(self.epoch)
        return [entry for entry in plan if entry.intent.chain_id == self.lane.chain_id]

    async def _write_down(self, look: Look) -> None:
        """What happened to our transactions since the last look."""
        records: list[Record] = []
        for entry in self._entries():
            if entry.nonce is None:
                continue
            seen = look.seen.get(entry.key)
            for event in events_of(entry.state, nonce=entry.nonce, seen=seen, sight=look.sight):
                self._log(entry, event)
                if seen is not None and event in (Event.MINE, Event.REVERT, Event.FINALISE):
                    records.append(Inclusion.of(entry.key, event, seen.receipt, at_ms=self._now()))
                else:
                    records.append(Transition(entry.key, event, "", self._now()))
        await self.journal.append(*records)
        gone = [r.key for r in records if isinstance(r, Transition) and r.event is Event.REORG]
        for key in gone:
            await self._rebroadcast(self.journal.book.entries[key], look)

    async def _rebroadcast(self, entry: Entry, look: Look) -> None:
        if entry.attempts:
            await self._sender.repeat(entry, look.sight)

    async def _close(self, look: Look) -> None:
        """DONE and EXPIRED, by what the gates say at FINAL; never while a nonce is unspent."""
        records: list[Record] = []
        for entry in self._entries():
            event = closing_event(entry, look)
            if event is not None:
                self._log(entry, event)
                records.append(Transition(entry.key, event, "", self._now()))
        await self.journal.append(*records)

    def _is_over(self, look: Look) -> bool:
        steps = steps_of(self._entries())
        finals = look.final
        return self._edges_are_settled() and all(
            is_closed(entries, finals[entries[0].intent.gate]) for entries in steps.values()
        )

    def _edges_are_settled(self) -> bool:
        """Decided, or never to be decided because the other chain is halted."""
        decisions = self.journal.book.decisions
        return all(
            (self.epoch, edge.box) in decisions or {edge.chain_a, edge.chain_b} & self.halted
            for site in self.sites
            for edge in site.edges
        )

    async def _revive(self, look: Look) -> None:
        """Transactions whose nonce is not spent yet, lowest first."""
        waiting = [e for e in self._entries() if e.state in IN_FLIGHT and e.nonce is not None]
        for entry in sorted(waiting, key=lambda one: one.nonce or 0):
            if (entry.nonce or 0) >= look.sight.nonce_latest:
                await self._apply(entry, look)

    async def _apply(self, entry: Entry, look: Look) -> None:
        urgency, sight = self._urgency([entry.intent], look), look.sight
        last = entry.attempts[-1].block if entry.attempts else sight.latest.number
        since = self._sender.published.get(entry.key, last)
        remedy = remedy_for(
            entry,
            look,
            blocks_waited=sight.latest.number - since,
            patience_blocks=self.pace.fees.bump_blocks,
        )
        is_empty = entry.state is State.CANCELLING
        if remedy in (Remedy.SEND, Remedy.RAISE) and not is_empty:
            refusal = await self._refusal(entry.intent)
            if refusal and entry.nonce != sight.nonce_latest:
                return
            remedy = Remedy.CANCEL if refusal else remedy
        match remedy:
            case Remedy.SEND:
                await self._sender.resume(entry, sight, urgency)
            case Remedy.REPEAT:
                await self._sender.repeat(entry, sight)
            case Remedy.RAISE:
                await self._sender.outbid(entry, sight, urgency)
            case Remedy.CANCEL:
                reason = self.notes.get(entry.intent.step, "not needed any more")
                await self._sender.cancel(entry, sight, urgency, reason=reason)

    async def _start(self, look: Look) -> None:
        """New transactions for every step that wants one and whose simulation passes."""
        asked = list(wishes(steps_of(self._entries()), look))
        granted = await together(self._grant(wish) for wish in asked)
        intents = [intent for intent in granted if intent is not None]
        if not intents:
            return
        if not await self._is_funded(intents, look):
            intents = [intent for intent in intents if intent.kind is not Kind.COMMIT]
        await self._sender.send(intents, look.sight, self._urgency(intents, look))

    async def _grant(self, wish: Wish) -> Intent | None:
        """The transaction for a wish, or for that part of it which the contract takes."""
        last = wish.last.intent
        site = next(site for site in self.sites if site.gate == last.gate)
        wanted = last if wish.is_first_use else successor(site, last, wish.part)
        refusal = await self._refusal(wanted)
        if refusal is None:
            self._refused.discard(last.step)
            return wanted
        fitting = await self._fitting_part(site, last, wish.part)
        if fitting:
            return successor(site, last, fitting)
        if is_courtesy(last) and _TRY_AGAIN not in refusal:
            self._refused.add(last.step)
        return None

    async def _fitting_part(
        self, site: Site, last: Intent, part: tuple[int, ...]
    ) -> tuple[int, ...]:
        """Words or accounts that pass alone: one that reverts must not block the others."""
        if len(part) < 2:
            return ()
        alone = [successor(site, last, (one,)) for one in part]
        refusals = await together(self._refusal(intent) for intent in alone)
        return tuple(one for one, refusal in zip(part, refusals, strict=True) if refusal is None)

    async def _refusal(self, intent: Intent) -> str | None:
        """Why the call would revert at LATEST, or None. Raises ChainUnavailable."""
        try:
            await self.lane.port.simulate(intent.call, sender=self.lane.signer.address)
        except TransactionWouldRevert as error:
            self.notes[intent.step] = str(error)
            return str(error)
        self.notes.pop(intent.step, None)
        return None

    async def _is_funded(self, intents: Sequence[Intent], look: Look) -> bool:
        """Gas money for every leg of the plan, several times over, before its commit."""
        commits = [intent for intent in intents if intent.kind is Kind.COMMIT]
        if not commits:
            return True
        gas = sum(entry.intent.gas for entry in self._entries() if entry.is_open)
        bid = first_bid(await self.lane.port.fees(), self.pace.fees, self._urgency(commits, look))
        needed = self.pace.fees.reserve_factor * gas * bid.fee_cap_wei
        held = await self.lane.port.balance_wei(self.lane.signer.address)
        if held < needed:
            reason = f"gas money: {held} wei held, {needed} wei wanted; top up the executor"
            self.notes.update({intent.step: reason for intent in commits})
            _LOG.error("gas money is short", chain=self.lane.chain_id, held=held, needed=needed)
        return held >= needed

    def _urgency(self, intents: Sequence[Intent], look: Look) -> Urgency:
        waiting = [entry.intent for entry in self._entries() if entry.state in IN_FLIGHT]
        deadlines = [intent.deadline_s for intent in intents if intent.deadline_s]
        now_s = look.sight.latest.timestamp_s
        return Urgency(
            value_micro=sum(site.header.deficit_micro for site in self.sites)
            + sum(edge.planned_micro for site in self.sites for edge in site.edges),
            seconds_left=max(1, min(deadlines) - now_s) if deadlines else 0,
            backlog_gas=sum(intent.gas for intent in {*waiting, *intents}),
        )

    async def _halt(self, reason: str) -> None:
        _LOG.critical("chain halted", chain=self.lane.chain_id, reason=reason)
        self.halted.add(self.lane.chain_id)
        open_keys = [entry.key for entry in self._entries() if entry.is_open]
        now_ms = self._now()
        await self.journal.append(
            *(Transition(key, Event.HALT, reason, now_ms) for key in open_keys)
        )

    def _now(self) -> int:
        return self.clock.now_ms()

    def _log(self, entry: Entry, event: Event) -> None:
        _LOG.info("intent", key=entry.key, state=str(entry.state), happened=str(event))
