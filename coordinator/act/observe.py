"""From what a chain shows of our transactions to events of the lifecycle. Pure.

Order of reading matters: heads and nonces first, receipts after them. Then a receipt at or below
the FINAL head that was read is final, and a spent nonce without a receipt is not ours.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from chains.base import Receipt
from chains.model import BlockRef
from coordinator.act.lifecycle import IN_FLIGHT, Event, State

__all__ = ["NonceSight", "Seen", "events_of"]


@dataclass(frozen=True, slots=True)
class NonceSight:
    """One chain's heads and the spent nonces of our signer, read together."""

    latest: BlockRef
    final: BlockRef
    nonce_latest: int
    nonce_final: int


@dataclass(frozen=True, slots=True)
class Seen:
    """The attempt of an intent that stands in a block. ``is_empty``: it only spends the nonce."""

    receipt: Receipt
    is_empty: bool


def events_of(state: State, *, nonce: int, seen: Seen | None, sight: NonceSight) -> Sequence[Event]:
    """What happened to an intent since its present state; nothing where nothing changed."""
    if state is State.MINED:
        return _since_mined(seen, sight)
    if state is State.RECONCILE:
        return _since_lost(nonce, seen, sight)
    if state in IN_FLIGHT:
        return _since_sent(state, nonce, seen, sight)
    return ()


def _since_mined(seen: Seen | None, sight: NonceSight) -> Sequence[Event]:
    if seen is None:
        return (Event.REORG,)
    if seen.is_empty or not seen.receipt.succeeded:
        return (Event.REVERT,)
    return (Event.FINALISE,) if _is_final(seen, sight) else ()


def _since_lost(nonce: int, seen: Seen | None, sight: NonceSight) -> Sequence[Event]:
    if seen is not None:
        is_ours_after_all = seen.receipt.succeeded and not seen.is_empty
        return (Event.MINE,) if is_ours_after_all else ()
    return () if sight.nonce_latest > nonce else (Event.REORG,)


def _since_sent(state: State, nonce: int, seen: Seen | None, sight: NonceSight) -> Sequence[Event]:
    if seen is None:
        return (Event.LOSE,) if sight.nonce_latest > nonce else ()
    if not seen.is_empty:
        return (Event.MINE,) if seen.receipt.succeeded else (Event.REVERT,)
    if state is not State.CANCELLING:
        return (Event.LOSE,)
    return (Event.CLEAR,) if _is_final(seen, sight) else ()


def _is_final(seen: Seen, sight: NonceSight) -> bool:
    return seen.receipt.block.number <= sight.final.number
