"""Range checks for every value that becomes bytes, and for every byte that becomes a value."""

from eth_utils.crypto import keccak

from chains.errors import ChainStateInvalid

__all__ = ["FieldOutOfRange", "address", "bytes32", "keccak256", "signed", "unsigned"]


class FieldOutOfRange(ChainStateInvalid, ValueError):
    """A value does not fit the field that the contracts give it."""


def keccak256(data: bytes) -> bytes:
    """Ethereum's keccak-256."""
    return keccak(data)


def unsigned(name: str, value: int, *, bits: int) -> int:
    """``value`` unchanged if it fits an unsigned field; raises FieldOutOfRange."""
    if not 0 <= value < 1 << bits:
        raise FieldOutOfRange(f"{name} = {value} does not fit uint{bits}")
    return value


def signed(name: str, value: int, *, bits: int) -> int:
    """``value`` unchanged if it fits a two's complement field; raises FieldOutOfRange."""
    if not -(1 << bits - 1) <= value < 1 << bits - 1:
        raise FieldOutOfRange(f"{name} = {value} does not fit int{bits}")
    return value


def address(name: str, value: bytes) -> bytes:
    """``value`` unchanged if it has 20 bytes; raises FieldOutOfRange."""
    return _sized(name, value, size=20)


def bytes32(name: str, value: bytes) -> bytes:
    """``value`` unchanged if it has 32 bytes; raises FieldOutOfRange."""
    return _sized(name, value, size=32)


def _sized(name: str, value: bytes, *, size: int) -> bytes:
    if len(value) != size:
        raise FieldOutOfRange(f"{name} has {len(value)} bytes, {size} are needed")
    return value
