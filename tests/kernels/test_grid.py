"""The shock grid and the time scaling of volatility shocks."""

import numpy as np
import pytest

from kernels.errors import KernelInputError
from kernels.grid import Grid, VolPower, static_grid, vol_shocks_ppm, vol_time_factors


def test_the_default_grid_has_32_scenarios_with_the_base_first() -> None:
    grid = static_grid()
    assert (grid.n_scenarios, grid.base) == (32, 0)
    assert sorted(set(grid.spot_shock_ppm[:27].tolist())) == [
        -180_000, -135_000, -90_000, -45_000, 0, 45_000, 90_000, 135_000, 180_000,
    ]  # fmt: skip
    assert grid.skew_tilt_ppm[27:29].tolist() == [100_000, -100_000]
    assert grid.term_twist_ppm[29] == 200_000
    assert grid.spot_shock_ppm[30:].tolist() == [-500_000, 1_000_000]
    assert grid.weight_ppm.tolist() == [1_000_000] * 30 + [320_000] * 2


def test_a_spot_node_is_found_without_any_other_shock() -> None:
    grid = static_grid()
    row = grid.row_of_spot(-180_000)
    assert (grid.spot_shock_ppm[row], grid.vol_shock_ppm[row]) == (-180_000, 0)


def test_a_shock_between_the_nodes_is_refused() -> None:
    with pytest.raises(KernelInputError, match="no node"):
        static_grid().row_of_spot(100_000)


def test_a_grid_without_an_unshocked_scenario_is_refused() -> None:
    with pytest.raises(KernelInputError, match="unshocked"):
        static_grid(vol_shocks_ppm=(-250_000, 500_000))


def columns_of(**change: list[int]) -> Grid:
    names = ("spot_shock_ppm", "vol_shock_ppm", "skew_tilt_ppm", "term_twist_ppm")
    plain = {name: [0, 0] for name in names}
    columns = plain | {"weight_ppm": [1_000_000, 1_000_000]} | change
    return Grid(
        **{name: np.array(column) for name, column in columns.items()}, vol_power=VolPower()
    )


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"spot_shock_ppm": [0, -1_000_000]}, "spot_shock_ppm"),
        ({"weight_ppm": [1_000_000, -1]}, "weight_ppm"),
        ({"vol_shock_ppm": [0]}, "vol_shock_ppm"),
    ],
)
def test_a_grid_that_breaks_its_contract_is_refused(
    change: dict[str, list[int]], field: str
) -> None:
    with pytest.raises(KernelInputError) as refusal:
        columns_of(**change)
    assert refusal.value.field == field


def test_vol_shocks_scale_with_thirty_days_over_time() -> None:
    years = np.array([0.0, 1.0, 7.0, 30.0, 365.0]) / 365.0
    factors = vol_time_factors(years=years, power=VolPower())
    expected = [30.0**0.3, 30.0**0.3, (30 / 7) ** 0.3, 1.0, (30 / 365) ** 0.13]
    assert factors.tolist() == pytest.approx(expected, rel=1e-14)


def test_a_vol_shock_at_thirty_days_is_the_policy_number_itself() -> None:
    shocks = vol_shocks_ppm(years=[30.0 / 365.0, 1.0], shock_ppm=500_000, power=VolPower())
    assert shocks.tolist() == [500_000, round(500_000 * (30 / 365) ** 0.13)]
