"""Signatures of a quorum as the gate takes them: 66 bytes each, ascending signer index."""

from collections.abc import Mapping

from chains.codec.fields import FieldOutOfRange, unsigned

__all__ = ["SIGNATURE_BYTES", "pack_signatures", "unpack_signatures"]

SIGNATURE_BYTES = 65
"""r | s | v, with v 27 or 28."""


def pack_signatures(signatures: Mapping[int, bytes]) -> bytes:
    """signer index u8 | r | s | v, in ascending index; raises FieldOutOfRange."""
    return b"".join(_packed(index, signatures[index]) for index in sorted(signatures))


def unpack_signatures(packed: bytes) -> dict[int, bytes]:
    """Inverse of :func:`pack_signatures`; refuses a torn or unordered list."""
    size = SIGNATURE_BYTES + 1
    if len(packed) % size:
        raise FieldOutOfRange(f"{len(packed)} bytes are no whole number of {size}-byte signatures")
    rows = [packed[start : start + size] for start in range(0, len(packed), size)]
    signatures = {row[0]: row[1:] for row in rows}
    if pack_signatures(signatures) != packed:
        raise FieldOutOfRange("signer indices are not strictly ascending")
    return signatures


def _packed(index: int, signature: bytes) -> bytes:
    unsigned("signer index", index, bits=8)
    if len(signature) != SIGNATURE_BYTES or signature[-1] not in (27, 28):
        raise FieldOutOfRange(f"signature of signer {index} is not r | s | v with v 27 or 28")
    return bytes((index,)) + signature
