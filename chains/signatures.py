"""secp256k1 signatures over 32-byte digests: make, recover, and the address behind a key. Pure."""

from coincurve import PrivateKey, PublicKey

from chains.codec.fields import FieldOutOfRange, bytes32, keccak256
from chains.codec.quorum import SIGNATURE_BYTES

__all__ = ["address_of", "recover", "sign"]

_HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
_V_BASE = 27


def sign(key: PrivateKey, digest: bytes) -> bytes:
    """r | s | v over a digest, low s, deterministic (RFC 6979)."""
    signature = key.sign_recoverable(bytes32("digest", digest), hasher=None)
    return signature[:-1] + bytes((signature[-1] + _V_BASE,))


def recover(digest: bytes, signature: bytes) -> bytes:
    """Address that signed; raises FieldOutOfRange for a malformed, high-s or false signature."""
    if len(signature) != SIGNATURE_BYTES or signature[-1] not in (27, 28):
        raise FieldOutOfRange("a signature is r | s | v: 65 bytes with v 27 or 28")
    if int.from_bytes(signature[32:64], "big") > _HALF_ORDER:
        raise FieldOutOfRange("the signature's s is above n/2 (malleable)")
    compact = signature[:-1] + bytes((signature[-1] - _V_BASE,))
    try:
        key = PublicKey.from_signature_and_message(compact, bytes32("digest", digest), hasher=None)
    except ValueError as error:
        raise FieldOutOfRange("nobody can have made this signature") from error
    return address_of(key)


def address_of(key: PublicKey) -> bytes:
    """The account address of a public key."""
    return keccak256(key.format(compressed=False)[1:])[-20:]
