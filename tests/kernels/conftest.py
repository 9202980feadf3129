"""Named worlds for the kernel tests: small enough to check by hand."""

import numpy as np
import pytest
from hypothesis import settings

from kernels.grid import Grid, VolPower, static_grid
from kernels.instruments import FUTURE, OPTION, PERPETUAL, SPOT, InstrumentTable, MarketTable
from kernels.margin import RiskTables
from kernels.scenarios import greeks_table, price_table

# A first call into a cold library may take longer than a deadline on a busy machine.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

MONTH, QUARTER = 30.0 / 365.0, 90.0 / 365.0
PPT = 10**12


def flat_smile(vol: float, years: float) -> dict[str, int]:
    """SVI integers of one volatility at every strike."""
    return {"a": round(vol * vol * years * PPT), "b": 0, "rho": 0, "m": 0, "sigma": 0}


@pytest.fixture
def market() -> MarketTable:
    """BTC at 60,000 with a skewed month and quarter; ETH at 3,000 with a flat 80 % month."""
    eth = flat_smile(0.8, MONTH)
    return MarketTable(
        index_micro=np.array([60_000_000_000, 3_000_000_000]),
        underlying_row=np.array([0, 0, 1]),
        forward_micro=np.array([60_300_000_000, 60_900_000_000, 3_010_000_000]),
        years=np.array([MONTH, QUARTER, MONTH]),
        a=np.array([10_000_000_000, 30_000_000_000, eth["a"]]),
        b=np.array([60_000_000_000, 90_000_000_000, 0]),
        rho=np.array([-300_000_000_000, -250_000_000_000, 0]),
        m=np.array([10_000_000_000, 0, 0]),
        sigma=np.array([150_000_000_000, 250_000_000_000, 0]),
    )


@pytest.fixture
def instruments() -> InstrumentTable:
    """BTC perpetual, spot, month future, call and put, an unlisted 60-day call, a quarter call;
    ETH perpetual and call."""
    rows = [
        (PERPETUAL, 0, -1, 0, False, 1_000_000, 0.0),
        (SPOT, 0, -1, 0, False, 1_000_000, 0.0),
        (FUTURE, 0, 0, 0, False, 10_000_000, MONTH),
        (OPTION, 0, 0, 62_000_000_000, True, 10_000_000, MONTH),
        (OPTION, 0, 0, 58_000_000_000, False, 10_000_000, MONTH),
        (OPTION, 0, -1, 62_000_000_000, True, 10_000_000, 60.0 / 365.0),
        (OPTION, 0, 1, 62_000_000_000, True, 10_000_000, QUARTER),
        (PERPETUAL, 1, -1, 0, False, 10_000_000, 0.0),
        (OPTION, 1, 2, 3_000_000_000, True, 100_000_000, MONTH),
    ]
    names = ("kind", "underlying_row", "expiry_row", "strike_micro", "is_call", "lot_nano", "years")
    columns = dict(zip(names, map(np.array, zip(*rows, strict=True)), strict=True))
    return InstrumentTable(**columns)


@pytest.fixture
def grid() -> Grid:
    """The default 32 scenarios."""
    return static_grid()


@pytest.fixture
def small_grid() -> Grid:
    """Base, spot -10 %, spot +10 %, and spot -50 % at weight 320,000 ppm."""
    zeros = np.zeros(4, dtype=np.int64)
    return Grid(
        spot_shock_ppm=np.array([0, -100_000, 100_000, -500_000]),
        vol_shock_ppm=zeros,
        skew_tilt_ppm=zeros,
        term_twist_ppm=zeros,
        weight_ppm=np.array([1_000_000, 1_000_000, 1_000_000, 320_000]),
        vol_power=VolPower(),
    )


@pytest.fixture
def tables(instruments: InstrumentTable, market: MarketTable, grid: Grid) -> RiskTables:
    """The tables of the default grid."""
    return RiskTables(
        values=price_table(instruments=instruments, market=market, grid=grid),
        greeks=greeks_table(instruments=instruments, market=market),
    )
