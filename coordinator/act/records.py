"""What the journal keeps, and the hash chain over it. Pure.

link(n) = sha256(link(n-1) | n as 8 bytes | kind | 0 | body), link(0) = sha256 of the format's name.
Bodies are canonical CBOR. A record never holds a secret: signed bytes are public once sent.
"""

import hashlib
from dataclasses import dataclass
from typing import TypeAlias

from chains.base import Receipt
from coordinator.act.decisions import Decision
from coordinator.act.fees import Bid
from coordinator.act.intents import Intent
from coordinator.act.lifecycle import Event
from coordinator.decide.canonical import CanonicalError, decode, encode
from coordinator.errors import JournalError

__all__ = [
    "FORMAT",
    "GENESIS",
    "Attempt",
    "DecisionTaken",
    "Inclusion",
    "IntentPlanned",
    "PlanAccepted",
    "PlanEnded",
    "Record",
    "Reservation",
    "Row",
    "Transition",
    "link_of",
    "record_of",
    "row_of",
]

FORMAT = "adl.journal/1"
GENESIS = hashlib.sha256(FORMAT.encode()).digest()


@dataclass(frozen=True, slots=True)
class PlanAccepted:
    """A signed plan is ours to carry out. ``digest`` = sha256 of the stored document."""

    epoch: int
    digest: bytes
    threshold: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class IntentPlanned:
    """A new intent, PLANNED."""

    intent: Intent
    at_ms: int


@dataclass(frozen=True, slots=True)
class Reservation:
    """RESERVE: a nonce of a signer belongs to an intent, for ever."""

    key: str
    signer: bytes
    nonce: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """Bytes that may be published from now on; nonce, target and calldata are the intent's.

    ``is_empty`` is 1 for an empty transaction that only spends the nonce. ``block`` = LATEST head
    when it was signed.
    """

    key: str
    bid: Bid
    is_empty: int
    raw: bytes
    hash: bytes
    block: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class Inclusion:
    """MINE, REVERT or FINALISE: where one of our attempts stands."""

    key: str
    event: Event
    hash: bytes
    block_number: int
    block_hash: bytes
    block_time_s: int
    gas_used: int
    at_ms: int

    @classmethod
    def of(cls, key: str, event: Event, receipt: Receipt, *, at_ms: int) -> "Inclusion":
        """The record of a receipt."""
        block = receipt.block
        return cls(
            key,
            event,
            receipt.hash,
            block.number,
            block.hash,
            block.timestamp_s,
            receipt.gas_used,
            at_ms,
        )


@dataclass(frozen=True, slots=True)
class Transition:
    """Any other event, with the reason where there is one to tell."""

    key: str
    event: Event
    reason: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class DecisionTaken:
    """An edge is decided, or void."""

    decision: Decision
    at_ms: int


@dataclass(frozen=True, slots=True)
class PlanEnded:
    """Nothing is left to do for a plan, as of FINAL blocks."""

    epoch: int
    at_ms: int


Record: TypeAlias = (
    PlanAccepted
    | IntentPlanned
    | Reservation
    | Attempt
    | Inclusion
    | Transition
    | DecisionTaken
    | PlanEnded
)

_KINDS: dict[str, type[Record]] = {
    "plan": PlanAccepted,
    "intent": IntentPlanned,
    "reservation": Reservation,
    "attempt": Attempt,
    "inclusion": Inclusion,
    "transition": Transition,
    "decision": DecisionTaken,
    "end": PlanEnded,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


@dataclass(frozen=True, slots=True)
class Row:
    """A record as it is stored; ``sequence`` counts from 1."""

    sequence: int
    kind: str
    body: bytes
    link: bytes


def row_of(record: Record, *, sequence: int, previous: bytes) -> Row:
    """The stored form of a record that follows the link ``previous``."""
    kind, body = _NAMES[type(record)], encode(record)
    link = link_of(previous=previous, sequence=sequence, kind=kind, body=body)
    return Row(sequence, kind, body, link)


def record_of(row: Row) -> Record:
    """The inverse; raises JournalError naming the record."""
    try:
        return decode(_KINDS[row.kind], row.body)
    except (KeyError, CanonicalError) as error:
        raise JournalError(
            f"record {row.sequence} ({row.kind}) is not of format {FORMAT}: {error}; "
            "run `adl recover`"
        ) from error


def link_of(*, previous: bytes, sequence: int, kind: str, body: bytes) -> bytes:
    """Position and content of every record up to this one."""
    content = previous + sequence.to_bytes(8, "big") + kind.encode() + b"\0" + body
    return hashlib.sha256(content).digest()
