"""Signers that hold their key in this process: an encrypted keystore file, or a devnet key.

Signing takes 0.7 ms (coincurve). What was signed is taken apart again and compared field by
field before it leaves. Keys appear in no repr, log or exception.
"""

import asyncio
import json
import stat
from pathlib import Path
from typing import Self

from coincurve import PrivateKey
from eth_account.hdaccount import key_from_seed, seed_from_mnemonic
from eth_keyfile.keyfile import decode_keyfile_json

from chains.base import SignedTransaction, UnsignedTransaction
from chains.codec.fields import keccak256
from chains.codec.transaction import pack_signed, signing_digest, unpack_signed
from chains.errors import SignerError
from chains.signatures import address_of, sign

__all__ = ["DEV_CHAIN_IDS", "DevSigner", "KeystoreSigner", "check_signed"]

DEV_CHAIN_IDS = range(31_337, 31_437)
"""Chain ids that no public network uses: the only ones on which a public key may sign."""

_DEV_MNEMONIC = "test test test test test test test test test test test junk"
_OTHERS_MAY_READ = stat.S_IRWXG | stat.S_IRWXO


class KeystoreSigner:
    """The key of an encrypted keystore file (version 3)."""

    def __init__(self, key: PrivateKey) -> None:
        self._key = key
        self._address = address_of(key.public_key)

    @classmethod
    async def load(cls, keystore: Path, *, password_file: Path) -> Self:
        """Decrypt in a thread (scrypt takes a second); raises SignerError saying what to do."""
        return cls(await asyncio.to_thread(_unlocked, keystore, password_file))

    def __repr__(self) -> str:
        return f"KeystoreSigner(0x{self._address.hex()})"

    @property
    def address(self) -> bytes:
        """The account that signs."""
        return self._address

    async def sign_transaction(self, transaction: UnsignedTransaction) -> SignedTransaction:
        """Sign; raises SignerError if the signed bytes say anything else."""
        return _signed(self._key, transaction)

    async def sign_digest(self, digest: bytes) -> bytes:
        """r | s | v over a 32-byte digest, low s."""
        return sign(self._key, digest)


class DevSigner:
    """Account ``index`` of the mnemonic that every devnet shares; everybody knows its key."""

    def __init__(self, index: int, *, chain_ids: frozenset[int]) -> None:
        foreign = sorted(chain for chain in chain_ids if chain not in DEV_CHAIN_IDS)
        if foreign:
            raise SignerError(
                f"a devnet key cannot sign for chain {foreign[0]}: everybody knows that key; "
                f"use a keystore file there (devnets have chain ids {DEV_CHAIN_IDS.start} to "
                f"{DEV_CHAIN_IDS.stop - 1})"
            )
        seed = seed_from_mnemonic(_DEV_MNEMONIC, "")
        self._key = PrivateKey(key_from_seed(seed, f"m/44'/60'/0'/0/{index}"))
        self._index = index
        self._address = address_of(self._key.public_key)
        self._chain_ids = chain_ids

    def __repr__(self) -> str:
        return f"DevSigner({self._index}, 0x{self._address.hex()})"

    @property
    def address(self) -> bytes:
        """The account that signs."""
        return self._address

    async def sign_transaction(self, transaction: UnsignedTransaction) -> SignedTransaction:
        """Sign for a declared devnet; raises SignerError for any other chain."""
        if transaction.chain_id not in self._chain_ids:
            raise SignerError(f"{self}: chain {transaction.chain_id} is not a declared devnet")
        return _signed(self._key, transaction)

    async def sign_digest(self, digest: bytes) -> bytes:
        """r | s | v over a 32-byte digest, low s."""
        return sign(self._key, digest)


def check_signed(transaction: UnsignedTransaction, raw: bytes, *, signer: bytes) -> None:
    """Signed bytes say exactly what was asked and come from ``signer``; raises SignerError."""
    found, sender = unpack_signed(raw)
    if sender != signer:
        raise SignerError(f"signed by 0x{sender.hex()}, not by 0x{signer.hex()}")
    for field in ("chain_id", "nonce", "call", "gas", "fee_cap_wei", "priority_fee_wei"):
        if getattr(found, field) != getattr(transaction, field):
            raise SignerError(f"the signed transaction has another {field} than was asked for")


def _signed(key: PrivateKey, transaction: UnsignedTransaction) -> SignedTransaction:
    raw = pack_signed(transaction, sign(key, signing_digest(transaction)))
    check_signed(transaction, raw, signer=address_of(key.public_key))
    return SignedTransaction(raw, keccak256(raw))


def _unlocked(keystore: Path, password_file: Path) -> PrivateKey:
    contents = _private_text(keystore, what="keystore")
    password = _private_text(password_file, what="password file").rstrip("\r\n")
    try:
        secret = decode_keyfile_json(json.loads(contents), password.encode())
    except (KeyError, TypeError, NotImplementedError, json.JSONDecodeError):
        raise SignerError(f"keystore {keystore} is no version 3 keystore file") from None
    except ValueError:
        raise SignerError(
            f"keystore {keystore}: the password in {password_file} is wrong; put the right one "
            "there, on one line"
        ) from None
    return PrivateKey(secret)


def _private_text(path: Path, *, what: str) -> str:
    try:
        if path.stat().st_mode & _OTHERS_MAY_READ:
            raise SignerError(f"{what} {path} can be read by others: run chmod 600 {path}")
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SignerError(f"{what} {path} does not exist: check the path in settings") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SignerError(f"{what} {path} cannot be read: {type(error).__name__}") from None
