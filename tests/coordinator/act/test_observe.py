"""What a chain shows of a transaction, as events; seeing the same again is no event."""

from functools import reduce
from itertools import product

import pytest

from chains.base import Receipt
from chains.model import BlockRef
from coordinator.act.lifecycle import TABLE, TERMINAL, UNSENT, Event, State
from coordinator.act.observe import NonceSight, Seen, events_of

NONCE = 5


def sight(*, spent_latest=6, final_block=10):
    return NonceSight(
        latest=BlockRef(20, b"\x01" * 32, 20),
        final=BlockRef(final_block, b"\x02" * 32, 10),
        nonce_latest=spent_latest,
        nonce_final=5,
    )


def seen(*, block=12, succeeded=True, is_empty=False):
    receipt = Receipt(b"\x03" * 32, BlockRef(block, b"\x04" * 32, block), 21_000, succeeded)
    return Seen(receipt, is_empty)


def events(state, found=None, **given):
    return list(events_of(state, nonce=NONCE, seen=found, sight=sight(**given)))


IN_POOL = [State.RESERVED, State.SIGNED, State.SENT, State.CANCELLING]


@pytest.mark.parametrize("state", [*UNSENT, *TERMINAL, State.FINAL])
def test_nothing_is_observed_of_what_has_no_nonce_or_is_over(state):
    assert events(state, seen()) == []


@pytest.mark.parametrize("state", IN_POOL)
def test_an_unspent_nonce_without_a_receipt_is_no_news(state):
    assert events(state, spent_latest=5) == []


@pytest.mark.parametrize("state", IN_POOL)
def test_a_spent_nonce_without_a_receipt_of_ours_is_lost(state):
    assert events(state) == [Event.LOSE]


@pytest.mark.parametrize("state", [State.SIGNED, State.SENT, State.CANCELLING])
def test_a_receipt_says_mined_or_reverted_also_right_after_a_crash(state):
    assert events(state, seen()) == [Event.MINE]
    assert events(state, seen(succeeded=False)) == [Event.REVERT]


@pytest.mark.parametrize("succeeded", [True, False])
def test_a_cancelled_nonce_is_clear_once_the_empty_transaction_is_final(succeeded):
    empty = {"is_empty": True, "succeeded": succeeded}
    assert events(State.CANCELLING, seen(block=11, **empty)) == []
    assert events(State.CANCELLING, seen(block=10, **empty)) == [Event.CLEAR]


def test_a_mined_transaction_is_final_at_the_final_block_and_not_above_it():
    assert events(State.MINED, seen(block=11)) == []
    assert events(State.MINED, seen(block=10)) == [Event.FINALISE]


def test_a_mined_transaction_that_disappears_was_reorged_out():
    assert events(State.MINED) == [Event.REORG]
    assert events(State.MINED, seen(succeeded=False)) == [Event.REVERT]
    assert events(State.MINED, seen(is_empty=True)) == [Event.REVERT]


def test_a_lost_nonce_may_come_back_or_turn_out_to_be_ours():
    assert events(State.RECONCILE) == []
    assert events(State.RECONCILE, spent_latest=5) == [Event.REORG]
    assert events(State.RECONCILE, seen()) == [Event.MINE]
    assert events(State.RECONCILE, seen(succeeded=False)) == []
    assert events(State.RECONCILE, seen(is_empty=True)) == []


def test_whatever_is_seen_every_event_is_legal_and_seeing_it_again_is_none():
    sights = [sight(spent_latest=spent, final_block=final) for spent in (5, 6) for final in (9, 30)]
    found = [None, *(seen(succeeded=s, is_empty=e) for s, e in product((True, False), repeat=2))]
    for start, what, where in product(State, found, sights):
        state = start
        is_unsigned = state is State.RESERVED
        is_impossible = what is not None and (where.nonce_latest == NONCE or is_unsigned)
        if is_impossible:
            continue
        for _ in range(3):
            new = events_of(state, nonce=NONCE, seen=what, sight=where)
            state = reduce(lambda before, event: TABLE[before, event], new, state)
        assert not events_of(state, nonce=NONCE, seen=what, sight=where)
