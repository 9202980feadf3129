"""Calls and results of Reserve, the settlement contract beside each gate."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass

from chains.base import Call
from chains.codec.abi import EDGE_TUPLE, Function, static_words
from chains.codec.fields import FieldOutOfRange, address
from chains.legs import Edge
from chains.model import CreditLine

__all__ = [
    "EdgeRecord",
    "apply_call",
    "bound_of_call",
    "decode_amount",
    "decode_edge",
    "decode_line",
    "decode_owing",
    "decode_sealed",
    "edge_state_call",
    "free_call",
    "fund_call",
    "line_call",
    "open_call",
    "owing_call",
    "prepare_call",
    "refund_escrow_call",
    "register_call",
    "remit_call",
    "repay_call",
    "room_call",
    "sealed_side_call",
    "set_credit_line_call",
]

_PREPARE = Function("prepare", (EDGE_TUPLE, "bytes32[]"))
_OPEN = Function("open", (EDGE_TUPLE, "bytes32[]"))
_REGISTER = Function("register", (EDGE_TUPLE, "uint64", "bytes"))
_APPLY = Function("applyDecision", ("bytes32",))
_REFUND_ESCROW = Function("refundEscrow", ("bytes32", "uint32[]"))
_FUND = Function("fund", ("uint64",))
_SET_CREDIT_LINE = Function("setCreditLine", ("uint64", "address", "uint64"))
_REPAY = Function("repay", ("uint64", "address", "uint64"))
_REMIT = Function("remit", ("uint64", "address", "uint64", "address"))
_LINE = Function("line", ("uint64", "address"))
_OWING = Function("owing", ("uint64", "address"))
_FREE = Function("free")
_ROOM = Function("room", ("uint64", "uint32"))
_BOUND_OF = Function("boundOf", ("uint32",))
_EDGE_STATE = Function("edgeState", ("bytes32",))
_SEALED_SIDE = Function("sealedSide", (EDGE_TUPLE,))


@dataclass(frozen=True, slots=True)
class EdgeRecord:
    """``edgeState(edge)``: one side's book of an edge; all zero where it is unknown.

    ``state``: 0 none, 1 prepared (A), 2 opened (B), 3 decided, 4 applied. ``side``: 1 A, 2 B.
    ``held_micro``: the earmark on A, the escrow collected on B.
    """

    state: int
    side: int
    account: int
    held_micro: int
    decided_micro: int
    payers: int
    paid_legs: int
    planned_micro: int
    decide_by_s: int
    refunded_taken_micro: int
    refunded_back_micro: int
    far_chain: int
    far_gate: bytes


def prepare_call(reserve: bytes, edge: Edge, proof: Sequence[bytes]) -> Call:
    """On A: earmark for the edge and bind the account's deficit."""
    return _PREPARE.call(reserve, astuple(edge), proof)


def open_call(reserve: bytes, edge: Edge, proof: Sequence[bytes]) -> Call:
    """On B: make the edge's box known to the gate."""
    return _OPEN.call(reserve, astuple(edge), proof)


def register_call(reserve: bytes, edge: Edge, *, amount_micro: int, signatures: bytes) -> Call:
    """Register the signed decision on one side."""
    return _REGISTER.call(reserve, astuple(edge), amount_micro, signatures)


def apply_call(reserve: bytes, edge_id: bytes) -> Call:
    """Carry out a registered decision."""
    return _APPLY.call(reserve, edge_id)


def refund_escrow_call(reserve: bytes, edge_id: bytes, accounts: Sequence[int]) -> Call:
    """On B: pay back escrow that was not needed."""
    return _REFUND_ESCROW.call(reserve, edge_id, accounts)


def fund_call(reserve: bytes, amount_micro: int) -> Call:
    """Bring approved tokens into the reserve."""
    return _FUND.call(reserve, amount_micro)


def set_credit_line_call(reserve: bytes, *, chain_id: int, gate: bytes, limit_micro: int) -> Call:
    """Governance: how much this reserve lends against debts of another gate."""
    return _SET_CREDIT_LINE.call(reserve, chain_id, address("gate", gate), limit_micro)


def repay_call(reserve: bytes, *, chain_id: int, gate: bytes, amount_micro: int) -> Call:
    """On A: bring in approved tokens that another gate owed."""
    return _REPAY.call(reserve, chain_id, address("gate", gate), amount_micro)


def remit_call(reserve: bytes, *, chain_id: int, gate: bytes, amount_micro: int, to: bytes) -> Call:
    """On B, treasurer: take out tokens owed to another gate."""
    return _REMIT.call(reserve, chain_id, address("gate", gate), amount_micro, address("to", to))


def line_call(reserve: bytes, *, chain_id: int, gate: bytes) -> Call:
    """Read the credit line of one debtor gate."""
    return _LINE.call(reserve, chain_id, address("gate", gate))


def owing_call(reserve: bytes, *, chain_id: int, gate: bytes) -> Call:
    """Read what is owed and sent to one creditor gate."""
    return _OWING.call(reserve, chain_id, address("gate", gate))


def free_call(reserve: bytes) -> Call:
    """Read the money that may still be earmarked."""
    return _FREE.call(reserve)


def room_call(reserve: bytes, *, epoch: int, box: int) -> Call:
    """Read what an edge's box may still take."""
    return _ROOM.call(reserve, epoch, box)


def bound_of_call(reserve: bytes, account: int) -> Call:
    """Read an account's bound deficit."""
    return _BOUND_OF.call(reserve, account)


def edge_state_call(reserve: bytes, edge_id: bytes) -> Call:
    """Read one edge."""
    return _EDGE_STATE.call(reserve, edge_id)


def sealed_side_call(reserve: bytes, edge: Edge) -> Call:
    """Read whether this chain's side of the edge can never change again, and its value."""
    return _SEALED_SIDE.call(reserve, astuple(edge))


def decode_amount(name: str, data: bytes) -> int:
    """Result of a view with one amount: free, room, boundOf."""
    return static_words(name, data, 1)[0]


def decode_line(data: bytes, *, chain_id: int, gate: bytes) -> CreditLine:
    """Result of :func:`line_call`."""
    return CreditLine(chain_id, gate, *static_words("line", data, 4))


def decode_owing(data: bytes) -> tuple[int, int]:
    """Result of :func:`owing_call`: owed and sent, both cumulative."""
    owed, sent = static_words("owing", data, 2)
    return owed, sent


def decode_edge(data: bytes) -> EdgeRecord:
    """Result of :func:`edge_state_call`; raises FieldOutOfRange."""
    words = static_words("edgeState", data, 13)
    return EdgeRecord(
        state=words[0],
        side=words[1],
        account=words[2],
        held_micro=words[3],
        decided_micro=words[4],
        payers=words[5],
        paid_legs=words[6],
        planned_micro=words[7],
        decide_by_s=words[8],
        refunded_taken_micro=words[9],
        refunded_back_micro=words[10],
        far_chain=words[11],
        far_gate=words[12].to_bytes(32, "big")[12:],
    )


def decode_sealed(data: bytes) -> tuple[bool, int]:
    """Result of :func:`sealed_side_call`: (is sealed, amount)."""
    is_sealed, amount = static_words("sealedSide", data, 2)
    if is_sealed > 1:
        raise FieldOutOfRange(f"sealedSide answered {is_sealed} for a truth value")
    return bool(is_sealed), amount
