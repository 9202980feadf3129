"""What revert data says, in words."""

from collections.abc import Mapping

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError

__all__ = ["revert_reason"]

_ERROR = bytes.fromhex("08c379a0")
_PANIC = bytes.fromhex("4e487b71")


def revert_reason(data: bytes, names: Mapping[bytes, str]) -> str:
    """The error's name if its selector is in ``names``, its message, or its selector in hex."""
    selector, arguments = data[:4], data[4:]
    if not selector:
        return "no reason given"
    if selector in names:
        return names[selector]
    try:
        if selector == _ERROR:
            return str(decode(["string"], arguments)[0])[:200]
        if selector == _PANIC:
            return f"Panic(0x{decode(['uint256'], arguments)[0]:02x})"
    except (DecodingError, OverflowError, UnicodeDecodeError):
        pass
    return f"unknown error 0x{selector.hex()}"
