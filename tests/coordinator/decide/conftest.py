"""Snapshots of the shipped worlds, priced on a flat surface."""

from collections.abc import Callable

import pytest

from chains.simulated.chain import SimulatedChain
from chains.simulated.snapshot import chain_state
from chains.simulated.worlds import GENESIS_S
from coordinator.decide.policy import Policy
from coordinator.decide.snapshot import Carried, Snapshot
from kernels.backend import Backend, choose_backend
from oracles.model import ExpirySlice, IndexQuote, MarketView

MakeSnapshot = Callable[..., Snapshot]


@pytest.fixture
def policy() -> Policy:
    """Defaults, but worlds mark in round numbers: the band is as wide as the underlying."""
    return Policy(band_ppm=1_000_000, band_floor_ppm=1_000_000, capacity_safety_ppm=0)


@pytest.fixture
def backend() -> Backend:
    return choose_backend("numpy")


@pytest.fixture
def market() -> MarketView:
    """BTC at 100,000 with a flat smile of 50 % at 30 days."""
    return flat_market(index_micro=100_000_000_000)


@pytest.fixture
def snapshot_of(market: MarketView) -> MakeSnapshot:
    """The worlds as a snapshot at their first block."""

    def make(*worlds: SimulatedChain, market: MarketView = market) -> Snapshot:
        states = sorted(
            (chain_state(world.head.contracts, world.head.ref) for world in worlds),
            key=lambda state: (state.chain_id, state.gate),
        )
        return Snapshot(tuple(states), market, Carried(), ())

    return make


def flat_market(*, index_micro: int) -> MarketView:
    now_ms = GENESIS_S * 1_000
    index = IndexQuote(
        underlying="BTC",
        index_micro=index_micro,
        half_width_micro=index_micro // 1_000,
        observed_ms=now_ms,
        source="fixed",
    )
    piece = ExpirySlice(
        underlying="BTC",
        expiry_ms=now_ms + 30 * 86_400_000,
        forward_micro=index_micro,
        a=20_000_000_000,
        b=0,
        rho=0,
        m=0,
        sigma=100_000_000_000,
        vol_half_width_ppm=20_000,
        observed_ms=now_ms,
        source="fixed",
    )
    return MarketView(indices=(index,), slices=(piece,))
