"""Calldata in, effect out: which function of which simulated contract a call means.

The functions and their ABI types are the contracts'; what they do stands in
:mod:`~chains.simulated.venue`, :mod:`~chains.simulated.gate` and :mod:`~chains.simulated.reserve`.
"""

from collections.abc import Callable, Sequence
from typing import Any

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError

from chains.base import Call
from chains.codec.abi import EDGE_TUPLE, HEADER_TUPLE, Function
from chains.errors import ChainStateInvalid
from chains.legs import Edge, Header
from chains.simulated import gate, reserve, venue
from chains.simulated.state import Contracts, Env, Reverted, require

__all__ = ["carry_out_call", "gas_of"]

_Arguments = tuple[Any, ...]
_Handler = Callable[[Contracts, Env, _Arguments], object]

_INTRINSIC_GAS = 21_000
_BYTE_GAS = 16
_CALL_GAS = 60_000
_LEG_GAS = 60_000
_LEG_GAS_LEFT = 250_000


def carry_out_call(contracts: Contracts, env: Env, call: Call) -> None:
    """Do what the call says. Raises Reverted; then ``contracts`` must be dropped."""
    if not _is_contract(contracts, call):
        return
    function, handler = _known(contracts, call)
    try:
        handler(contracts, env, _decoded(function, call))
    except ChainStateInvalid as error:
        raise Reverted(type(error).__name__) from None


def gas_of(contracts: Contracts, call: Call) -> int:
    """Gas the call needs: a coarse model, enough to tell too little from enough."""
    intrinsic = _INTRINSIC_GAS + _BYTE_GAS * len(call.data)
    if not _is_contract(contracts, call):
        return intrinsic
    function, _ = _known(contracts, call)
    if function.name != "execute":
        return intrinsic + _CALL_GAS
    mask: int = _decoded(function, call)[2]
    return intrinsic + _CALL_GAS + mask.bit_count() * _LEG_GAS + _LEG_GAS_LEFT


def _is_contract(contracts: Contracts, call: Call) -> bool:
    """A call to anybody else does nothing, as an empty transaction that cancels a nonce."""
    return call.to in (contracts.terms.gate, contracts.terms.reserve)


def _known(contracts: Contracts, call: Call) -> tuple[Function, _Handler]:
    selector = call.data[:4]
    table = _VENUE if call.to == contracts.terms.gate else _RESERVE
    require(selector in table, f"nothing at 0x{call.to.hex()} answers 0x{selector.hex()}")
    return table[selector]


def _decoded(function: Function, call: Call) -> _Arguments:
    try:
        return decode(function.inputs, call.data[4:])
    except DecodingError as error:
        raise Reverted(f"{function.name}: {error}") from None


def _table(*entries: tuple[Function, _Handler]) -> dict[bytes, tuple[Function, _Handler]]:
    return {function.selector: (function, handler) for function, handler in entries}


def _address(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def _header(values: Sequence[Any]) -> Header:
    return Header(*values)


def _edge(values: Sequence[Any]) -> Edge:
    epoch, box, payers, planned, decide_by, chain_a, gate_a, account, chain_b, gate_b = values
    return Edge(
        epoch,
        box,
        payers,
        planned,
        decide_by,
        chain_a,
        _address(gate_a),
        account,
        chain_b,
        _address(gate_b),
    )


def _execute(contracts: Contracts, env: Env, given: _Arguments) -> None:
    epoch, chunk, mask, words, proof = given
    gate.execute(contracts, env, epoch=epoch, chunk=chunk, mask=mask, words=words, proof=proof)


_VENUE = _table(
    (
        Function("commit", (HEADER_TUPLE, "bytes")),
        lambda c, env, a: gate.commit(c, env, _header(a[0]), a[1]),
    ),
    (Function("execute", ("uint64", "uint32", "uint256", "bytes32[]", "bytes32[]")), _execute),
    (Function("closePlan", ("uint64",)), lambda c, env, a: gate.close_plan(c, env, a[0])),
    (
        Function("refund", ("uint64", "uint32[]")),
        lambda c, env, a: gate.refund_payers(c, env, a[0], a[1]),
    ),
    (Function("stop"), lambda c, env, _: gate.stop(c, env)),
    (Function("resume"), lambda c, env, _: gate.resume(c, env)),
    (Function("openAccount"), lambda c, env, _: venue.open_account(c, env.sender)),
    (
        Function("deposit", ("uint32", "uint64")),
        lambda c, env, a: venue.deposit(c, env, a[0], a[1]),
    ),
    (
        Function("withdraw", ("uint32", "uint64", "address")),
        lambda c, env, a: venue.withdraw(c, env, a[0], a[1]),
    ),
    (
        Function("trade", ("(uint32,uint32,uint32,uint64,uint64)[]",)),
        lambda c, env, a: venue.trade(c, env, [venue.Match(*match) for match in a[0]]),
    ),
    (
        Function("settle", ("uint32", "uint32")),
        lambda c, env, a: venue.settle(c, env, a[0], a[1]),
    ),
    (Function("leaveGroup", ("uint32",)), lambda c, env, a: venue.leave_group(c, env, a[0])),
    (Function("fundInsurance", ("uint64",)), lambda c, _, a: venue.fund_insurance(c, a[0])),
)

_RESERVE = _table(
    (
        Function("prepare", (EDGE_TUPLE, "bytes32[]")),
        lambda c, env, a: reserve.prepare(c, env, _edge(a[0]), a[1]),
    ),
    (
        Function("open", (EDGE_TUPLE, "bytes32[]")),
        lambda c, env, a: reserve.open_edge(c, env, _edge(a[0]), a[1]),
    ),
    (
        Function("register", (EDGE_TUPLE, "uint64", "bytes")),
        lambda c, env, a: reserve.register(c, env, _edge(a[0]), amount=a[1], signatures=a[2]),
    ),
    (
        Function("applyDecision", ("bytes32",)),
        lambda c, env, a: reserve.apply_decision(c, env, a[0]),
    ),
    (
        Function("refundEscrow", ("bytes32", "uint32[]")),
        lambda c, env, a: reserve.refund_escrow(c, env, a[0], a[1]),
    ),
    (Function("fund", ("uint64",)), lambda c, _, a: reserve.fund(c, a[0])),
    (
        Function("setCreditLine", ("uint64", "address", "uint64")),
        lambda c, env, a: reserve.set_credit_line(
            c, env, chain_id=a[0], gate=_address(a[1]), limit=a[2]
        ),
    ),
    (
        Function("repay", ("uint64", "address", "uint64")),
        lambda c, _, a: reserve.repay(c, chain_id=a[0], gate=_address(a[1]), amount=a[2]),
    ),
    (
        Function("remit", ("uint64", "address", "uint64", "address")),
        lambda c, env, a: reserve.remit(c, env, chain_id=a[0], gate=_address(a[1]), amount=a[2]),
    ),
)
