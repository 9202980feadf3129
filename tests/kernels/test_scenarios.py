"""Value tables: shocks by hand, sticky moneyness, sensitivities and corners."""

from dataclasses import fields, replace
from hashlib import sha256

import numpy as np
import pytest

from kernels.black76 import prices
from kernels.errors import KernelInputError
from kernels.grid import Grid, VolPower
from kernels.instruments import InstrumentTable, MarketTable
from kernels.margin import RiskTables
from kernels.scenarios import corner_table, greeks_table, price_table

MONTH = 30.0 / 365.0
PERP, SPOT, FUTURE, CALL, PUT, BETWEEN, LATE_CALL, ETH_PERP, ETH_CALL = range(9)


def one_shock(**shock: int) -> Grid:
    """The base and one shocked scenario."""
    names = ("spot_shock_ppm", "vol_shock_ppm", "skew_tilt_ppm", "term_twist_ppm")
    columns = {name: np.array([0, shock.get(name, 0)]) for name in names}
    return Grid(**columns, weight_ppm=np.array([1_000_000] * 2), vol_power=VolPower())


def value_change(
    instruments: InstrumentTable, market: MarketTable, **shock: int
) -> tuple[np.ndarray, np.ndarray]:
    table = price_table(instruments=instruments, market=market, grid=one_shock(**shock))
    return table[:, 0], table[:, 1]


def eth_call_micro(forward: float, vol: float) -> int:
    """0.1 ETH of the 3,000 call, priced outside the table."""
    price = prices(forwards=forward, strikes=3000.0, years=MONTH, vols=vol, is_calls=True)
    return round(float(price) * 0.1 * 1e6)


def test_linear_instruments_are_worth_the_shocked_index_or_forward(
    instruments: InstrumentTable, market: MarketTable
) -> None:
    base, shocked = value_change(instruments, market, spot_shock_ppm=-100_000)
    assert base[[PERP, SPOT, FUTURE, ETH_PERP]].tolist() == [
        60_000_000, 60_000_000, 603_000_000, 30_000_000,
    ]  # fmt: skip
    assert shocked[[PERP, SPOT, FUTURE, ETH_PERP]].tolist() == [
        54_000_000, 54_000_000, 542_700_000, 27_000_000,
    ]  # fmt: skip


def test_an_option_on_a_flat_smile_is_black76_at_the_shocked_forward(
    instruments: InstrumentTable, market: MarketTable
) -> None:
    base, shocked = value_change(instruments, market, spot_shock_ppm=90_000)
    assert base[ETH_CALL] == pytest.approx(eth_call_micro(3010.0, 0.8), abs=1)
    assert shocked[ETH_CALL] == pytest.approx(eth_call_micro(3010.0 * 1.09, 0.8), abs=1)


def test_a_vol_shock_multiplies_the_volatility(
    instruments: InstrumentTable, market: MarketTable
) -> None:
    _, shocked = value_change(instruments, market, vol_shock_ppm=500_000)
    assert shocked[ETH_CALL] == pytest.approx(eth_call_micro(3010.0, 1.2), abs=1)


def test_a_vol_shock_below_minus_one_leaves_intrinsic_value(
    instruments: InstrumentTable, market: MarketTable
) -> None:
    _, shocked = value_change(instruments, market, vol_shock_ppm=-3_000_000)
    assert shocked[ETH_CALL] == 1_000_000  # (3,010 - 3,000) x 0.1
    assert shocked[CALL] == 0


def test_a_shock_of_spot_leaves_volatility_at_the_same_moneyness_alone(
    instruments: InstrumentTable, market: MarketTable
) -> None:
    """Sticky forward-moneyness: with strike and forward scaled alike, the price scales alike."""
    _, shocked = value_change(instruments, market, spot_shock_ppm=100_000)
    scaled = instruments.strike_micro.copy()
    scaled[[CALL, PUT]] = [62_000_000_000 * 10 // 11, 58_000_000_000 * 10 // 11]
    moved = replace(instruments, strike_micro=scaled)
    base, _ = value_change(moved, market)
    for row in (CALL, PUT):
        assert shocked[row] == pytest.approx(base[row] * 1.1, abs=2)


def test_a_skew_tilt_raises_high_strikes_and_lowers_low_ones(
    instruments: InstrumentTable, market: MarketTable
) -> None:
    base, tilted = value_change(instruments, market, skew_tilt_ppm=100_000)
    assert tilted[CALL] > base[CALL]
    assert tilted[PUT] < base[PUT]
    assert tilted[PERP] == base[PERP]


def test_a_skew_tilt_is_clipped_at_two_deviations(
    instruments: InstrumentTable, market: MarketTable
) -> None:
    strikes = instruments.strike_micro.copy()
    strikes[ETH_CALL] = 9_000_000_000
    far = replace(instruments, strike_micro=strikes)
    _, tilted = value_change(far, market, skew_tilt_ppm=100_000)
    price = prices(forwards=3010.0, strikes=9000.0, years=MONTH, vols=0.8 * 1.2, is_calls=True)
    assert tilted[ETH_CALL] == pytest.approx(float(price) * 1e5, abs=1)


def test_a_term_twist_spares_thirty_days_and_lowers_what_lasts_longer(
    instruments: InstrumentTable, market: MarketTable
) -> None:
    base, twisted = value_change(instruments, market, term_twist_ppm=200_000)
    assert twisted[CALL] == base[CALL]
    assert twisted[BETWEEN] < base[BETWEEN]
    assert twisted[LATE_CALL] < base[LATE_CALL]


def test_an_unlisted_expiry_lies_between_its_neighbours(
    instruments: InstrumentTable, market: MarketTable
) -> None:
    base, _ = value_change(instruments, market)
    assert base[CALL] < base[BETWEEN] < base[LATE_CALL]


def test_sensitivities_are_those_of_a_bumped_table(
    instruments: InstrumentTable, market: MarketTable
) -> None:
    greeks = greeks_table(instruments=instruments, market=market)
    base, up = value_change(instruments, market, spot_shock_ppm=1_000)
    _, down = value_change(instruments, market, spot_shock_ppm=-1_000)
    bumped = (up - down) * 500  # per 100 % of spot
    flat = [PERP, SPOT, FUTURE, ETH_PERP, ETH_CALL]  # a skewed smile moves with the forward
    assert greeks.delta_usd_micro[flat].tolist() == pytest.approx(bumped[flat].tolist(), rel=1e-3)
    _, more_vol = value_change(instruments, market, vol_shock_ppm=1_000)
    assert greeks.vega_usd_micro[ETH_CALL] == pytest.approx(
        (more_vol - base)[ETH_CALL] * 1_000, rel=1e-2
    )
    gamma = (up + down - 2 * base)[ETH_CALL] * 1_000_000
    assert greeks.gamma_usd_micro[ETH_CALL] == pytest.approx(gamma, rel=5e-2)
    assert greeks.theta_usd_micro[ETH_CALL] < 0
    assert greeks.index_notional_micro[[PERP, CALL, ETH_CALL]].tolist() == [
        60_000_000, 600_000_000, 300_000_000,
    ]  # fmt: skip


def test_corners_are_index_and_volatility_up_and_down_after_the_base(
    instruments: InstrumentTable, market: MarketTable
) -> None:
    corners = corner_table(
        instruments=instruments,
        market=market,
        index_half_width_ppm=[1_000, 2_000],
        vol_half_width_ppm=[20_000, 30_000],
    )
    assert corners[PERP].tolist() == [60_000_000] + [60_060_000] * 2 + [59_940_000] * 2
    expected = [eth_call_micro(3010.0, 0.8)]
    expected += [
        eth_call_micro(3010.0 * (1 + 0.002 * s), 0.8 * (1 + 0.03 * v))
        for s in (1, -1)
        for v in (1, -1)
    ]
    assert corners[ETH_CALL].tolist() == pytest.approx(expected, abs=1)


@pytest.mark.parametrize("widths", [[1_000], [1_000, -1], [1_000, 1_000_000]])
def test_half_widths_out_of_range_are_refused(
    instruments: InstrumentTable, market: MarketTable, widths: list[int]
) -> None:
    with pytest.raises(KernelInputError, match="index_half_width_ppm"):
        corner_table(
            instruments=instruments,
            market=market,
            index_half_width_ppm=widths,
            vol_half_width_ppm=[0, 0],
        )


@pytest.mark.parametrize(
    ("field", "row", "value"),
    [
        ("kind", 4, 9), ("underlying_row", 2, 1), ("underlying_row", 0, -1), ("expiry_row", 0, 0),
        ("expiry_row", 3, -2), ("strike_micro", 3, 0), ("strike_micro", 0, 1), ("lot_nano", 1, 0),
        ("years", 0, 1.0), ("years", 3, np.nan), ("years", 3, -0.1),
    ],
)  # fmt: skip
def test_an_instrument_that_makes_no_sense_is_refused(
    instruments: InstrumentTable, field: str, row: int, value: float
) -> None:
    columns = {f.name: getattr(instruments, f.name).copy() for f in fields(instruments)}
    columns[field][row] = value
    with pytest.raises(KernelInputError) as refusal:
        InstrumentTable(**columns)
    assert refusal.value.field in (field, "underlying_row")  # that one also stands for the order
    assert refusal.value.row is not None


@pytest.mark.parametrize(
    ("field", "row", "value"),
    [
        ("index_micro", 0, 0), ("underlying_row", 2, 2), ("forward_micro", 1, 0), ("years", 0, 0.0),
        ("years", 1, 0.01), ("b", 0, -1), ("rho", 1, 10**12 + 1), ("sigma", 2, -1),
    ],
)  # fmt: skip
def test_a_market_that_makes_no_sense_is_refused(
    market: MarketTable, field: str, row: int, value: float
) -> None:
    columns = {f.name: getattr(market, f.name).copy() for f in fields(market)}
    columns[field][row] = value
    with pytest.raises(KernelInputError) as refusal:
        MarketTable(**columns)
    assert refusal.value.field in (field, "underlying_row")  # that one also stands for the order
    assert refusal.value.row is not None


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"underlying_row": np.array([0] * 7 + [2, 2])}, "underlying_row"),
        ({"expiry_row": np.array([-1, -1, 0, 0, 0, -1, 3, -1, 2])}, "expiry_row"),
        ({"expiry_row": np.array([-1, -1, 0, 0, 0, -1, 2, -1, 2])}, "expiry_row"),
    ],
)
def test_an_instrument_the_market_does_not_have_is_refused(
    instruments: InstrumentTable, market: MarketTable, grid: Grid,
    change: dict[str, np.ndarray], field: str,
) -> None:  # fmt: skip
    with pytest.raises(KernelInputError) as refusal:
        price_table(instruments=replace(instruments, **change), market=market, grid=grid)
    assert refusal.value.field == field


def test_a_lot_too_large_for_int64_is_refused(
    instruments: InstrumentTable, market: MarketTable, grid: Grid
) -> None:
    lots = instruments.lot_nano.copy()
    lots[1] = 2**62
    with pytest.raises(KernelInputError, match=r"value\[1\]"):
        price_table(instruments=replace(instruments, lot_nano=lots), market=market, grid=grid)


def test_the_table_is_the_one_every_machine_must_return(tables: RiskTables) -> None:
    greeks = tables.greeks
    parts = [tables.values, greeks.delta_usd_micro, greeks.vega_usd_micro, greeks.gamma_usd_micro]
    assert sha256(b"".join(part.tobytes() for part in parts)).hexdigest()[:16] == "24837023f43a5a26"
