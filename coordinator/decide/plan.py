"""A plan: legs per venue, edges between chains, what stays uncovered, and why. Values only.

``docs/adl.md`` says what each part means; :mod:`coordinator.decide.publish` derives roots,
headers and the published document from it.
"""

from dataclasses import dataclass
from enum import StrEnum

from chains.legs import Edge, Slice
from chains.model import AccountId
from coordinator.decide.canonical import digest

__all__ = [
    "NO_COUNTERPARTY",
    "Feasibility",
    "Plan",
    "Regime",
    "Stage",
    "StageReport",
    "Treatment",
    "Uncovered",
]

PLAN_TAG = "adl/plan/1"

NO_COUNTERPARTY = "no counterparty"
"""Why a deficit stays: somebody who may not be touched holds the opposite lots."""


class Stage(StrEnum):
    """The waterfall's stages that move money in a plan, in order."""

    INSURANCE = "insurance"
    DELEVERAGING = "deleveraging"
    UNCOVERED = "uncovered"


class Regime(StrEnum):
    """How far the money reaches; decides which stage is the last one used."""

    COVERED = "covered"
    INSURED = "insured"
    ADL = "adl"
    SOLVENT_BUT_NOT_COVERABLE = "solvent-but-not-coverable"
    UNCOVERED = "uncovered"


@dataclass(frozen=True, slots=True)
class StageReport:
    """One stage on one venue: what it could give, what it gave, what it hands on, and why."""

    stage: Stage
    chain_id: int
    gate: bytes
    capacity_micro: int
    used_micro: int
    left_micro: int
    stopped_because: str


@dataclass(frozen=True, slots=True)
class Treatment:
    """One bankrupt account: its deficit and who fills it. local = own pot, remote = over edges."""

    account: AccountId
    deficit_micro: int
    local_micro: int
    remote_micro: int


@dataclass(frozen=True, slots=True)
class Uncovered:
    """A deficit, or a part of one, that this plan does not fill, and the reason."""

    account: AccountId
    amount_micro: int
    reason: str


@dataclass(frozen=True, slots=True)
class Feasibility:
    """What there is against what is needed, over all venues, micro-USD.

    ``soft`` is profit that winners can pay and stay above initial margin, ``hard`` all payable
    profit, ``equity`` the winners' whole equity.
    """

    deficit_micro: int
    insurance_micro: int
    soft_micro: int
    hard_micro: int
    equity_micro: int
    remainder_micro: int
    regime: Regime


@dataclass(frozen=True, slots=True)
class Plan:
    """Slices in (chain_id, gate) order, edges in box order, accounts in AccountId order.

    ``last_resort`` names accounts whose margin class this plan worsens.
    """

    epoch: int
    snapshot_digest: bytes
    policy_digest: bytes
    not_before_s: int
    expiry_s: int
    slices: tuple[Slice, ...]
    edges: tuple[Edge, ...]
    treatments: tuple[Treatment, ...]
    uncovered: tuple[Uncovered, ...]
    last_resort: tuple[AccountId, ...]
    stages: tuple[StageReport, ...]
    feasibility: Feasibility

    @property
    def digest(self) -> bytes:
        """sha256 of the canonical bytes."""
        return digest(PLAN_TAG, self)

    @property
    def is_empty(self) -> bool:
        """Nothing to send."""
        return not self.slices
