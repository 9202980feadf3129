"""Signed transactions of one funded key."""

from coincurve import PrivateKey

from chains.base import Call, SignedTransaction, UnsignedTransaction
from chains.codec.fields import keccak256
from chains.codec.transaction import pack_signed, signing_digest
from chains.signatures import address_of, sign

GWEI = 10**9
ETHER = 10**18
SENDER_KEY = PrivateKey(keccak256(b"adl/test sender"))
SENDER = address_of(SENDER_KEY.public_key)


def signed(
    call: Call,
    *,
    chain_id: int,
    nonce: int = 0,
    gas: int = 5_000_000,
    fee_cap_wei: int = 10 * GWEI,
    priority_fee_wei: int = GWEI,
    key: PrivateKey = SENDER_KEY,
) -> SignedTransaction:
    transaction = UnsignedTransaction(chain_id, nonce, call, gas, fee_cap_wei, priority_fee_wei)
    raw = pack_signed(transaction, sign(key, signing_digest(transaction)))
    return SignedTransaction(raw, keccak256(raw))
