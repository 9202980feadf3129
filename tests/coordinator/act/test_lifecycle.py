"""The table of an intent's life, taken whole."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.act.lifecycle import (
    IN_FLIGHT,
    SPENT,
    TABLE,
    TERMINAL,
    UNSENT,
    Event,
    IllegalEvent,
    State,
    advance,
)

MAIN_PATH = (
    (Event.ATTEST, State.ATTESTED),
    (Event.RESERVE, State.RESERVED),
    (Event.SIGN, State.SIGNED),
    (Event.PUBLISH, State.SENT),
    (Event.MINE, State.MINED),
    (Event.FINALISE, State.FINAL),
    (Event.ACHIEVE, State.DONE),
)


@pytest.mark.parametrize(("state", "event"), list(product(State, Event)))
def test_every_pair_is_in_the_table_or_refused(state, event):
    if (state, event) in TABLE:
        assert advance(state, event) is TABLE[state, event]
        return
    with pytest.raises(IllegalEvent, match=f"an intent that is {state} cannot {event}"):
        advance(state, event)


def test_the_main_path_leads_from_planned_to_done():
    state = State.PLANNED
    for event, expected in MAIN_PATH:
        state = advance(state, event)
        assert state is expected


def test_nothing_happens_to_a_terminal_intent():
    assert {state for state, _ in TABLE} & TERMINAL == set()
    assert {State.DONE, State.CANCELLED, State.EXPIRED, State.HALTED} == TERMINAL


def test_every_state_is_reached_and_every_other_state_is_left():
    assert set(TABLE.values()) | {State.PLANNED} == set(State)
    assert {state for state, _ in TABLE} == set(State) - TERMINAL


def test_every_event_is_used():
    assert {event for _, event in TABLE} == set(Event)


def test_states_with_and_without_a_nonce_do_not_overlap():
    groups = (UNSENT, IN_FLIGHT, SPENT, TERMINAL)
    assert sum(len(group) for group in groups) == len(State)
    assert frozenset().union(*groups) == frozenset(State)


def test_done_comes_only_from_what_the_gate_said():
    assert {event for (_, event), to in TABLE.items() if to is State.DONE} == {Event.ACHIEVE}


def test_an_intent_that_owns_a_nonce_ends_only_after_the_nonce_was_spent_or_the_chain_halted():
    endings = {
        (state, event)
        for (state, event), to in TABLE.items()
        if to in TERMINAL and state in IN_FLIGHT and event is not Event.HALT
    }
    assert endings == {(State.CANCELLING, Event.CLEAR)}


def test_a_halt_ends_every_open_intent():
    for state in set(State) - TERMINAL:
        assert advance(state, Event.HALT) is State.HALTED


def test_only_signing_again_leaves_an_intent_where_it_was():
    loops = [(state, event) for (state, event), to in TABLE.items() if state is to]
    assert loops == [(State.SIGNED, Event.SIGN)]


@given(st.lists(st.sampled_from(Event), max_size=60))
def test_an_illegal_event_changes_nothing_and_what_follows_is_as_if_it_never_came(events):
    state, legal = State.PLANNED, []
    for event in events:
        try:
            state = advance(state, event)
        except IllegalEvent:
            continue
        legal.append(event)
    again = State.PLANNED
    for event in legal:
        again = advance(again, event)
    assert again is state
