"""Black-76: accuracy, parity, bumps, edges, and the same bits whatever the blocks."""

from decimal import Decimal
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernels.black76 import Greeks, price_and_greeks, prices

REFERENCE = Path(__file__).parents[3] / "shared" / "data" / "kernels" / "black76_reference.csv"
NAN_BITS = 0x7FF8000000000000
UNIT = 2.0**-53

forwards = st.floats(1e-3, 1e6)
ratios = st.floats(0.3, 3.0)
times = st.floats(1e-4, 5.0)
vols = st.floats(0.01, 3.0)


def one(f: float, k: float, t: float, vol: float, *, call: bool) -> dict[str, float]:
    greeks = price_and_greeks(forwards=[f], strikes=[k], years=[t], vols=[vol], is_calls=[call])
    names = ("prices", "deltas", "gammas", "vegas", "thetas")
    return {name: float(getattr(greeks, name)[0]) for name in names}


def wild_inputs(n: int) -> dict[str, np.ndarray]:
    """Full-mantissa inputs from integer steps, one in eight of them out of the domain."""
    steps = np.arange(1, n + 1, dtype=np.float64)
    shares = [steps * root - np.floor(steps * root) for root in (0.618033988, 0.414213562, 0.7320)]
    strange = np.array([np.nan, np.inf, -np.inf, -0.0, 0.0, -1.0, 5e-324, 1e31])
    strikes = 50_000.0 * (0.2 + 3.0 * shares[0])
    strikes[::8] = np.resize(strange, strikes[::8].size)
    return {
        "forwards": np.full(n, 50_000.0),
        "strikes": strikes,
        "years": 2.0 * shares[1] * shares[1],
        "vols": 2.5 * shares[2],
        "is_calls": np.arange(n) % 3 == 0,
    }


def columns(greeks: Greeks) -> list[np.ndarray]:
    return [greeks.prices, greeks.deltas, greeks.gammas, greeks.vegas, greeks.thetas]


@pytest.mark.skipif(not REFERENCE.exists(), reason=f"reference values absent: {REFERENCE.name}")
def test_errors_against_sixty_digits_stay_under_the_bar() -> None:
    rows = [line.split(",") for line in REFERENCE.read_text().splitlines()[1:]]
    f, k, t, vol, call = np.array([row[:5] for row in rows], dtype=np.float64).T
    greeks = price_and_greeks(forwards=f, strikes=k, years=t, vols=vol, is_calls=call == 1.0)
    near = np.abs(np.log(f / k) / (vol * np.sqrt(t)) + 0.5 * vol * np.sqrt(t)) <= 8.0
    assert near.sum() > 1500

    def errors(got: np.ndarray, column: int) -> np.ndarray:
        pairs = zip(got, rows, strict=True)
        return np.array([abs(float(Decimal(float(x)) - Decimal(row[column]))) for x, row in pairs])

    assert (errors(greeks.prices, 5) / np.maximum(f, k)).max() < 3.3 * UNIT
    assert errors(greeks.deltas, 6).max() < 3.4 * UNIT
    for got, column in zip(columns(greeks)[2:], (7, 8, 9), strict=True):
        expected = np.array([abs(float(row[column])) for row in rows])
        assert (errors(got, column)[near] / expected[near]).max() < 224 * UNIT


def test_a_known_option_has_its_known_price() -> None:
    call = one(100.0, 100.0, 1.0, 0.2, call=True)
    assert call["prices"] == pytest.approx(7.965567455405804, rel=1e-15)
    assert call["deltas"] == pytest.approx(0.539827837277029, rel=1e-15)
    assert call["vegas"] == pytest.approx(39.695254747701178, rel=1e-15)
    assert call["gammas"] == pytest.approx(0.019847627373850588, rel=1e-15)
    assert call["thetas"] == pytest.approx(-3.9695254747701178, rel=1e-15)


@given(forwards, ratios, times, vols)
def test_put_call_parity(f: float, ratio: float, t: float, vol: float) -> None:
    call, put = (one(f, f * ratio, t, vol, call=side) for side in (True, False))
    largest = max(f, f * ratio)
    assert call["prices"] - put["prices"] == pytest.approx(f - f * ratio, abs=6 * UNIT * largest)
    assert call["deltas"] - put["deltas"] == pytest.approx(1.0, abs=4 * UNIT)
    assert [call[name] for name in ("gammas", "vegas", "thetas")] == [
        put[name] for name in ("gammas", "vegas", "thetas")
    ]


@given(forwards, ratios, st.floats(0.05, 2.0), st.floats(0.2, 1.5), st.booleans())
def test_bumped_prices_reproduce_the_greeks(
    f: float, ratio: float, t: float, vol: float, call: bool
) -> None:
    k = f * ratio
    at = one(f, k, t, vol, call=call)
    up, down = (one(f * (1 + h), k, t, vol, call=call) for h in (1e-5, -1e-5))
    assert (up["prices"] - down["prices"]) / (2e-5 * f) == pytest.approx(at["deltas"], abs=1e-8)
    assert (up["deltas"] - down["deltas"]) / 2e-5 == pytest.approx(f * at["gammas"], abs=1e-7)
    up, down = (one(f, k, t, vol + h, call=call) for h in (1e-5, -1e-5))
    assert (up["prices"] - down["prices"]) / (2e-5 * f) == pytest.approx(at["vegas"] / f, abs=1e-7)
    up, down = (one(f, k, t - h, vol, call=call) for h in (1e-6, -1e-6))
    assert (up["prices"] - down["prices"]) / (2e-6 * f) == pytest.approx(at["thetas"] / f, abs=1e-6)


@given(forwards, ratios, times, vols, st.booleans())
def test_price_stays_between_intrinsic_value_and_its_ceiling(
    f: float, ratio: float, t: float, vol: float, call: bool
) -> None:
    k = f * ratio
    price = one(f, k, t, vol, call=call)["prices"]
    slack = 4 * UNIT * max(f, k)
    intrinsic, ceiling = (f - k, f) if call else (k - f, k)
    assert max(0.0, intrinsic) - slack <= price <= ceiling + slack


@pytest.mark.parametrize(("t", "vol"), [(0.0, 0.5), (1.0, 0.0), (1e-20, 0.5), (1e-300, 1e4)])
def test_without_time_or_volatility_only_intrinsic_value_remains(t: float, vol: float) -> None:
    nothing = {"gammas": 0.0, "vegas": 0.0, "thetas": 0.0}
    assert one(110.0, 100.0, t, vol, call=True) == {"prices": 10.0, "deltas": 1.0, **nothing}
    assert one(110.0, 100.0, t, vol, call=False) == {"prices": 0.0, "deltas": 0.0, **nothing}
    assert one(90.0, 100.0, t, vol, call=False) == {"prices": 10.0, "deltas": -1.0, **nothing}
    assert one(100.0, 100.0, t, vol, call=True) == {"prices": 0.0, "deltas": 1.0, **nothing}


def test_thirty_deviations_away_the_tail_is_exactly_zero() -> None:
    assert one(100.0, 1000.0, 0.01, 0.5, call=True)["prices"] == 0.0
    assert one(100.0, 1000.0, 0.01, 0.5, call=False)["prices"] == 900.0
    assert one(100.0, 100.0, 1e4, 1e4, call=True)["prices"] == 100.0


@pytest.mark.parametrize("field", ["forwards", "strikes", "years", "vols"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, -1.0, 1e31])
def test_an_invalid_input_gives_the_canonical_nan_in_all_outputs(field: str, bad: float) -> None:
    good = {"forwards": [100.0], "strikes": [90.0], "years": [0.5], "vols": [0.4]}
    greeks = price_and_greeks(**(good | {field: [bad]}), is_calls=[True])
    assert [int(column.view(np.int64)[0]) for column in columns(greeks)] == [NAN_BITS] * 5


@pytest.mark.parametrize("price", [0.0, -0.0, 5e-324])
def test_a_forward_or_strike_of_nothing_is_invalid(price: float) -> None:
    assert np.isnan(one(price, 1.0, 1.0, 1.0, call=True)["prices"])
    assert np.isnan(one(1.0, price, 1.0, 1.0, call=True)["prices"])


def test_minus_zero_of_time_or_volatility_is_zero_and_none_comes_out() -> None:
    for t, vol in ((-0.0, 0.5), (0.5, -0.0)):
        for call in (True, False):
            outputs = one(100.0, 100.0, t, vol, call=call)
            assert [np.signbit(x) for x in outputs.values()] == [False] * 5


def test_the_order_of_rows_changes_no_bit() -> None:
    inputs = wild_inputs(70_000)  # two full blocks and a rest
    whole = columns(price_and_greeks(**inputs))
    order = np.argsort(inputs["vols"])
    mixed = columns(price_and_greeks(**{name: column[order] for name, column in inputs.items()}))
    for column, other in zip(whole, mixed, strict=True):
        assert column[order].tobytes() == other.tobytes()


def test_price_alone_has_the_bits_of_price_with_greeks() -> None:
    inputs = wild_inputs(5_000)
    assert prices(**inputs).tobytes() == price_and_greeks(**inputs).prices.tobytes()


def test_arguments_broadcast_to_one_shape() -> None:
    table = prices(
        forwards=np.array([[90.0, 100.0, 110.0]]),
        strikes=np.array([[100.0], [105.0]]),
        years=0.5,
        vols=0.4,
        is_calls=True,
    )
    assert table.shape == (2, 3)
    assert float(table[1, 2]) == one(110.0, 105.0, 0.5, 0.4, call=True)["prices"]


def test_no_rows_give_no_rows() -> None:
    assert prices(forwards=[], strikes=[], years=[], vols=[], is_calls=[]).shape == (0,)


def test_bits_are_those_every_machine_must_return() -> None:
    parts = columns(price_and_greeks(**wild_inputs(20_000)))
    assert sha256(b"".join(part.tobytes() for part in parts)).hexdigest()[:16] == "54fd8cd2a42d6ae3"
