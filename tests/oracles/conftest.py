"""Named worlds for the oracle tests: one honest market, and a chain that answers from a table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from oracles.errors import OracleUnavailable
from oracles.model import ExpirySlice, IndexQuote, MarketView, SurfaceQuote, combine

NOW_MS = 1_768_566_700_000
DAY_MS = 86_400_000

Maker = Callable[..., Any]


@dataclass(frozen=True)
class TableChain:
    """EthCall over a table (address, selector) -> bytes; what is missing cannot be reached."""

    answers: Mapping[tuple[str, bytes], bytes]
    asked: list[tuple[str, bytes, str | None]] = field(default_factory=list)

    async def __call__(self, *, to: str, data: bytes, block_hash: str | None) -> bytes:
        self.asked.append((to, data, block_hash))
        if (to, data) not in self.answers:
            raise OracleUnavailable(f"table chain: {to}: no answer; ask again")
        return self.answers[to, data]


def make_index(**changes: Any) -> IndexQuote:
    honest = {
        "underlying": "BTC",
        "index_micro": 95_000_000_000,
        "half_width_micro": 95_000_000,
        "observed_ms": NOW_MS,
        "source": "fixed",
    }
    return IndexQuote(**{**honest, **changes})


def make_slice(**changes: Any) -> ExpirySlice:
    """A seven-day smile near 40 % volatility."""
    honest = {
        "underlying": "BTC",
        "expiry_ms": NOW_MS + 7 * DAY_MS,
        "forward_micro": 95_100_000_000,
        "a": 500_000_000,
        "b": 30_000_000_000,
        "rho": -300_000_000_000,
        "m": 0,
        "sigma": 85_000_000_000,
        "vol_half_width_ppm": 20_000,
        "observed_ms": NOW_MS,
        "source": "fixed",
    }
    return ExpirySlice(**{**honest, **changes})


def make_surface(*slices: ExpirySlice) -> SurfaceQuote:
    return SurfaceQuote(underlying=slices[0].underlying, slices=slices)


def make_market() -> MarketView:
    """BTC with two expiries, ETH with an index only."""
    month = make_slice(
        expiry_ms=NOW_MS + 30 * DAY_MS, a=5_000_000_000, b=60_000_000_000, sigma=170_000_000_000
    )
    eth = make_index(underlying="ETH", index_micro=2_222_190_000, half_width_micro=2_222_190)
    return combine([eth, make_index()], [make_surface(make_slice(), month)])


def round_data(*, answer: int, started_at_s: int, updated_at_s: int, round_id: int = 7) -> bytes:
    words = (round_id, answer % 2**256, started_at_s, updated_at_s, round_id)
    return b"".join(word.to_bytes(32, "big") for word in words)


@dataclass(frozen=True)
class Worlds:
    """The makers above, handed to tests as one fixture (tests are not an importable package)."""

    now_ms: int = NOW_MS
    day_ms: int = DAY_MS
    index: Maker = make_index
    slice: Maker = make_slice
    surface: Maker = make_surface
    market: Maker = make_market
    chain: Maker = TableChain
    round_data: Maker = round_data


@pytest.fixture(scope="session")
def worlds() -> Worlds:
    return Worlds()


@pytest.fixture(scope="session")
def root() -> Path:
    return Path(__file__).parents[2]


@pytest.fixture(scope="session")
def oracle_data(root: Path) -> Path:
    data = root.parent / "shared" / "data" / "oracles"
    if not data.is_dir():
        pytest.skip("recorded oracle payloads (../shared/data/oracles) are not on this machine")
    return data
