"""Type-2 transactions: what is signed, what is published, and what published bytes say."""

import rlp
from rlp.exceptions import RLPException

from chains.base import Call, UnsignedTransaction
from chains.codec.fields import FieldOutOfRange, keccak256, unsigned
from chains.signatures import recover

__all__ = ["created_address", "pack_signed", "signing_digest", "unpack_signed"]

_TYPE_2 = b"\x02"
_UNSIGNED_FIELDS = 9
_CALL_TO_BYTES = (0, 20)
"""No target at all creates a contract: devnets deploy so."""


def signing_digest(transaction: UnsignedTransaction) -> bytes:
    """What the sender signs; raises FieldOutOfRange."""
    return keccak256(_TYPE_2 + rlp.encode(_fields(transaction)))


def pack_signed(transaction: UnsignedTransaction, signature: bytes) -> bytes:
    """The bytes to publish; ``signature`` is r | s | v with v 27 or 28."""
    r, s = (int.from_bytes(signature[at : at + 32], "big") for at in (0, 32))
    return _TYPE_2 + bytes(rlp.encode([*_fields(transaction), signature[64] - 27, r, s]))


def unpack_signed(raw: bytes) -> tuple[UnsignedTransaction, bytes]:
    """Transaction and sender of published bytes.

    Raises FieldOutOfRange for bytes that no node takes, and for a value or an access list, which
    none of ours has.
    """
    fields = _decoded(raw)
    numbers = [int.from_bytes(field, "big") for field in fields[:5]]
    to, value, data, access_list = fields[5:_UNSIGNED_FIELDS]
    if len(to) not in _CALL_TO_BYTES or value or access_list:
        raise FieldOutOfRange(
            "a transaction of ours has a 20-byte target, no value, no access list"
        )
    chain_id, nonce, priority, fee_cap, gas = numbers
    transaction = UnsignedTransaction(chain_id, nonce, Call(to, data), gas, fee_cap, priority)
    return transaction, _sender(fields)


def created_address(sender: bytes, nonce: int) -> bytes:
    """Where a contract created by that transaction will stand."""
    return keccak256(rlp.encode([sender, nonce]))[-20:]


def _fields(transaction: UnsignedTransaction) -> list[object]:
    if len(transaction.call.to) not in _CALL_TO_BYTES:
        raise FieldOutOfRange(f"a target of {len(transaction.call.to)} bytes")
    return [
        unsigned("chain_id", transaction.chain_id, bits=64),
        unsigned("nonce", transaction.nonce, bits=64),
        unsigned("priority_fee_wei", transaction.priority_fee_wei, bits=256),
        unsigned("fee_cap_wei", transaction.fee_cap_wei, bits=256),
        unsigned("gas", transaction.gas, bits=64),
        transaction.call.to,
        0,
        transaction.call.data,
        [],
    ]


def _decoded(raw: bytes) -> list[bytes]:
    if raw[:1] != _TYPE_2:
        raise FieldOutOfRange("published bytes are no type-2 transaction")
    try:
        fields = rlp.decode(raw[1:])
    except RLPException:
        raise FieldOutOfRange("published bytes are no RLP list") from None
    if not isinstance(fields, list) or len(fields) != _UNSIGNED_FIELDS + 3:
        raise FieldOutOfRange("a signed type-2 transaction has twelve fields")
    return fields


def _sender(fields: list[bytes]) -> bytes:
    digest = keccak256(_TYPE_2 + rlp.encode(fields[:_UNSIGNED_FIELDS]))
    parity, r, s = fields[_UNSIGNED_FIELDS:]
    v = bytes((27 + min(2, int.from_bytes(parity, "big")),))
    return recover(digest, r.rjust(32, b"\0") + s.rjust(32, b"\0") + v)
