"""Which steps want a transaction now, and what to do about one that waits. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from coordinator.act.book import Entry
from coordinator.act.goals import View, holds, is_dead, is_due, open_part
from coordinator.act.lifecycle import IN_FLIGHT, UNSENT, Event, State
from coordinator.act.look import Look

__all__ = ["Remedy", "Wish", "closing_event", "is_closed", "remedy_for", "steps_of", "wishes"]

_DOUBLINGS_MAX = 6

Steps = Mapping[str, Sequence[Entry]]
"""Generations of each step in order, steps in sending order."""


@dataclass(frozen=True, slots=True)
class Wish:
    """``last`` is the newest generation of a step; the next transaction is for ``part`` of it."""

    last: Entry
    part: tuple[int, ...]

    @property
    def is_first_use(self) -> bool:
        """The newest generation was never sent and fits as it is."""
        return self.last.state in UNSENT and self.last.intent.part == self.part


def steps_of(entries: Iterable[Entry]) -> Steps:
    """Entries by step."""
    steps: dict[str, list[Entry]] = {}
    for entry in entries:
        steps.setdefault(entry.intent.step, []).append(entry)
    return steps


def wishes(steps: Steps, look: Look) -> Iterator[Wish]:
    """Steps that are open, due, after what they come after, and have nothing on its way."""
    passed = {step for step, entries in steps.items() if _has_passed(entries, look)}
    for entries in steps.values():
        first, last = entries[0].intent, entries[-1]
        view = look.latest[first.gate]
        is_wanted = not holds(first, view) and not is_dead(first, view) and is_due(first, view)
        if not is_wanted or not passed.issuperset(first.after):
            continue
        if any(_is_on_its_way(entry, look) or _has_ended(entry) for entry in entries):
            continue
        if last.state in UNSENT:
            yield Wish(last, last.intent.part)
        elif _has_cooled(last, look):
            yield Wish(last, open_part(first, view))


def is_closed(entries: Sequence[Entry], final: View) -> bool:
    """Nothing is left to do for a step, as of a FINAL block."""
    first = entries[0].intent
    is_over = holds(first, final) or is_dead(first, final)
    has_ended = any(_has_ended(entry) for entry in entries)
    if any(entry.is_open for entry in entries):
        return False
    return is_over or has_ended


def closing_event(entry: Entry, look: Look) -> Event | None:
    """ACHIEVE or EXPIRE, by what the gate says at FINAL, once the nonce is spent there too.

    Before that a reorg could give the nonce back, and everything behind it would wait for ever.
    """
    if entry.state not in UNSENT | {State.FINAL, State.RECONCILE}:
        return None
    if entry.nonce is not None and look.sight.nonce_final <= entry.nonce:
        return None
    final = look.final[entry.intent.gate]
    if holds(entry.intent, final):
        return Event.ACHIEVE
    return Event.EXPIRE if is_dead(entry.intent, final) else None


class Remedy(StrEnum):
    """What an intent that holds an unspent nonce needs."""

    WAIT = "wait"
    SEND = "send"  # sign if need be and publish, if it still makes sense
    REPEAT = "repeat"  # publish the same bytes again
    RAISE = "raise"  # replace by the same call with higher fees, if it still makes sense
    CANCEL = "cancel"  # spend the nonce on an empty transaction


def remedy_for(entry: Entry, look: Look, *, blocks_waited: int, patience_blocks: int) -> Remedy:
    """Only the lowest unspent nonce can move; those above it are at most published again."""
    is_lowest = entry.nonce == look.sight.nonce_latest
    has_waited = blocks_waited >= patience_blocks
    intent = entry.intent
    latest, final = look.latest[intent.gate], look.final[intent.gate]
    if entry.state is State.CANCELLING:
        if not entry.attempts or not entry.attempts[-1].is_empty:
            return Remedy.CANCEL
        return _if_waited(is_lowest=is_lowest, has_waited=has_waited)
    is_wanted = not holds(intent, latest) and not is_dead(intent, latest)
    if entry.state is not State.SENT or not entry.attempts:
        if not is_wanted:
            return Remedy.CANCEL if is_lowest else Remedy.WAIT
        return Remedy.RAISE if entry.attempts and is_lowest and has_waited else Remedy.SEND
    if is_lowest and (holds(intent, final) or is_dead(intent, final)):
        return Remedy.CANCEL
    return _if_waited(is_lowest=is_lowest, has_waited=has_waited)


def _if_waited(*, is_lowest: bool, has_waited: bool) -> Remedy:
    if not has_waited:
        return Remedy.WAIT
    return Remedy.RAISE if is_lowest else Remedy.REPEAT


def _has_passed(entries: Sequence[Entry], look: Look) -> bool:
    first = entries[0].intent
    is_mined = any(entry.state in (State.MINED, State.FINAL, State.DONE) for entry in entries)
    return is_mined or holds(first, look.latest[first.gate])


def _is_on_its_way(entry: Entry, look: Look) -> bool:
    is_unspent = entry.nonce is not None and entry.nonce >= look.sight.nonce_latest
    return entry.state in IN_FLIGHT and is_unspent


def _has_ended(entry: Entry) -> bool:
    return entry.state in (State.DONE, State.EXPIRED)


def _has_cooled(last: Entry, look: Look) -> bool:
    """A transaction that changed nothing is tried again after 1, 2, 4 ... blocks."""
    if last.inclusion is None:
        return True
    pause = 1 << min(last.intent.generation, _DOUBLINGS_MAX)
    return look.sight.latest.number >= last.inclusion.block_number + pause
