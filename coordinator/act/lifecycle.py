"""The life of one intent: one pure table (state, event) -> state.

Theory of operation
-------------------
An intent is one transaction that should make one step of a plan true. What it is worth is never
read from its receipt: it is DONE when the contract says so at a FINAL block, whoever did it.

The main path goes down: ::

    PLANNED -attest-> ATTESTED -reserve-> RESERVED -sign-> SIGNED -publish-> SENT
            -mine-> MINED -finalise-> FINAL -achieve-> DONE

* ATTESTED has no nonce yet: such an intent may be dropped without a trace.
* From RESERVED on it owns a nonce for ever. It leaves only when that nonce is spent at a FINAL
  block: by itself, by an empty transaction of ours (CANCELLING), or by a stranger.
* SIGNED is written before anything is published; SENT says only that bytes may be out there.
  A replacement with higher fees goes back through SIGNED; so do new bytes where no node took
  the old ones (a fee cap below the base fee).
* MINED may be reorged out and goes back to SENT; FINAL may not: a FINAL transaction that
  disappears halts the chain.
* RECONCILE: the nonce is spent at LATEST without our success (reverted, or a foreign transaction).
  The step goes on with a successor under a fresh nonce, or somebody else does it; either way this
  intent waits here for the gate's word. A reorg may give it its nonce back.
* FINAL and RECONCILE end in DONE when the step's effect stands at a FINAL block, in EXPIRED when
  it never can any more.

Two rules keep this safe under crashes: a state is durable before the effect it allows, and every
event that is seen twice is derived from the present state, so that seeing it again is no event.
An illegal event raises :class:`IllegalEvent` and changes nothing.
"""

from enum import StrEnum
from types import MappingProxyType

from coordinator.errors import InvariantViolation

__all__ = [
    "IN_FLIGHT",
    "SPENT",
    "TABLE",
    "TERMINAL",
    "UNSENT",
    "Event",
    "IllegalEvent",
    "State",
    "advance",
]


class State(StrEnum):
    """Where an intent stands."""

    PLANNED = "planned"
    ATTESTED = "attested"
    RESERVED = "reserved"
    SIGNED = "signed"
    SENT = "sent"
    MINED = "mined"
    FINAL = "final"
    DONE = "done"
    RECONCILE = "reconcile"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    HALTED = "halted"


class Event(StrEnum):
    """What may happen to it."""

    ATTEST = "attest"  # the verifiers' signatures reach the threshold
    RESERVE = "reserve"  # a nonce is taken
    SIGN = "sign"  # raw bytes are durable, first or with higher fees
    PUBLISH = "publish"  # the bytes were handed to a node; nobody knows more
    MINE = "mine"  # one of our attempts stands in a block and succeeded
    REVERT = "revert"  # one of our attempts stands in a block and reverted
    LOSE = "lose"  # the nonce is spent and none of our attempts did it
    REORG = "reorg"  # what spent the nonce is gone
    FINALISE = "finalise"  # the block that holds our attempt is FINAL
    ACHIEVE = "achieve"  # the step's effect stands at a FINAL block
    EXPIRE = "expire"  # the step can never take effect any more, as of a FINAL block
    CANCEL = "cancel"  # an empty transaction shall spend the nonce
    CLEAR = "clear"  # the empty transaction is FINAL
    HALT = "halt"  # the chain broke its finality


class IllegalEvent(InvariantViolation):
    """The event does not exist in this state; a programming error, never data."""


_S, _E = State, Event

TABLE = MappingProxyType(
    {
        (_S.PLANNED, _E.ATTEST): _S.ATTESTED,
        (_S.PLANNED, _E.ACHIEVE): _S.DONE,
        (_S.PLANNED, _E.EXPIRE): _S.EXPIRED,
        (_S.PLANNED, _E.HALT): _S.HALTED,
        (_S.ATTESTED, _E.RESERVE): _S.RESERVED,
        (_S.ATTESTED, _E.ACHIEVE): _S.DONE,
        (_S.ATTESTED, _E.EXPIRE): _S.EXPIRED,
        (_S.ATTESTED, _E.HALT): _S.HALTED,
        (_S.RESERVED, _E.SIGN): _S.SIGNED,
        (_S.RESERVED, _E.LOSE): _S.RECONCILE,
        (_S.RESERVED, _E.CANCEL): _S.CANCELLING,
        (_S.RESERVED, _E.HALT): _S.HALTED,
        (_S.SIGNED, _E.SIGN): _S.SIGNED,
        (_S.SIGNED, _E.PUBLISH): _S.SENT,
        (_S.SIGNED, _E.MINE): _S.MINED,
        (_S.SIGNED, _E.REVERT): _S.RECONCILE,
        (_S.SIGNED, _E.LOSE): _S.RECONCILE,
        (_S.SIGNED, _E.CANCEL): _S.CANCELLING,
        (_S.SIGNED, _E.HALT): _S.HALTED,
        (_S.SENT, _E.SIGN): _S.SIGNED,
        (_S.SENT, _E.MINE): _S.MINED,
        (_S.SENT, _E.REVERT): _S.RECONCILE,
        (_S.SENT, _E.LOSE): _S.RECONCILE,
        (_S.SENT, _E.CANCEL): _S.CANCELLING,
        (_S.SENT, _E.HALT): _S.HALTED,
        (_S.MINED, _E.REORG): _S.SENT,
        (_S.MINED, _E.REVERT): _S.RECONCILE,
        (_S.MINED, _E.FINALISE): _S.FINAL,
        (_S.MINED, _E.HALT): _S.HALTED,
        (_S.FINAL, _E.ACHIEVE): _S.DONE,
        (_S.FINAL, _E.EXPIRE): _S.EXPIRED,
        (_S.FINAL, _E.HALT): _S.HALTED,
        (_S.RECONCILE, _E.MINE): _S.MINED,
        (_S.RECONCILE, _E.REORG): _S.SENT,
        (_S.RECONCILE, _E.ACHIEVE): _S.DONE,
        (_S.RECONCILE, _E.EXPIRE): _S.EXPIRED,
        (_S.RECONCILE, _E.HALT): _S.HALTED,
        (_S.CANCELLING, _E.MINE): _S.MINED,
        (_S.CANCELLING, _E.REVERT): _S.RECONCILE,
        (_S.CANCELLING, _E.LOSE): _S.RECONCILE,
        (_S.CANCELLING, _E.CLEAR): _S.CANCELLED,
        (_S.CANCELLING, _E.HALT): _S.HALTED,
    }
)

TERMINAL = frozenset({_S.DONE, _S.CANCELLED, _S.EXPIRED, _S.HALTED})
"""Nothing happens any more."""

UNSENT = frozenset({_S.PLANNED, _S.ATTESTED})
"""No nonce: nothing can be out there."""

IN_FLIGHT = frozenset({_S.RESERVED, _S.SIGNED, _S.SENT, _S.CANCELLING})
"""The nonce is ours and not spent: everything behind it waits."""

SPENT = frozenset({_S.MINED, _S.FINAL, _S.RECONCILE})
"""The nonce is spent at LATEST; the step may need a successor."""


def advance(state: State, event: Event) -> State:
    """The next state; raises IllegalEvent."""
    following = TABLE.get((state, event))
    if following is None:
        raise IllegalEvent(f"an intent that is {state} cannot {event}")
    return following
