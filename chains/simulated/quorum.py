"""k-of-n signatures as the contracts check them."""

from collections.abc import Sequence

from chains.codec.fields import FieldOutOfRange
from chains.signatures import recover
from chains.simulated.state import Reverted, require

__all__ = ["require_quorum"]

_SIGNATURE_BYTES = 66
_HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0


def require_quorum(
    digest: bytes, packed: bytes, *, signers: Sequence[bytes], threshold: int
) -> None:
    """Exactly ``threshold`` signatures, ascending index, low s, the right signer each."""
    require(len(packed) == threshold * _SIGNATURE_BYTES, "WrongSignatureCount")
    following = 0
    for start in range(0, len(packed), _SIGNATURE_BYTES):
        index, signature = packed[start], packed[start + 1 : start + _SIGNATURE_BYTES]
        require(index >= following, "SignersNotAscending")
        require(index < len(signers), "UnknownSigner")
        require(int.from_bytes(signature[32:64], "big") <= _HALF_ORDER, "HighS")
        require(_signer(digest, signature) == signers[index], "WrongSigner")
        following = index + 1


def _signer(digest: bytes, signature: bytes) -> bytes:
    try:
        return recover(digest, signature)
    except FieldOutOfRange:
        raise Reverted("WrongSigner") from None
