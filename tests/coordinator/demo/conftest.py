import pytest

from coordinator.decide.policy import Policy
from coordinator.demo.board import Board
from coordinator.demo.market import CALM, CRASH, CRASH_S, OPENED_S, listing, market_after
from coordinator.demo.marks import Marks, marks_on

POLICY = Policy()


@pytest.fixture(scope="session")
def board() -> Board:
    opening = marks_on(listing(), market_after(CALM, observed_s=OPENED_S), POLICY)
    return Board(listing(), opening, POLICY.im_factor_ppm)


@pytest.fixture(scope="session")
def crashed() -> Marks:
    return marks_on(listing(), market_after(CRASH, observed_s=CRASH_S), POLICY)
