"""Every call of ours exists in the shipped contracts; results decode, or are refused."""

from collections.abc import Iterator
from importlib.resources import files
from types import ModuleType

import orjson
import pytest

from chains.artifacts import artifact, error_names
from chains.codec import gate, reserve, token, venue
from chains.codec.abi import Function, address_list, dynamic_bytes, static_words, word_list
from chains.codec.fields import FieldOutOfRange, keccak256
from chains.codec.reverts import revert_reason

CONTRACTS = {
    "OptionsVenue": (gate, venue),
    "Reserve": (reserve,),
    "SettlementToken": (token,),
    "PriceFeed": (token,),
}


def functions(module: ModuleType) -> Iterator[Function]:
    return (value for value in vars(module).values() if isinstance(value, Function))


def shipped_selectors(contract: str) -> set[bytes]:
    built = orjson.loads((files("chains") / "abi" / f"{contract}.json").read_bytes())
    found = set()
    for entry in built["abi"]:
        if entry["type"] == "function":
            types = ",".join(kind(parameter) for parameter in entry["inputs"])
            found.add(keccak256(f"{entry['name']}({types})".encode())[:4])
    return found


def kind(parameter: dict[str, object]) -> str:
    parts = parameter.get("components")
    if not isinstance(parts, list):
        return str(parameter["type"])
    inner = ",".join(kind(part) for part in parts)
    return f"({inner}){str(parameter['type']).removeprefix('tuple')}"


@pytest.mark.parametrize("module", [gate, venue, reserve, token])
def test_every_call_exists_in_a_shipped_contract(module: ModuleType) -> None:
    homes = [name for name, modules in CONTRACTS.items() if module in modules]
    selectors = set().union(*(shipped_selectors(name) for name in homes))
    mine = list(functions(module))
    assert mine
    assert [function.name for function in mine if function.selector not in selectors] == []


def test_arguments_that_do_not_fit_are_refused_by_function() -> None:
    with pytest.raises(FieldOutOfRange, match="closePlan: Value `-1`"):
        gate.close_plan_call(bytes(20), -1)
    with pytest.raises(FieldOutOfRange, match="to has 19 bytes"):
        gate.close_plan_call(bytes(19), 1)
    with pytest.raises(FieldOutOfRange, match="execute"):
        gate.execute_call(bytes(20), epoch=1, chunk=0, mask=1 << 256, words=(), proof=())


def test_results_of_another_length_are_refused() -> None:
    with pytest.raises(FieldOutOfRange, match="gateState answered 0 bytes, 384 are expected"):
        gate.decode_gate_state(b"")
    with pytest.raises(FieldOutOfRange, match="plan answered 32 bytes"):
        gate.decode_plan(bytes(32))
    with pytest.raises(FieldOutOfRange, match="slots answered 32 bytes, not a list"):
        dynamic_bytes("slots", bytes(32))
    with pytest.raises(FieldOutOfRange, match="at offset 0, not 32"):
        dynamic_bytes("slots", bytes(64))
    with pytest.raises(FieldOutOfRange, match="64 bytes for a content of 1"):
        dynamic_bytes("slots", words(32, 1))
    with pytest.raises(FieldOutOfRange, match="64 bytes for 1 words"):
        word_list("underlyings", words(32, 1))
    with pytest.raises(FieldOutOfRange, match="96 bytes for 2 addresses"):
        address_list("signers", words(64, 1, 2))
    with pytest.raises(FieldOutOfRange, match="no list and threshold"):
        address_list("signers", b"")
    with pytest.raises(FieldOutOfRange, match="answered 2 for a truth value"):
        reserve.decode_sealed(words(2, 0))


def test_results_decode_to_their_fields() -> None:
    assert static_words("x", words(1, 2), 2) == (1, 2)
    assert dynamic_bytes("x", words(32, 3) + b"abc" + bytes(29)) == b"abc"
    assert word_list("x", words(32, 1, 7)) == (words(7),)
    assert address_list("x", words(64, 2, 1, 9)) == ((bytes(19) + b"\x09",), 2)
    packed = [
        (4 * row << 192) | (4 * row + 1 << 128) | (4 * row + 2 << 64) | 4 * row + 3
        for row in range(4)
    ]
    plan = gate.decode_plan(words(70, 71, *packed))
    assert (plan.legs_root, plan.plan_root) == (words(70), words(71))
    assert (plan.insurance_micro, plan.close_left_micro, plan.deficit_micro) == (0, 3, 4)
    assert (plan.expiry_s, plan.legs_left, plan.need_micro) == (5, 6, 7)
    assert (plan.drawn_micro, plan.remote_taken_micro, plan.back_micro) == (8, 11, 12)
    assert (plan.refunded_taken_micro, plan.refunded_back_micro) == (13, 14)
    assert plan.is_committed
    assert not gate.decode_plan(bytes(32 * 6)).is_committed
    edge = reserve.decode_edge(words(*range(1, 14)))
    assert (edge.state, edge.held_micro, edge.far_chain, edge.far_gate) == (
        1,
        4,
        12,
        bytes(19) + b"\r",
    )
    assert reserve.decode_sealed(words(1, 5)) == (True, 5)
    assert reserve.decode_owing(words(6, 7)) == (6, 7)
    line = reserve.decode_line(words(1, 2, 3, 4), chain_id=8, gate=bytes(20))
    assert (line.limit_micro, line.earmarked_micro, line.paid_micro, line.received_micro) == (
        1,
        2,
        3,
        4,
    )
    assert gate.decode_moved(words(1, 2, 3)) == gate.Moved(1, 2, 3)


def words(*values: int) -> bytes:
    return b"".join(value.to_bytes(32, "big") for value in values)


def test_reverts_are_told_by_name() -> None:
    names = error_names()
    assert revert_reason(keccak256(b"EpochNotAbove()")[:4], names) == "EpochNotAbove"
    insufficient = keccak256(b"InsufficientMargin(uint32)")[:4] + words(7)
    assert revert_reason(insufficient, names) == "InsufficientMargin"
    text = Function("Error", ("string",))
    assert revert_reason(text.selector + text.encode("too late"), names) == "too late"
    panic = Function("Panic", ("uint256",))
    assert revert_reason(panic.selector + panic.encode(17), names) == "Panic(0x11)"
    assert revert_reason(text.selector + b"\x01", names) == "unknown error 0x08c379a0"
    assert revert_reason(b"\x01\x02\x03\x04", names) == "unknown error 0x01020304"
    assert revert_reason(b"", names) == "no reason given"


def test_an_artifact_knows_its_constructor() -> None:
    assert artifact("Reserve").constructor == ("address", "address", "address")
    assert artifact("HistoryBlockHashes").constructor == ()
    assert artifact("OptionsVenue").constructor[:2] == (
        "(address,address,address,address,address)",
        "(bytes32,uint64,uint64,uint64,uint32,uint32,uint32,uint32,uint32)",
    )
