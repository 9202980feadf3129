"""Calls and results of DeleverageGate; what each means stands on ``IDeleverageVenue.sol``."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from struct import Struct

from chains.base import Call
from chains.codec.abi import CONFIG_TUPLE, HEADER_TUPLE, Function, address_list, static_words
from chains.codec.fields import address
from chains.legs import Header

__all__ = [
    "Config",
    "GateState",
    "Moved",
    "PlanRecord",
    "close_plan_call",
    "commit_call",
    "decode_gate_state",
    "decode_leg_bits",
    "decode_moved",
    "decode_plan",
    "decode_signers",
    "execute_call",
    "gate_state_call",
    "header_digest_call",
    "leg_bits_call",
    "moved_call",
    "oracles_call",
    "plan_call",
    "refund_call",
    "resume_call",
    "set_config_call",
    "set_oracles_call",
    "set_reserve_call",
    "set_roles_call",
    "set_signers_call",
    "signers_call",
    "stop_call",
]

_COMMIT = Function("commit", (HEADER_TUPLE, "bytes"))
_EXECUTE = Function("execute", ("uint64", "uint32", "uint256", "bytes32[]", "bytes32[]"))
_CLOSE_PLAN = Function("closePlan", ("uint64",))
_REFUND = Function("refund", ("uint64", "uint32[]"))
_STOP = Function("stop")
_RESUME = Function("resume")
_SET_CONFIG = Function("setConfig", (CONFIG_TUPLE,))
_SET_SIGNERS = Function("setSigners", ("address[]", "uint8"))
_SET_ORACLES = Function("setOracles", ("address[]", "uint8"))
_SET_RESERVE = Function("setReserve", ("address",))
_SET_ROLES = Function("setRoles", ("address", "address"))
_GATE_STATE = Function("gateState")
_PLAN = Function("plan", ("uint64",))
_LEG_BITS = Function("legBits", ("uint64", "uint32"))
_MOVED = Function("moved", ("uint64", "uint32"))
_HEADER_DIGEST = Function("headerDigest", (HEADER_TUPLE,))
_SIGNERS = Function("signers")
_ORACLES = Function("oracles")

_FOUR_U64 = Struct(">4Q")


@dataclass(frozen=True, slots=True)
class GateState:
    """``gateState()``: limits and counters of one gate."""

    last_epoch: int
    open_epoch: int
    config_version: int
    policy_digest: bytes
    insurance_micro: int
    bucket_micro: int
    plan_cap_micro: int
    stopped_until_s: int
    account_count: int
    instrument_count: int
    im_factor_ppm: int
    mark_age_s_max: int


@dataclass(frozen=True, slots=True)
class Config:
    """The rules of a gate, in the contract's order; money in micro-USD, the refill a second."""

    policy_digest: bytes
    plan_cap_micro: int
    bucket_capacity_micro: int
    bucket_refill_micro: int
    window_s_max: int
    snapshot_age_blocks_max: int
    mark_age_s_max: int
    im_factor_ppm: int
    account_cap_ppm: int


@dataclass(frozen=True, slots=True)
class PlanRecord:
    """``plan(epoch)``: what the gate keeps of a plan; all zero where it never was committed."""

    legs_root: bytes
    plan_root: bytes
    insurance_micro: int
    haircut_cap_micro: int
    remote_cap_micro: int
    close_left_micro: int
    deficit_micro: int
    expiry_s: int
    legs_left: int
    need_micro: int
    drawn_micro: int
    pot_micro: int
    taken_micro: int
    remote_taken_micro: int
    back_micro: int
    refunded_taken_micro: int
    refunded_back_micro: int

    @property
    def is_committed(self) -> bool:
        """An expiry of zero is never accepted, so it marks an epoch without a plan."""
        return self.expiry_s > 0


@dataclass(frozen=True, slots=True)
class Moved:
    """``moved(epoch, account)``: what one plan took from and paid to one account."""

    taken_micro: int
    credited_micro: int
    flags: int


def commit_call(gate: bytes, header: Header, signatures: bytes) -> Call:
    """Register a signed slice; ``signatures`` as packed by :mod:`chains.codec.quorum`."""
    return _COMMIT.call(gate, astuple(header), signatures)


def execute_call(
    gate: bytes,
    *,
    epoch: int,
    chunk: int,
    mask: int,
    words: Sequence[bytes],
    proof: Sequence[bytes],
) -> Call:
    """Carry out the legs of one chunk whose mask bit is set (bit i = word i)."""
    return _EXECUTE.call(gate, epoch, chunk, mask, words, proof)


def close_plan_call(gate: bytes, epoch: int) -> Call:
    """Close a finished or expired plan."""
    return _CLOSE_PLAN.call(gate, epoch)


def refund_call(gate: bytes, *, epoch: int, accounts: Sequence[int]) -> Call:
    """Pay back to payers of a closed plan what was taken and not needed."""
    return _REFUND.call(gate, epoch, accounts)


def stop_call(gate: bytes) -> Call:
    """Guardian: stop the gate for a while."""
    return _STOP.call(gate)


def resume_call(gate: bytes) -> Call:
    """Governance: end a stop early."""
    return _RESUME.call(gate)


def set_config_call(gate: bytes, config: Config) -> Call:
    """Governance: replace the rules; the configuration version goes up."""
    return _SET_CONFIG.call(gate, astuple(config))


def set_signers_call(gate: bytes, members: Sequence[bytes], *, threshold: int) -> Call:
    """Governance: replace the verifiers."""
    return _SET_SIGNERS.call(gate, members, threshold)


def set_oracles_call(gate: bytes, members: Sequence[bytes], *, threshold: int) -> Call:
    """Governance: replace the oracles."""
    return _SET_ORACLES.call(gate, members, threshold)


def set_reserve_call(gate: bytes, reserve: bytes) -> Call:
    """Governance, once: name the settlement contract."""
    return _SET_RESERVE.call(gate, address("reserve", reserve))


def set_roles_call(gate: bytes, *, guardian: bytes, matcher: bytes) -> Call:
    """Governance: who may stop and who may trade."""
    return _SET_ROLES.call(gate, address("guardian", guardian), address("matcher", matcher))


def gate_state_call(gate: bytes) -> Call:
    """Read limits and counters."""
    return _GATE_STATE.call(gate)


def plan_call(gate: bytes, epoch: int) -> Call:
    """Read what the gate keeps of one plan."""
    return _PLAN.call(gate, epoch)


def leg_bits_call(gate: bytes, *, epoch: int, chunk: int) -> Call:
    """Read the terminal bitmap of one chunk."""
    return _LEG_BITS.call(gate, epoch, chunk)


def moved_call(gate: bytes, *, epoch: int, account: int) -> Call:
    """Read what one plan moved for one account."""
    return _MOVED.call(gate, epoch, account)


def header_digest_call(gate: bytes, header: Header) -> Call:
    """Read the digest that the gate itself makes of a header."""
    return _HEADER_DIGEST.call(gate, astuple(header))


def signers_call(gate: bytes) -> Call:
    """Read the verifier set."""
    return _SIGNERS.call(gate)


def oracles_call(gate: bytes) -> Call:
    """Read the oracle set."""
    return _ORACLES.call(gate)


def decode_gate_state(data: bytes) -> GateState:
    """Result of :func:`gate_state_call`; raises FieldOutOfRange."""
    words = static_words("gateState", data, 12)
    last, opened, version, policy, insurance, bucket, cap, stopped, accounts, listed, im, age = (
        words
    )
    return GateState(
        last_epoch=last,
        open_epoch=opened,
        config_version=version,
        policy_digest=policy.to_bytes(32, "big"),
        insurance_micro=insurance,
        bucket_micro=bucket,
        plan_cap_micro=cap,
        stopped_until_s=stopped,
        account_count=accounts,
        instrument_count=listed,
        im_factor_ppm=im,
        mark_age_s_max=age,
    )


def decode_plan(data: bytes) -> PlanRecord:
    """Result of :func:`plan_call`: two roots, then four words of four u64 each (first field
    highest, the last one zero); raises FieldOutOfRange."""
    legs_root, plan_root, *packed = static_words("plan", data, 6)
    amounts = [amount for word in packed for amount in _FOUR_U64.unpack(word.to_bytes(32, "big"))]
    roots = legs_root.to_bytes(32, "big"), plan_root.to_bytes(32, "big")
    return PlanRecord(*roots, *amounts[:-1])


def decode_leg_bits(data: bytes) -> int:
    """Result of :func:`leg_bits_call`: bit i = word i is terminal."""
    return static_words("legBits", data, 1)[0]


def decode_moved(data: bytes) -> Moved:
    """Result of :func:`moved_call`."""
    return Moved(*static_words("moved", data, 3))


def decode_signers(data: bytes) -> tuple[tuple[bytes, ...], int]:
    """Result of :func:`signers_call` or :func:`oracles_call`: addresses and threshold."""
    return address_list("signers", data)
