"""What became of a plan, for the story, the page and `--json`, read off the journal. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from coordinator.act.book import Book, Entry
from coordinator.act.intents import Intent, Kind
from coordinator.act.lifecycle import State

__all__ = ["PlanOutcome", "StepOutcome", "Timings", "TransactionOutcome", "outcome_of"]


@dataclass(frozen=True, slots=True)
class TransactionOutcome:
    """One transaction of ours that stands in a block."""

    chain_id: int
    hash: bytes
    kind: Kind
    number: int
    generation: int
    state: State
    gas_used: int
    block: int
    block_time_s: int


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """One step: the best state of its generations, and the last reason where it is not DONE."""

    chain_id: int
    gate: bytes
    kind: Kind
    number: int
    state: State
    reason: str


@dataclass(frozen=True, slots=True)
class Timings:
    """Milliseconds from the plan's acceptance by the clock; -1 where it did not happen."""

    mined_ms: int
    final_ms: int
    settled_ms: int


@dataclass(frozen=True, slots=True)
class PlanOutcome:
    """``is_complete``: nothing is left to do. ``halted``: chains that broke their finality.

    ``settled_micro``: decided amount by edge box.
    """

    epoch: int
    is_complete: bool
    transactions: tuple[TransactionOutcome, ...]
    steps: tuple[StepOutcome, ...]
    settled_micro: tuple[tuple[int, int], ...]
    halted: tuple[int, ...]
    timings: Timings

    @property
    def is_achieved(self) -> bool:
        """Every step took effect."""
        return self.is_complete and all(step.state is State.DONE for step in self.steps)


_RANK = (
    State.DONE,
    State.FINAL,
    State.MINED,
    State.SENT,
    State.SIGNED,
    State.RESERVED,
    State.ATTESTED,
    State.PLANNED,
    State.RECONCILE,
    State.CANCELLING,
    State.HALTED,
    State.EXPIRED,
    State.CANCELLED,
)
_EXECUTION = frozenset({Kind.COMMIT, Kind.OPEN_EDGE, Kind.EXECUTE})
_SETTLEMENT = frozenset({Kind.REGISTER, Kind.APPLY})


def outcome_of(book: Book, epoch: int, *, notes: Mapping[str, str]) -> PlanOutcome:
    """``notes``: why a step was not sent, by step."""
    entries = list(book.of_plan(epoch))
    return PlanOutcome(
        epoch=epoch,
        is_complete=epoch in book.ended,
        transactions=tuple(_transaction(entry) for entry in entries if entry.inclusion),
        steps=_steps(entries, notes),
        settled_micro=tuple(
            (box, decision.amount_micro)
            for (of, box), decision in sorted(book.decisions.items())
            if of == epoch
        ),
        halted=tuple(sorted({e.intent.chain_id for e in entries if e.state is State.HALTED})),
        timings=_timings(entries, book.plans[epoch].at_ms),
    )


def _transaction(entry: Entry) -> TransactionOutcome:
    assert entry.inclusion is not None, entry.key  # noqa: S101
    return TransactionOutcome(
        chain_id=entry.intent.chain_id,
        hash=entry.inclusion.hash,
        kind=entry.intent.kind,
        number=entry.intent.number,
        generation=entry.intent.generation,
        state=entry.state,
        gas_used=entry.inclusion.gas_used,
        block=entry.inclusion.block_number,
        block_time_s=entry.inclusion.block_time_s,
    )


def _steps(entries: list[Entry], notes: Mapping[str, str]) -> tuple[StepOutcome, ...]:
    best: dict[str, Entry] = {}
    for entry in entries:
        known = best.get(entry.intent.step)
        if known is None or _RANK.index(entry.state) < _RANK.index(known.state):
            best[entry.intent.step] = entry
    return tuple(_step(entry.intent, entry, notes) for entry in best.values())


def _step(intent: Intent, entry: Entry, notes: Mapping[str, str]) -> StepOutcome:
    is_done = entry.state is State.DONE
    reason = "" if is_done else notes.get(intent.step, entry.reason)
    return StepOutcome(
        intent.chain_id, intent.gate, intent.kind, intent.number, entry.state, reason
    )


def _timings(entries: list[Entry], start_ms: int) -> Timings:
    return Timings(
        mined_ms=_last(entries, _EXECUTION, start_ms, is_final=False),
        final_ms=_last(entries, _EXECUTION, start_ms, is_final=True),
        settled_ms=_last(entries, _SETTLEMENT, start_ms, is_final=True),
    )


def _last(entries: list[Entry], kinds: frozenset[Kind], start_ms: int, *, is_final: bool) -> int:
    times = [
        entry.last_event_ms if is_final else entry.mined_ms
        for entry in entries
        if entry.intent.kind in kinds and entry.inclusion is not None
    ]
    return max(times) - start_ms if times else -1
