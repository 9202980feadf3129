"""What is sent next and what is done about a waiting nonce, for every situation by itself."""

from dataclasses import replace

import pytest

from chains.base import EdgeSide, PlanProgress
from chains.model import BlockRef
from chains.simulated.worlds import GENESIS_S
from coordinator.act.book import Entry
from coordinator.act.choose import Remedy, closing_event, is_closed, remedy_for, steps_of, wishes
from coordinator.act.fees import Bid
from coordinator.act.goals import View, holds, is_dead, is_due, open_part
from coordinator.act.intents import Kind, plan_intents
from coordinator.act.lifecycle import Event, State
from coordinator.act.look import Look
from coordinator.act.observe import NonceSight
from coordinator.act.records import Attempt, Inclusion
from tests.coordinator.act.scenes import (
    CHAIN_A,
    WINDOW_S,
    short_call_bankrupt__one_winner_here__two_there,
)

DOCUMENT = short_call_bankrupt__one_winner_here__two_there().document
HEADER = DOCUMENT.headers[0]
INTENTS = [i for i in plan_intents(DOCUMENT, threshold=3) if i.chain_id == CHAIN_A]
COMMIT, CHUNK_0, CHUNK_1, PREPARE, CLOSE, REFUND = INTENTS
IN_TIME, LATE = GENESIS_S + 10, GENESIS_S + WINDOW_S + 1
NONCE = 5


def view(
    *,
    committed=True,
    closed=False,
    bits=(0, 0),
    root=HEADER.plan_root,
    now_s=IN_TIME,
    side=0,
    settled=(),
):
    block = BlockRef(100, bytes(32), now_s)
    done = sum(chunk.bit_count() for chunk in bits)
    progress = PlanProgress(committed, closed, root, done, bits, block)
    sides = {1: EdgeSide(side, False, 0, block)}
    return View(HEADER, progress, sides, frozenset(settled))


NOTHING = view(committed=False, root=bytes(32))
FOREIGN = view(root=b"\x09" * 32)


def look(latest, final=NOTHING, *, spent=NONCE):
    block = BlockRef(100, bytes(32), latest.now_s)
    sight = NonceSight(latest=block, final=block, nonce_latest=spent, nonce_final=0)
    return Look(sight, {}, {COMMIT.gate: latest}, {COMMIT.gate: final})


def entry(intent, state=State.ATTESTED, *, nonce=None, attempts=(), block=None):
    inclusion = None
    if block is not None:
        inclusion = Inclusion(intent.key, Event.MINE, b"", block, b"", 0, 0, 0)
    return Entry(intent, state, 0, nonce=nonce, attempts=attempts, inclusion=inclusion)


def attempt(intent, *, is_empty=0):
    return Attempt(intent.key, Bid(2, 1), is_empty, b"", b"", 90, 0)


def wished(entries, latest, **given):
    return [(w.last.intent.kind, w.part) for w in wishes(steps_of(entries), look(latest, **given))]


TAKEN = view(bits=(0b11, 0))
FRESH = [entry(intent) for intent in INTENTS]
COMMITTED = [entry(COMMIT, State.MINED, nonce=0, block=99), *FRESH[1:]]


# ------------------------------------------------------------------------------ goals


@pytest.mark.parametrize("intent", INTENTS)
def test_nothing_holds_of_a_plan_that_was_never_committed(intent):
    assert not holds(intent, NOTHING)


def test_a_plan_of_the_same_epoch_that_is_not_ours_holds_nothing_and_ends_the_commit():
    assert not holds(COMMIT, FOREIGN)
    assert not holds(CHUNK_0, FOREIGN)
    assert is_dead(COMMIT, FOREIGN)


def test_a_chunk_holds_once_all_of_its_own_words_are_terminal():
    assert not holds(CHUNK_1, view(bits=(0b11, 0b01)))
    assert open_part(CHUNK_1, view(bits=(0b11, 0b01))) == (1,)
    assert holds(CHUNK_1, view(bits=(0, 0b11)))
    assert holds(replace(CHUNK_1, part=(0,)), view(bits=(0, 0b01)))


def test_an_edge_step_holds_from_its_state_on():
    register = replace(PREPARE, kind=Kind.REGISTER, deadline_s=0)
    assert [holds(PREPARE, view(side=s)) for s in range(5)] == [False, True, True, True, True]
    assert [holds(register, view(side=s)) for s in range(5)] == [False, False, False, True, True]


def test_a_refund_holds_once_its_plan_is_closed_and_the_contract_refuses_it():
    assert not holds(REFUND, view(closed=True))
    assert not holds(REFUND, view(settled=[REFUND.step]))
    assert holds(REFUND, view(closed=True, settled=[REFUND.step]))


@pytest.mark.parametrize("intent", [COMMIT, CHUNK_0, PREPARE])
def test_what_has_a_deadline_is_dead_one_second_after_it(intent):
    assert not is_dead(intent, view(committed=True, now_s=LATE - 1))
    assert is_dead(intent, view(committed=True, now_s=LATE))


def test_a_closed_plan_executes_nothing_more_but_still_settles():
    assert is_dead(CHUNK_0, view(closed=True))
    assert not is_dead(replace(PREPARE, kind=Kind.APPLY, deadline_s=0), view(closed=True))


def test_closing_is_dead_only_for_a_plan_that_never_came():
    assert not is_dead(CLOSE, view(now_s=LATE))
    assert not is_dead(CLOSE, NOTHING)
    assert is_dead(CLOSE, view(committed=False, now_s=LATE))


def test_closing_is_due_when_every_leg_is_terminal_or_the_time_is_over():
    assert not is_due(CLOSE, view(bits=(0b11, 0b01)))
    assert is_due(CLOSE, view(bits=(0b11, 0b11)))
    assert is_due(CLOSE, view(now_s=LATE))


def test_a_commit_is_not_due_before_its_time():
    assert not is_due(COMMIT, view(now_s=HEADER.not_before_s - 1))
    assert is_due(COMMIT, view(now_s=HEADER.not_before_s))


# ------------------------------------------------------------------------------ wishes


def test_only_the_commit_is_wished_at_first():
    assert wished(FRESH, NOTHING) == [(Kind.COMMIT, ())]


def test_after_the_commit_all_chunks_are_wished_at_once():
    assert wished(COMMITTED, view()) == [(Kind.EXECUTE, (0, 1)), (Kind.EXECUTE, (0, 1))]


def test_a_commit_by_somebody_else_is_as_good():
    assert wished(FRESH, view()) == [(Kind.EXECUTE, (0, 1)), (Kind.EXECUTE, (0, 1))]


def test_the_edge_is_prepared_once_every_chunk_went_through_whether_or_not_a_leg_was_refused():
    entries = [
        COMMITTED[0],
        *(entry(c, State.MINED, nonce=1, block=100) for c in INTENTS[1:3]),
        *FRESH[3:],
    ]
    assert wished(entries, view(bits=(0b11, 0b01))) == [(Kind.PREPARE, ())]


def test_a_step_with_a_transaction_on_its_way_is_not_wished_again():
    for state in (State.RESERVED, State.SIGNED, State.SENT, State.CANCELLING):
        entries = [COMMITTED[0], entry(CHUNK_0, state, nonce=NONCE), *FRESH[2:]]
        assert wished(entries, view()) == [(Kind.EXECUTE, (0, 1))]


def test_refused_legs_are_wished_again_alone_and_ever_later():
    again = replace(CHUNK_0, generation=3, part=(1,))
    for block, is_wished in ((91, True), (92, True), (93, False), (100, False)):
        last = entry(again, State.MINED, nonce=1, block=block)
        entries = [COMMITTED[0], entry(CHUNK_0, State.MINED, nonce=0, block=80), last]
        wanted = [(Kind.EXECUTE, (1,))] if is_wished else []
        assert wished(entries, view(bits=(0b01, 0b11))) == wanted


def test_a_lost_nonce_is_wished_again_at_once():
    entries = [COMMITTED[0], entry(CHUNK_0, State.RECONCILE, nonce=1)]
    assert wished(entries, view()) == [(Kind.EXECUTE, (0, 1))]


def test_nothing_is_wished_of_a_plan_that_is_late_or_already_ended():
    assert wished(FRESH, view(committed=False, now_s=LATE)) == []
    ended = [entry(COMMIT, State.DONE, nonce=0, block=90), entry(CHUNK_0, State.DONE, nonce=1)]
    assert wished(ended, NOTHING) == []


def test_a_step_is_closed_when_nothing_is_open_and_the_final_block_agrees():
    cancelled = entry(CHUNK_0, State.CANCELLED, nonce=1)
    assert not is_closed([cancelled], view())
    assert is_closed([cancelled], view(bits=(0b11, 0)))
    assert is_closed([cancelled], view(now_s=LATE))
    assert not is_closed([cancelled, entry(CHUNK_0)], view(now_s=LATE))
    assert is_closed([entry(CHUNK_0, State.DONE, nonce=1)], NOTHING)


# ------------------------------------------------------------------------------ closing


def closing(one, final, *, spent_final=NONCE + 1):
    here = look(view(), final)
    return closing_event(one, replace(here, sight=replace(here.sight, nonce_final=spent_final)))


@pytest.mark.parametrize("state", [State.FINAL, State.RECONCILE])
def test_a_step_that_holds_is_not_done_before_the_nonce_is_spent_in_a_final_block(state):
    one = entry(CHUNK_0, state, nonce=NONCE)
    assert closing(one, TAKEN, spent_final=NONCE) is None
    assert closing(one, TAKEN) is Event.ACHIEVE
    assert closing(one, view(now_s=LATE), spent_final=NONCE) is None
    assert closing(one, view(now_s=LATE)) is Event.EXPIRE
    assert closing(one, view()) is None


def test_an_intent_without_a_nonce_ends_with_its_step():
    assert closing(entry(CHUNK_0), TAKEN, spent_final=0) is Event.ACHIEVE
    assert closing(entry(CHUNK_0), view(now_s=LATE), spent_final=0) is Event.EXPIRE


@pytest.mark.parametrize("state", [State.RESERVED, State.SIGNED, State.SENT, State.MINED])
def test_an_intent_on_its_way_is_not_ended_by_its_step(state):
    assert closing(entry(CHUNK_0, state, nonce=NONCE), TAKEN) is None


# ------------------------------------------------------------------------------ remedies


def remedy(one, latest, final=NOTHING, *, waited=0, spent=NONCE):
    return remedy_for(
        one, look(latest, final, spent=spent), blocks_waited=waited, patience_blocks=3
    )


RESERVED = entry(CHUNK_0, State.RESERVED, nonce=NONCE)
SIGNED = entry(CHUNK_0, State.SIGNED, nonce=NONCE, attempts=(attempt(CHUNK_0),))
SENT = replace(SIGNED, state=State.SENT)
CANCELLING = replace(SIGNED, state=State.CANCELLING)
EMPTIED = replace(CANCELLING, attempts=(attempt(CHUNK_0), attempt(CHUNK_0, is_empty=1)))


@pytest.mark.parametrize("one", [RESERVED, SIGNED])
def test_what_was_not_sent_is_sent_if_it_is_still_wanted(one):
    assert remedy(one, view()) is Remedy.SEND
    assert remedy(one, TAKEN) is Remedy.CANCEL
    assert remedy(one, view(now_s=LATE)) is Remedy.CANCEL


@pytest.mark.parametrize("one", [RESERVED, SIGNED])
def test_an_unwanted_nonce_is_cancelled_only_once_it_is_the_next_one(one):
    assert remedy(one, TAKEN, spent=NONCE - 1) is Remedy.WAIT


def test_bytes_that_no_node_takes_are_outbid_after_a_while():
    assert remedy(SIGNED, view(), waited=3) is Remedy.RAISE
    assert remedy(SIGNED, view(), waited=3, spent=NONCE - 1) is Remedy.SEND


def test_only_the_next_nonce_is_outbid_those_behind_it_are_published_again():
    assert remedy(SENT, view(), waited=2) is Remedy.WAIT
    assert remedy(SENT, view(), waited=3) is Remedy.RAISE
    assert remedy(SENT, view(), waited=3, spent=NONCE - 1) is Remedy.REPEAT


def test_what_was_sent_is_cancelled_only_on_the_word_of_a_final_block():
    assert remedy(SENT, TAKEN) is Remedy.WAIT
    assert remedy(SENT, TAKEN, TAKEN) is Remedy.CANCEL
    assert remedy(SENT, view(now_s=LATE), view(now_s=LATE)) is Remedy.CANCEL


def test_a_cancellation_without_its_empty_transaction_gets_one():
    assert remedy(CANCELLING, TAKEN) is Remedy.CANCEL
    assert remedy(replace(CANCELLING, attempts=()), TAKEN) is Remedy.CANCEL


def test_a_waiting_empty_transaction_is_outbid_like_any_other():
    assert remedy(EMPTIED, TAKEN, waited=2) is Remedy.WAIT
    assert remedy(EMPTIED, TAKEN, waited=3) is Remedy.RAISE
    assert remedy(EMPTIED, TAKEN, waited=3, spent=NONCE - 1) is Remedy.REPEAT


def test_a_nonce_given_back_before_anything_was_signed_is_signed():
    assert remedy(replace(SENT, attempts=()), view()) is Remedy.SEND
