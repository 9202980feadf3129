"""Signers: what they sign is what was asked, and they refuse in words that say what to do."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from eth_account import Account
from eth_keyfile.keyfile import create_keyfile_json

from chains.base import Call, TransactionSigner, UnsignedTransaction
from chains.codec.fields import FieldOutOfRange
from chains.codec.transaction import created_address, signing_digest, unpack_signed
from chains.errors import SignerError
from chains.signatures import recover
from chains.signer import DevSigner, KeystoreSigner, check_signed

SECRET = bytes.fromhex("4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318")
PASSWORD = "correct horse"
TRANSACTION = UnsignedTransaction(
    chain_id=31_337,
    nonce=7,
    call=Call(b"\x11" * 20, b"\xab\xcd"),
    gas=21_000,
    fee_cap_wei=10**9,
    priority_fee_wei=1,
)


def keystore_files(folder: Path, *, password: str = PASSWORD) -> tuple[Path, Path]:
    keystore, password_file = folder / "key.json", folder / "password"
    contents = create_keyfile_json(SECRET, PASSWORD.encode(), kdf="scrypt", iterations=2)
    for path, text in ((keystore, json.dumps(contents)), (password_file, password + "\n")):
        path.write_text(text)
        path.chmod(0o600)
    return keystore, password_file


async def test_a_keystore_signs_as_every_wallet_does(tmp_path: Path) -> None:
    keystore, password_file = keystore_files(tmp_path)
    signer: TransactionSigner = await KeystoreSigner.load(keystore, password_file=password_file)
    signed = await signer.sign_transaction(TRANSACTION)
    expected = Account.sign_transaction(
        {
            "type": 2,
            "chainId": 31_337,
            "nonce": 7,
            "to": b"\x11" * 20,
            "data": b"\xab\xcd",
            "value": 0,
            "gas": 21_000,
            "maxFeePerGas": 10**9,
            "maxPriorityFeePerGas": 1,
        },
        SECRET,
    )
    assert (signed.raw, signed.hash) == (expected.raw_transaction, expected.hash)
    assert unpack_signed(signed.raw) == (TRANSACTION, signer.address)
    assert recover(b"\x22" * 32, await signer.sign_digest(b"\x22" * 32)) == signer.address


async def test_no_key_and_no_password_in_any_text(tmp_path: Path) -> None:
    keystore, password_file = keystore_files(tmp_path)
    signer = await KeystoreSigner.load(keystore, password_file=password_file)
    shown = [repr(signer), str(signer)]
    password_file.write_text("a wrong secret")
    with pytest.raises(SignerError) as caught:
        await KeystoreSigner.load(keystore, password_file=password_file)
    shown += [repr(caught.value), repr(caught.value.__cause__)]
    for text in shown:
        for secret in (SECRET.hex(), PASSWORD, "a wrong secret"):
            assert secret not in text


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda key, _: key.unlink(), "keystore .*key.json does not exist: check the path"),
        (lambda _, password: password.unlink(), "password file .*password does not exist"),
        (lambda key, _: key.chmod(0o640), "can be read by others: run chmod 600"),
        (lambda _, password: password.chmod(0o604), "can be read by others: run chmod 600"),
        (lambda key, _: key.write_text("{}"), "is no version 3 keystore file"),
        (lambda key, _: key.write_text("nonsense"), "is no version 3 keystore file"),
        (lambda key, _: key.write_text('{"version": 9}'), "is no version 3 keystore file"),
        (lambda key, _: key.write_bytes(b"\xff\xfe"), "cannot be read: UnicodeDecodeError"),
        (lambda _, password: password.write_text("x"), "the password in .* is wrong"),
    ],
)
async def test_a_keystore_that_cannot_be_used_says_why(
    tmp_path: Path, spoil: object, complaint: str
) -> None:
    keystore, password_file = keystore_files(tmp_path)
    assert callable(spoil)
    spoil(keystore, password_file)
    with pytest.raises(SignerError, match=complaint):
        await KeystoreSigner.load(keystore, password_file=password_file)


def test_a_public_key_never_signs_for_a_public_chain() -> None:
    with pytest.raises(SignerError, match="cannot sign for chain 1: everybody knows that key"):
        DevSigner(0, chain_ids=frozenset({31_337, 1}))


async def test_a_devnet_key_signs_only_for_declared_chains() -> None:
    signer = DevSigner(0, chain_ids=frozenset({31_337}))
    assert signer.address.hex() == "f39fd6e51aad88f6f4ce6ab8827279cfffb92266"
    await signer.sign_transaction(TRANSACTION)
    with pytest.raises(SignerError, match="chain 31338 is not a declared devnet"):
        await signer.sign_transaction(replace(TRANSACTION, chain_id=31_338))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("nonce", 8),
        ("chain_id", 31_338),
        ("call", Call(b"\x12" * 20, b"\xab\xcd")),
        ("call", Call(b"\x11" * 20, b"\xab\xce")),
        ("gas", 21_001),
        ("fee_cap_wei", 10**9 + 1),
        ("priority_fee_wei", 2),
    ],
)
async def test_bytes_that_say_something_else_are_refused(field: str, value: object) -> None:
    signer = DevSigner(0, chain_ids=frozenset({31_337, 31_338}))
    other = replace(TRANSACTION, **{field: value})  # type: ignore[arg-type]
    signed = await signer.sign_transaction(other)
    with pytest.raises(SignerError, match=f"another {field} than was asked for"):
        check_signed(TRANSACTION, signed.raw, signer=signer.address)


async def test_bytes_signed_by_somebody_else_are_refused() -> None:
    signed = await DevSigner(1, chain_ids=frozenset({31_337})).sign_transaction(TRANSACTION)
    mine = DevSigner(0, chain_ids=frozenset({31_337})).address
    with pytest.raises(SignerError, match=r"signed by 0x70997970.*, not by 0xf39fd6e5"):
        check_signed(TRANSACTION, signed.raw, signer=mine)


async def test_bytes_that_are_no_transaction_of_ours_are_refused() -> None:
    signer = DevSigner(0, chain_ids=frozenset({31_337}))
    signed = await signer.sign_transaction(TRANSACTION)
    valued = Account.sign_transaction(
        {
            "type": 2,
            "chainId": 31_337,
            "nonce": 7,
            "to": b"\x11" * 20,
            "value": 1,
            "gas": 21_000,
            "maxFeePerGas": 10**9,
            "maxPriorityFeePerGas": 1,
        },
        SECRET,
    ).raw_transaction
    for raw, complaint in (
        (b"\x01" + signed.raw[1:], "no type-2"),
        (signed.raw[:-1], "no RLP list"),
        (b"\x02\xc0", "twelve fields"),
        (bytes(valued), "no value"),
    ):
        with pytest.raises(FieldOutOfRange, match=complaint):
            unpack_signed(raw)


def test_a_transaction_that_does_not_fit_is_refused() -> None:
    with pytest.raises(FieldOutOfRange, match="target of 19 bytes"):
        signing_digest(replace(TRANSACTION, call=Call(bytes(19), b"")))
    with pytest.raises(FieldOutOfRange, match="nonce = -1"):
        signing_digest(replace(TRANSACTION, nonce=-1))


def test_a_created_contract_stands_where_every_node_puts_it() -> None:
    sender = bytes.fromhex("f39fd6e51aad88f6f4ce6ab8827279cfffb92266")
    assert created_address(sender, 0).hex() == "5fbdb2315678afecb367f032d93f642f64180aa3"
