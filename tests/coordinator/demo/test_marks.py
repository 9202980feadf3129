from dataclasses import replace

import numpy as np

from chains.model import InstrumentKind, MarkColumns, read_only
from coordinator.decide.policy import Policy
from coordinator.decide.pricing import Doubt, price
from coordinator.decide.snapshot import Carried, Snapshot
from coordinator.demo.board import Board
from coordinator.demo.market import CRASH, CRASH_S, OPENED_S, listing, market_after
from coordinator.demo.marks import Marks, marks_on, unposted_venue


def test_a_perpetual_is_marked_at_the_index_of_its_lot(crashed: Marks) -> None:
    assert crashed.marks[:2].tolist() == [620_931_415, 126_664_830]


def test_the_coordinator_finds_its_own_value_in_every_mark(crashed: Marks) -> None:
    market, policy = market_after(CRASH, observed_s=CRASH_S), Policy()
    times = read_only([crashed.time_s] * len(listing()))
    no_funding = read_only([0] * len(listing()))
    posted = MarkColumns(crashed.marks, crashed.mm_per_lots, crashed.bands, times, no_funding)
    venue = replace(unposted_venue(listing(), at_s=CRASH_S), marks=posted)
    pricing = price(Snapshot((venue,), market, Carried(), ()), policy)
    assert set(pricing.doubts[0].tolist()) == {Doubt.NO}
    fair = pricing.values[pricing.rows[0], pricing.grid.base]
    assert fair.tolist() == crashed.marks.tolist()


def test_marks_do_not_depend_on_the_order_of_the_listing(board: Board) -> None:
    market = market_after(CRASH, observed_s=CRASH_S)
    backwards = marks_on(listing()[::-1], market, Policy())
    forwards = marks_on(listing(), market, Policy())
    for column in ("marks", "mm_per_lots", "bands", "deltas"):
        assert getattr(backwards, column)[::-1].tolist() == getattr(forwards, column).tolist()


def test_bands_are_two_percent_of_the_mark_but_never_below_their_floor(board: Board) -> None:
    opening = board.opening
    assert opening.time_s == OPENED_S
    assert opening.bands[0] == 955_279_100 * 2 // 100
    options = [n for n, one in enumerate(listing()) if one.kind is InstrumentKind.OPTION]
    bitcoin = [n for n in options if listing()[n].underlying == "BTC"]
    assert int(opening.bands[bitcoin].min()) == 955_279_100 * 500 // 1_000_000


def test_a_put_gains_and_a_call_loses_in_the_crash(board: Board, crashed: Marks) -> None:
    change = crashed.marks - board.opening.marks
    rights = np.array([int(one.right) for one in listing()])
    kinds = np.array([int(one.kind) for one in listing()])
    assert (change[(kinds == 0) & (rights == 1)] > 0).all()
    assert (change[kinds == 1] < 0).all()
