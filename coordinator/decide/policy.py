"""Every number a risk committee may change, in integers, with its digest.

Defaults are the table of docs/adl.md: proposed, not calibrated. ``ppm`` = parts per million.
The digest is pinned in each gate's configuration, so keys alone cannot change the rules.
"""

from dataclasses import dataclass, fields
from enum import StrEnum

from coordinator.decide.canonical import digest
from coordinator.errors import SettingsError

__all__ = ["PPM", "ContractPolicy", "MoneyPolicy", "Policy", "ScoreRule"]

PPM = 1_000_000
POLICY_TAG = "adl/policy/1"


class ContractPolicy(StrEnum):
    """Who closes against a bankrupt's positions."""

    QUEUE = "queue"
    PRO_RATA = "pro_rata"


class MoneyPolicy(StrEnum):
    """Who pays what insurance could not."""

    QUEUE = "queue"
    PRO_RATA = "pro_rata"


class ScoreRule(StrEnum):
    """What the risk part of the unified score measures."""

    RISK_ADJUSTED = "risk_adjusted"
    SCENARIO = "scenario"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Valid by construction; raises SettingsError naming the field."""

    # scenario grid
    spot_shocks_ppm: tuple[int, ...] = (
        0, -45_000, 45_000, -90_000, 90_000, -135_000, 135_000, -180_000, 180_000,
    )  # fmt: skip
    vol_shocks_ppm: tuple[int, ...] = (0, -250_000, 500_000)
    vol_power_short_ppm: int = 300_000
    vol_power_long_ppm: int = 130_000
    skew_tilt_ppm: int = 100_000
    term_twist_ppm: int = 200_000
    tail_spots_ppm: tuple[int, ...] = (-500_000, 1_000_000)
    tail_weight_ppm: int = 320_000
    # margin and health
    mm_factor_ppm: int = 1_000_000
    im_factor_ppm: int = 1_300_000
    buffer_ppm: int = 150_000
    short_option_min_ppm: int = 10_000
    vega_contingency_ppm: int = 50_000
    basis_contingency_ppm: int = 5_000
    # unified ranking
    score_rule: ScoreRule = ScoreRule.RISK_ADJUSTED
    equity_floor_ppm: int = 100_000
    weight_delta_ppm: int = 1_000_000
    weight_gamma_ppm: int = 1_000_000
    weight_vega_ppm: int = 1_000_000
    score_spot_shock_ppm: int = 180_000
    score_vol_shock_ppm: int = 500_000
    # deleveraging
    contract_policy: ContractPolicy = ContractPolicy.QUEUE
    money_policy: MoneyPolicy = MoneyPolicy.PRO_RATA
    severity_ppm: int = 1_000_000
    capacity_safety_ppm: int = 20_000
    account_cap_ppm: int = 1_000_000
    # market and time
    band_ppm: int = 20_000
    band_floor_ppm: int = 500
    market_age_ms_max: int = 30_000
    plan_window_s: int = 300
    chunk_words: int = 15

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            for number in value if isinstance(value, tuple) else (value,):
                _check_number(field.name, number)
        _require(self.im_factor_ppm > PPM + self.buffer_ppm, "im_factor_ppm", "above 1 + buffer")
        _require(0 in self.spot_shocks_ppm, "spot_shocks_ppm", "to contain 0")
        _require(0 in self.vol_shocks_ppm, "vol_shocks_ppm", "to contain 0")
        for shock in (-self.score_spot_shock_ppm, self.score_spot_shock_ppm):
            _require(shock in self.spot_shocks_ppm, "score_spot_shock_ppm", "to be a grid node")
        _require(0 < self.severity_ppm <= PPM, "severity_ppm", "in (0, 1_000_000]")
        _require(0 < self.account_cap_ppm <= PPM, "account_cap_ppm", "in (0, 1_000_000]")
        _require(self.capacity_safety_ppm < PPM, "capacity_safety_ppm", "below 1_000_000")
        _require(1 <= self.chunk_words <= 32, "chunk_words", "in [1, 32]")
        _require(10 <= self.plan_window_s <= 600, "plan_window_s", "in [10, 600]")

    @property
    def digest(self) -> bytes:
        """sha256 of the canonical bytes: what a gate's configuration pins."""
        return digest(POLICY_TAG, self)


_SIGNED = frozenset({"spot_shocks_ppm", "vol_shocks_ppm", "tail_spots_ppm"})


def _check_number(name: str, value: object) -> None:
    if isinstance(value, StrEnum):
        return
    low = -PPM + 1 if name in _SIGNED else 0
    good = type(value) is int and low <= value <= 100 * PPM
    _require(good, name, f"an integer in [{low}, {100 * PPM}]")


def _require(holds: bool, name: str, wanted: str) -> None:
    if not holds:
        raise SettingsError(f"policy.{name}: expected {wanted}")
