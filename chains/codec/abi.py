"""Calldata and results of contract functions, checked by type string.

Results of ours are a few static words or one byte string, so they are taken apart here by hand;
calldata goes through eth_abi.
"""

from dataclasses import dataclass
from functools import cached_property

from eth_abi.abi import encode
from eth_abi.exceptions import EncodingError

from chains.base import Call
from chains.codec.fields import FieldOutOfRange, address, keccak256

__all__ = [
    "CONFIG_TUPLE",
    "EDGE_TUPLE",
    "HEADER_TUPLE",
    "Function",
    "address_list",
    "dynamic_bytes",
    "static_words",
    "word_list",
]

HEADER_TUPLE = "(" + ",".join(["bytes32"] * 4 + ["uint64"] * 11 + ["bytes32"]) + ")"
CONFIG_TUPLE = "(bytes32,uint64,uint64,uint64,uint32,uint32,uint32,uint32,uint32)"
EDGE_TUPLE = "(uint64,uint32,uint32,uint64,uint64,uint64,address,uint32,uint64,address)"


@dataclass(frozen=True)
class Function:
    """One contract function: its name and the ABI types of its arguments."""

    name: str
    inputs: tuple[str, ...] = ()

    @cached_property
    def selector(self) -> bytes:
        """First four bytes of keccak(name(types))."""
        return keccak256(f"{self.name}({','.join(self.inputs)})".encode("ascii"))[:4]

    def call(self, to: bytes, *arguments: object) -> Call:
        """The call with these arguments; raises FieldOutOfRange naming the function."""
        return Call(address("to", to), self.selector + self.encode(*arguments))

    def encode(self, *arguments: object) -> bytes:
        """ABI encoding of the arguments alone; raises FieldOutOfRange naming the function."""
        try:
            return encode(self.inputs, arguments)
        except EncodingError as error:
            raise FieldOutOfRange(f"{self.name}: {error}") from None


def static_words(name: str, data: bytes, count: int) -> tuple[int, ...]:
    """Exactly ``count`` static result words as unsigned integers; raises FieldOutOfRange."""
    if len(data) != 32 * count:
        raise FieldOutOfRange(f"{name} answered {len(data)} bytes, {32 * count} are expected")
    return tuple(int.from_bytes(data[at : at + 32], "big") for at in range(0, len(data), 32))


def dynamic_bytes(name: str, data: bytes) -> bytes:
    """The content of a single ``bytes`` result; raises FieldOutOfRange."""
    size = _dynamic_length(name, data)
    if not size <= len(data) - 64 < size + 32:
        raise FieldOutOfRange(f"{name} answered {len(data)} bytes for a content of {size}")
    return data[64 : 64 + size]


def word_list(name: str, data: bytes) -> tuple[bytes, ...]:
    """The items of a single ``bytes32[]`` result; raises FieldOutOfRange."""
    count = _dynamic_length(name, data)
    if len(data) != 64 + 32 * count:
        raise FieldOutOfRange(f"{name} answered {len(data)} bytes for {count} words")
    return tuple(data[at : at + 32] for at in range(64, len(data), 32))


def address_list(name: str, data: bytes) -> tuple[tuple[bytes, ...], int]:
    """An ``(address[], uint8)`` result: signers and their threshold; raises FieldOutOfRange."""
    if len(data) < 96:
        raise FieldOutOfRange(f"{name} answered {len(data)} bytes, no list and threshold")
    _, threshold, count = static_words(name, data[:96], 3)
    if len(data) != 96 + 32 * count:
        raise FieldOutOfRange(f"{name} answered {len(data)} bytes for {count} addresses")
    return tuple(data[at + 12 : at + 32] for at in range(96, len(data), 32)), threshold


def _dynamic_length(name: str, data: bytes) -> int:
    if len(data) < 64:
        raise FieldOutOfRange(f"{name} answered {len(data)} bytes, not a list")
    offset, size = static_words(name, data[:64], 2)
    if offset != 32:
        raise FieldOutOfRange(f"{name} answered a list at offset {offset}, not 32")
    return size
