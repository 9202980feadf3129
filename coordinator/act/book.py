"""What the journal says, folded into the present state of every intent.

Folding checks each record against the lifecycle and against the nonces; what does not fit raises
and changes nothing, so a record that was never legal is never written.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from coordinator.act.decisions import Decision
from coordinator.act.intents import Intent
from coordinator.act.lifecycle import TERMINAL, Event, State, advance
from coordinator.act.records import (
    Attempt,
    DecisionTaken,
    Inclusion,
    IntentPlanned,
    PlanAccepted,
    PlanEnded,
    Record,
    Reservation,
    Transition,
)
from coordinator.errors import JournalError

__all__ = ["Book", "Draft", "Entry"]

_Signer = tuple[int, bytes]


@dataclass(frozen=True, slots=True)
class Entry:
    """One intent with its history. ``nonce`` is None while UNSENT."""

    intent: Intent
    state: State
    planned_ms: int
    signer: bytes = b""
    nonce: int | None = None
    attempts: tuple[Attempt, ...] = ()
    inclusion: Inclusion | None = None
    mined_ms: int = 0
    last_event_ms: int = 0
    reason: str = ""

    @property
    def key(self) -> str:
        """Of its intent."""
        return self.intent.key

    @property
    def is_open(self) -> bool:
        """Something may still happen to it."""
        return self.state not in TERMINAL


@dataclass(slots=True)
class Book:
    """The present. Entries are frozen and replaced; ``keys``: intents by epoch, as planned."""

    entries: dict[str, Entry] = field(default_factory=dict)
    plans: dict[int, PlanAccepted] = field(default_factory=dict)
    ended: dict[int, PlanEnded] = field(default_factory=dict)
    decisions: dict[tuple[int, int], Decision] = field(default_factory=dict)
    nonces: dict[_Signer, dict[int, str]] = field(default_factory=dict)
    keys: dict[int, dict[str, None]] = field(default_factory=dict)

    def apply(self, records: Iterable[Record]) -> None:
        """All of them or none; raises IllegalEvent or JournalError."""
        self.draft(records).publish()

    def draft(self, records: Iterable[Record]) -> "Draft":
        """The same, not yet published."""
        draft = Draft(self)
        for record in records:
            draft.add(record)
        return draft

    def of_plan(self, epoch: int) -> Iterator[Entry]:
        """Every intent of a plan in the order it was planned."""
        return (self.entries[key] for key in tuple(self.keys.get(epoch, ())))

    def open_plans(self) -> tuple[int, ...]:
        """Epochs that are not ended, ascending."""
        return tuple(sorted(set(self.plans) - set(self.ended)))

    def free_nonces(
        self, chain_id: int, signer: bytes, *, spent: int, count: int
    ) -> tuple[int, ...]:
        """The lowest ``count`` nonces from ``spent`` on that no intent ever owned."""
        owned: Mapping[int, str] = self.nonces.get((chain_id, signer), {})
        unowned = (nonce for nonce in itertools.count(spent) if nonce not in owned)
        return tuple(itertools.islice(unowned, count))


class Draft:
    """Checked changes on top of a book; nobody sees them before they are published."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._entries: dict[str, Entry] = {}
        self._nonces: dict[tuple[_Signer, int], str] = {}
        self._others: list[PlanAccepted | PlanEnded | DecisionTaken] = []

    def add(self, record: Record) -> None:
        """Raises IllegalEvent or JournalError."""
        match record:
            case IntentPlanned():
                self._plan(record)
            case Reservation():
                self._reserve(record)
            case Attempt():
                self._attempt(record)
            case Inclusion():
                self._include(record)
            case Transition():
                self._transition(record)
            case PlanAccepted() | PlanEnded() | DecisionTaken():
                self._check_new(record)
                self._others.append(record)

    def publish(self) -> None:
        """Put the changes into the book."""
        book = self._book
        for key, entry in self._entries.items():
            book.entries[key] = entry
            book.keys.setdefault(entry.intent.epoch, {})[key] = None
        for (signer, nonce), key in self._nonces.items():
            book.nonces.setdefault(signer, {})[nonce] = key
        for other in self._others:
            match other:
                case PlanAccepted():
                    book.plans[other.epoch] = other
                case PlanEnded():
                    book.ended[other.epoch] = other
                case DecisionTaken(decision=decision):
                    book.decisions[decision.epoch, decision.box] = decision

    def _plan(self, record: IntentPlanned) -> None:
        key = record.intent.key
        if self._known(key) is not None:
            raise JournalError(f"intent {key} is in the journal already")
        self._entries[key] = Entry(record.intent, State.PLANNED, record.at_ms)

    def _reserve(self, record: Reservation) -> None:
        entry = self._advanced(record.key, Event.RESERVE, record.at_ms)
        signer = (entry.intent.chain_id, record.signer)
        owner = self._nonces.get((signer, record.nonce)) or self._book.nonces.get(signer, {}).get(
            record.nonce
        )
        if owner is not None:
            raise JournalError(f"nonce {record.nonce} of {record.key} belongs to {owner} already")
        self._nonces[signer, record.nonce] = record.key
        self._entries[record.key] = replace(entry, signer=record.signer, nonce=record.nonce)

    def _attempt(self, record: Attempt) -> None:
        entry = self._entry(record.key)
        if not record.is_empty:
            entry = self._advanced(record.key, Event.SIGN, record.at_ms)
        elif entry.state is not State.CANCELLING:
            raise JournalError(f"{record.key} is {entry.state}: no empty transaction belongs to it")
        self._entries[record.key] = replace(entry, attempts=(*entry.attempts, record))

    def _include(self, record: Inclusion) -> None:
        entry = self._advanced(record.key, record.event, record.at_ms)
        mined_ms = record.at_ms if record.event is Event.MINE else entry.mined_ms
        self._entries[record.key] = replace(entry, inclusion=record, mined_ms=mined_ms)

    def _transition(self, record: Transition) -> None:
        entry = self._advanced(record.key, record.event, record.at_ms)
        if record.event in (Event.REORG, Event.LOSE):
            entry = replace(entry, inclusion=None)
        self._entries[record.key] = replace(entry, reason=record.reason or entry.reason)

    def _advanced(self, key: str, event: Event, at_ms: int) -> Entry:
        entry = self._entry(key)
        return replace(entry, state=advance(entry.state, event), last_event_ms=at_ms)

    def _entry(self, key: str) -> Entry:
        entry = self._known(key)
        if entry is None:
            raise JournalError(f"intent {key} is not in the journal")
        return entry

    def _known(self, key: str) -> Entry | None:
        return self._entries.get(key) or self._book.entries.get(key)

    def _check_new(self, record: PlanAccepted | PlanEnded | DecisionTaken) -> None:
        book = self._book
        match record:
            case PlanAccepted(epoch=epoch) if epoch in book.plans:
                raise JournalError(f"plan {epoch} is in the journal already")
            case PlanEnded(epoch=epoch):
                self._check_over(epoch)
            case DecisionTaken(decision=decision):
                if (decision.epoch, decision.box) in book.decisions:
                    raise JournalError(f"edge {decision.epoch}/{decision.box} is decided already")

    def _check_over(self, epoch: int) -> None:
        left = [entry.key for entry in self._book.of_plan(epoch) if entry.is_open]
        if left or epoch not in self._book.plans:
            raise JournalError(f"plan {epoch} cannot end: {left[:1] or 'not in the journal'}")
