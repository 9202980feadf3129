"""Carry signed plans out: the door of this package.

    async with open_journal(url) as journal:
        executor = Executor(journal, lanes=lanes, signers=verifiers, clock=SystemClock())
        await executor.resume()                     # what a crash left open, first of all
        await executor.submit(document)             # durable; a round ends here
        outcome = await executor.drive(epoch)       # beside the next round, until nothing is left

Exactly once has two halves: this side sends at least once, because nothing is sent before it is
in the journal; the gate's bitmaps take effect at most once.
"""

from collections.abc import Mapping, Sequence

import structlog

from chains.base import GateReader
from chains.errors import ChainError
from chains.legs import Edge
from chains.together import together
from coordinator.act.clock import Clock
from coordinator.act.decisions import decision_intents
from coordinator.act.drive import ChainDrive, Pace
from coordinator.act.intents import Intent, Kind, plan_intents
from coordinator.act.journal import Journal
from coordinator.act.lane import Lane
from coordinator.act.lifecycle import IN_FLIGHT, UNSENT, Event, State
from coordinator.act.outcome import PlanOutcome, outcome_of
from coordinator.act.records import DecisionTaken, IntentPlanned, PlanEnded, Record, Transition
from coordinator.act.settle import DecisionSigner, settle_edge
from coordinator.act.sites import Site, sites_of
from coordinator.decide.publish import PlanDocument
from coordinator.errors import InvariantViolation, SettingsError

__all__ = ["Executor"]

_LOG = structlog.get_logger(__name__)
_MOVES_THE_BOOK = frozenset({Kind.COMMIT, Kind.OPEN_EDGE, Kind.EXECUTE, Kind.CLOSE_PLAN})


class Executor:
    """One node's hands. ``lanes``: one for each chain, ``signers``: the verifiers of decisions."""

    def __init__(
        self,
        journal: Journal,
        *,
        lanes: Sequence[Lane],
        signers: Sequence[DecisionSigner],
        clock: Clock,
        pace: Pace | None = None,
    ) -> None:
        self._journal = journal
        self._lanes: Mapping[int, Lane] = {lane.chain_id: lane for lane in lanes}
        self._signers = tuple(signers)
        self._clock = clock
        self._pace = pace or Pace()
        self._halted = _halted_in(journal)
        self._driven: set[int] = set()

    async def submit(self, document: PlanDocument, *, threshold: int) -> None:
        """Make a signed plan and its intents durable. The same plan again changes nothing.

        Raises DocumentInvalid (too few signatures, headers that do not fit), SettingsError (a
        chain without a lane), JournalError (another plan of this epoch, or not writable).
        """
        epoch = document.plan.epoch
        if epoch in self._journal.book.plans:
            known = await self._journal.document(epoch)
            if known.plan.digest == document.plan.digest:
                return
        self._check_lanes(document)
        intents = plan_intents(document, threshold=threshold)
        now_ms = self._clock.now_ms()
        records = _planned(intents, now_ms)
        await self._journal.accept(document, *records, threshold=threshold, at_ms=now_ms)

    async def drive(self, epoch: int) -> PlanOutcome:
        """Until every intent is DONE, CANCELLED, EXPIRED or HALTED and every edge is settled.

        Raises SignerError, JournalError and InvariantViolation; what chains do is waited out.
        Cancel it at any time: :meth:`resume` goes on from there.
        """
        if epoch in self._driven:
            raise InvariantViolation(f"plan {epoch} is driven already: await that drive instead")
        self._driven.add(epoch)
        try:
            return await self._drive_to_the_end(await self._journal.document(epoch))
        finally:
            self._driven.discard(epoch)

    def executing(self) -> frozenset[int]:
        """Chains on which a plan still has to be mined: no new plan should count on them.

        Whether what was mined has reached the READ level, the next snapshot says itself.
        """
        book = self._journal.book
        return frozenset(
            entry.intent.chain_id
            for epoch in book.open_plans()
            for entry in book.of_plan(epoch)
            if entry.intent.kind in _MOVES_THE_BOOK and entry.state in UNSENT | IN_FLIGHT
        )

    async def execute(self, document: PlanDocument, *, threshold: int) -> PlanOutcome:
        """Submit and drive."""
        await self.submit(document, threshold=threshold)
        return await self.drive(document.plan.epoch)

    async def resume(self) -> tuple[PlanOutcome, ...]:
        """Drive every plan that is not ended, oldest first, all at once."""
        return tuple(await together(self.drive(e) for e in self._journal.book.open_plans()))

    async def _drive_to_the_end(self, document: PlanDocument) -> PlanOutcome:
        self._check_lanes(document)
        epoch, sites = document.plan.epoch, sites_of(document)
        drives = [self._drive(sites, chain) for chain in sorted({s.chain_id for s in sites})]
        edges = [self._settle(document, edge) for edge in document.plan.edges]
        await together([*(drive.run() for drive in drives), *edges])
        if not any(site.chain_id in self._halted for site in sites):
            await self._journal.append(PlanEnded(epoch, self._clock.now_ms()))
        notes = {step: note for drive in drives for step, note in drive.notes.items()}
        return outcome_of(self._journal.book, epoch, notes=notes)

    def _drive(self, sites: tuple[Site, ...], chain_id: int) -> ChainDrive:
        here = tuple(site for site in sites if site.chain_id == chain_id)
        return ChainDrive(
            epoch=here[0].epoch,
            sites=here,
            lane=self._lanes[chain_id],
            journal=self._journal,
            clock=self._clock,
            pace=self._pace,
            halted=self._halted,
        )

    async def _settle(self, document: PlanDocument, edge: Edge) -> None:
        """Wait until the edge is decided; its calls then are intents like all others."""
        book, threshold = self._journal.book, self._journal.book.plans[edge.epoch].threshold
        gates = self._gates()
        while (edge.epoch, edge.box) not in book.decisions:
            if self._halted & {edge.chain_a, edge.chain_b}:
                return
            try:
                decision = await settle_edge(edge, gates, self._signers, threshold=threshold)
            except ChainError as error:
                _LOG.warning("edge waits", epoch=edge.epoch, box=edge.box, reason=str(error))
                decision = None
            if decision is not None:
                now_ms = self._clock.now_ms()
                intents = _planned(decision_intents(document, decision), now_ms)
                await self._journal.append(DecisionTaken(decision, now_ms), *intents)
                return
            await self._clock.sleep_ms(self._pace.poll_ms)

    def _gates(self) -> dict[tuple[int, bytes], GateReader]:
        return {
            (lane.chain_id, address): gate
            for lane in self._lanes.values()
            for address, gate in lane.gates.items()
        }

    def _check_lanes(self, document: PlanDocument) -> None:
        for site in sites_of(document):
            lane = self._lanes.get(site.chain_id)
            if lane is None or site.gate not in lane.gates:
                raise SettingsError(
                    f"plan {site.epoch} has legs on chain {site.chain_id}, gate "
                    f"0x{site.gate.hex()}, for which no executor is set up"
                )


def _planned(intents: Sequence[Intent], now_ms: int) -> list[Record]:
    records: list[Record] = []
    for intent in intents:
        records.append(IntentPlanned(intent, now_ms))
        records.append(Transition(intent.key, Event.ATTEST, "", now_ms))
    return records


def _halted_in(journal: Journal) -> set[int]:
    entries = journal.book.entries.values()
    return {entry.intent.chain_id for entry in entries if entry.state is State.HALTED}
