"""What a plan asks of one venue: legs, the header that is signed, edges between two chains.

The byte layouts stand in :mod:`chains.codec`; the meaning of each leg on
``contracts/IDeleverageVenue.sol``. Integers and bytes only.
"""

from dataclasses import dataclass

__all__ = ["OWN_POT", "Close", "Credit", "Deficit", "Edge", "Haircut", "Header", "Leg", "Slice"]

OWN_POT = 0
"""The box of a haircut that stays on its own venue; every other box is an edge's number."""


@dataclass(frozen=True, slots=True)
class Deficit:
    """Register up to ``limit_micro`` of an account's deficit and flag it bankrupt for the plan."""

    account: int
    limit_micro: int


@dataclass(frozen=True, slots=True)
class Close:
    """Close ``lots`` of a bankrupt against a counterparty, at the venue's live mark."""

    account: int
    counterparty: int
    instrument: int
    lots: int
    price_micro: int
    slot_account: int
    slot_counterparty: int


@dataclass(frozen=True, slots=True)
class Haircut:
    """Take ``target_micro`` of a winner's profit into a box."""

    account: int
    box: int
    target_micro: int


@dataclass(frozen=True, slots=True)
class Credit:
    """Pay ``target_micro`` out of the pot to a flat bankrupt."""

    account: int
    target_micro: int


Leg = Deficit | Close | Haircut | Credit


@dataclass(frozen=True, slots=True)
class Edge:
    """One account's deficit on A, paid by ``payers`` winners on B. Boxes count from 1 in a plan."""

    epoch: int
    box: int
    payers: int
    planned_micro: int
    decide_by_s: int
    chain_a: int
    gate_a: bytes
    account_a: int
    chain_b: int
    gate_b: bytes


@dataclass(frozen=True, slots=True)
class Header:
    """The signed face of one slice (EIP-712 on its own gate); fields in signing order."""

    snapshot_root: bytes
    plan_root: bytes
    legs_root: bytes
    policy_digest: bytes
    epoch: int
    not_before_s: int
    expiry_s: int
    config_version: int
    leg_count: int
    insurance_micro: int
    haircut_cap_micro: int
    remote_cap_micro: int
    close_cap_micro: int
    deficit_micro: int
    snapshot_block: int
    snapshot_hash: bytes


@dataclass(frozen=True, slots=True)
class Slice:
    """The legs of one venue in execution order."""

    chain_id: int
    gate: bytes
    legs: tuple[Leg, ...]
