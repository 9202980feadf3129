"""Roots, identities, digests and signatures against independent implementations and goldens."""

from dataclasses import astuple, replace

import pytest
from coincurve import PrivateKey
from eth_abi.abi import encode
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from chains.codec.fields import FieldOutOfRange
from chains.codec.merkle import (
    chunk_leaf,
    edge_id,
    group_id,
    legs_root,
    merkle_proof,
    merkle_root,
    plan_leaves,
    plan_root,
    verify_proof,
)
from chains.codec.quorum import pack_signatures, unpack_signatures
from chains.codec.typed_data import (
    HEADER_TYPE,
    decision_digest,
    funding_digest,
    header_digest,
    marks_digest,
)
from chains.legs import Edge, Header
from chains.model import AccountId
from chains.signatures import address_of, recover, sign

GATE_A, GATE_B = b"\xaa" * 20, b"\xbb" * 20
LEAVES = st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=20)
EDGE = Edge(9, 1, 2, 3_000, 1_700_000_600, 31_337, GATE_A, 4, 31_338, GATE_B)
HEADER = Header(
    snapshot_root=b"\x01" * 32,
    plan_root=b"\x02" * 32,
    legs_root=b"\x03" * 32,
    policy_digest=b"\x04" * 32,
    epoch=5,
    not_before_s=6,
    expiry_s=7,
    config_version=8,
    leg_count=9,
    insurance_micro=10,
    haircut_cap_micro=11,
    remote_cap_micro=12,
    close_cap_micro=13,
    deficit_micro=14,
    snapshot_block=15,
    snapshot_hash=b"\x10" * 32,
)


@given(LEAVES)
def test_every_leaf_proves_itself(leaves: list[bytes]) -> None:
    root = merkle_root(leaves)
    for index, leaf in enumerate(leaves):
        assert verify_proof(root, leaf, merkle_proof(leaves, index))


@given(LEAVES, st.binary(min_size=32, max_size=32))
def test_a_foreign_leaf_proves_nothing(leaves: list[bytes], foreign: bytes) -> None:
    if foreign not in leaves:
        assert not verify_proof(merkle_root(leaves), foreign, merkle_proof(leaves, 0))


def test_an_odd_node_is_promoted_and_needs_no_sibling() -> None:
    a, b, c = (bytes((i,)) * 32 for i in (1, 2, 3))
    assert merkle_root([b, a, c]) == keccak(min(keccak(a + b), c) + max(keccak(a + b), c))
    assert merkle_proof([b, a, c], 2) == (keccak(a + b),)


def test_empty_trees_missing_leaves_and_wrong_chunks_are_refused() -> None:
    with pytest.raises(FieldOutOfRange, match="at least one leaf"):
        merkle_root([])
    with pytest.raises(FieldOutOfRange, match="leaf 1 of 1"):
        merkle_proof([bytes(32)], 1)
    with pytest.raises(FieldOutOfRange, match="chunk 0 has 33 words"):
        chunk_leaf(0, [bytes(32)] * 33)
    with pytest.raises(FieldOutOfRange, match="chunk 0 has 0 words"):
        chunk_leaf(0, [])
    with pytest.raises(FieldOutOfRange, match="leg word has 31 bytes"):
        chunk_leaf(0, [bytes(31)])


def test_a_chunk_leaf_binds_its_number_and_order() -> None:
    words = [b"\x01" * 32, b"\x02" * 32]
    assert chunk_leaf(7, words) == keccak(b"\x00\x00\x00\x07" + words[0] + words[1])
    assert legs_root([words]) == chunk_leaf(0, words)


def test_an_edge_id_is_the_hash_of_its_abi_encoding() -> None:
    types = ["bytes32", "uint64", "uint32", "uint32", "uint64", "uint64"]
    types += ["uint64", "address", "uint32", "uint64", "address"]
    assert edge_id(EDGE) == keccak(encode(types, (keccak(b"adl/edge/1"), *astuple(EDGE))))


@pytest.mark.parametrize("field", ["epoch", "box", "planned_micro", "chain_b", "account_a"])
def test_an_edge_id_names_the_field_that_does_not_fit(field: str) -> None:
    with pytest.raises(FieldOutOfRange, match=f"{field} = -1"):
        edge_id(replace(EDGE, **{field: -1}))


def test_a_plan_root_orders_slices_by_chain_then_gate_and_edges_by_box() -> None:
    slices = [(2, GATE_A, b"\x05" * 32), (1, GATE_B, b"\x06" * 32), (1, GATE_A, b"\x07" * 32)]
    edges = [replace(EDGE, box=2), EDGE]
    leaves = plan_leaves(slices, edges)
    tag = keccak(b"adl/slice/1")
    types = ["bytes32", "uint64", "address", "bytes32"]
    assert leaves[0] == keccak(encode(types, (tag, 1, GATE_A, b"\x07" * 32)))
    assert leaves[3:] == [edge_id(EDGE), edge_id(replace(EDGE, box=2))]
    assert plan_root(reversed(slices), reversed(edges)) == merkle_root(leaves)


def test_a_group_is_the_same_in_any_order_and_has_no_twins() -> None:
    here, there = AccountId(1, GATE_A, 3), AccountId(2, GATE_B, 4)
    packed = bytes(7) + b"\x01" + GATE_A + b"\x00\x00\x00\x03"
    packed += bytes(7) + b"\x02" + GATE_B + b"\x00\x00\x00\x04"
    assert group_id([there, here]) == group_id([here, there]) == keccak(packed)
    with pytest.raises(FieldOutOfRange, match="twice"):
        group_id([here, here])


def typed_digest(domain: dict[str, object], types: dict[str, object], message: object) -> bytes:
    signable = encode_typed_data(domain, types, message)  # type: ignore[arg-type]
    return keccak(b"\x19\x01" + signable.header + signable.body)


GATE_DOMAIN: dict[str, object] = {
    "name": "AdlGate",
    "version": "1",
    "chainId": 31_337,
    "verifyingContract": "0x" + GATE_A.hex(),
}


def test_a_header_digest_is_eip712() -> None:
    fields = [field.split(" ") for field in HEADER_TYPE[len("Header(") : -1].split(",")]
    types = {"Header": [{"name": name, "type": kind} for kind, name in fields]}
    message = dict(zip((name for _, name in fields), astuple(HEADER), strict=True))
    expected = typed_digest(GATE_DOMAIN, types, message)
    assert header_digest(HEADER, chain_id=31_337, gate=GATE_A) == expected


def test_a_header_digest_depends_on_every_field_chain_and_gate() -> None:
    base = header_digest(HEADER, chain_id=1, gate=GATE_A)
    values = {name: getattr(HEADER, name) for name in HEADER.__slots__}
    changed = [
        replace(HEADER, **{name: value + 1 if isinstance(value, int) else bytes(32)})
        for name, value in values.items()
    ]
    digests = {header_digest(header, chain_id=1, gate=GATE_A) for header in changed}
    digests |= {
        header_digest(HEADER, chain_id=2, gate=GATE_A),
        header_digest(HEADER, chain_id=1, gate=GATE_B),
    }
    assert len(digests - {base}) == len(values) + 2


def test_marks_and_funding_digests_are_eip712_on_the_gates_domain() -> None:
    words = [b"\x01" * 32, b"\x02" * 32]
    message = {"words": keccak(b"".join(words))}
    fields = [{"name": "words", "type": "bytes32"}]
    expected = typed_digest(GATE_DOMAIN, {"Marks": fields}, message)
    assert marks_digest(words, chain_id=31_337, gate=GATE_A) == expected
    expected = typed_digest(GATE_DOMAIN, {"Funding": fields}, message)
    assert funding_digest(words, chain_id=31_337, gate=GATE_A) == expected


def test_a_decision_digest_is_eip712_without_chain_or_contract() -> None:
    fields = [{"name": "edge", "type": "bytes32"}, {"name": "amount", "type": "uint64"}]
    domain: dict[str, object] = {"name": "AdlDecision", "version": "1"}
    expected = typed_digest(domain, {"Decision": fields}, {"edge": b"\x09" * 32, "amount": 77})
    assert decision_digest(b"\x09" * 32, 77) == expected


def test_digests_refuse_values_that_do_not_fit() -> None:
    with pytest.raises(FieldOutOfRange, match="expiry_s"):
        header_digest(replace(HEADER, expiry_s=2**64), chain_id=1, gate=GATE_A)
    with pytest.raises(FieldOutOfRange, match="gate has 19 bytes"):
        header_digest(HEADER, chain_id=1, gate=GATE_A[1:])
    with pytest.raises(FieldOutOfRange, match="amount_micro"):
        decision_digest(bytes(32), -1)


GOLDEN_HEADER = "b802397432a5b2c620711f648db03434331d3b1c55b265054810d5b176e3cc57"
GOLDEN_EDGE = "8444a204a5f798e1e07ebd4faec907d5aac59b1ff7cae66081364037103d9842"
GOLDEN_DECISION = "33a22f4975327a07cfc01f8ee32cb1bd82489cd4d5bfb37cfed9cc11d9d271b9"


def test_golden_values_stay_what_they_are() -> None:
    assert header_digest(HEADER, chain_id=31_337, gate=GATE_A).hex() == GOLDEN_HEADER
    assert edge_id(EDGE).hex() == GOLDEN_EDGE
    assert decision_digest(edge_id(EDGE), 77).hex() == GOLDEN_DECISION


def test_a_signature_is_the_one_every_wallet_makes_and_recovers_to_its_key() -> None:
    secret = b"\x11" * 32
    signature = sign(PrivateKey(secret), b"\x22" * 32)
    assert signature == Account.unsafe_sign_hash(b"\x22" * 32, secret).signature
    assert recover(b"\x22" * 32, signature) == address_of(PrivateKey(secret).public_key)
    assert address_of(PrivateKey(secret).public_key).hex() == (
        Account.from_key(secret).address[2:].lower()
    )


def test_malleable_malformed_and_impossible_signatures_are_refused() -> None:
    digest = b"\x22" * 32
    signature = sign(PrivateKey(b"\x11" * 32), digest)
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    high_s = (order - int.from_bytes(signature[32:64], "big")).to_bytes(32, "big")
    with pytest.raises(FieldOutOfRange, match="above n/2"):
        recover(digest, signature[:32] + high_s + bytes((signature[64] ^ 7,)))
    for malformed in (signature[:64], signature[:64] + b"\x1d"):
        with pytest.raises(FieldOutOfRange, match="65 bytes with v 27 or 28"):
            recover(digest, malformed)
    with pytest.raises(FieldOutOfRange, match="nobody can have made"):
        recover(digest, bytes(64) + b"\x1b")


def test_a_quorum_is_packed_in_ascending_index() -> None:
    first, second = b"\x01" * 64 + b"\x1b", b"\x02" * 64 + b"\x1c"
    packed = pack_signatures({5: second, 2: first})
    assert packed == b"\x02" + first + b"\x05" + second
    assert unpack_signatures(packed) == {2: first, 5: second}


@pytest.mark.parametrize(
    ("packed", "complaint"),
    [
        (b"\x00" * 65, "no whole number"),
        (b"\x00" + bytes(64) + b"\x02", "signature of signer 0"),
        ((b"\x01" + bytes(64) + b"\x1b") * 2, "not strictly ascending"),
    ],
)
def test_a_torn_or_unordered_quorum_is_refused(packed: bytes, complaint: str) -> None:
    with pytest.raises(FieldOutOfRange, match=complaint):
        unpack_signatures(packed)


def test_a_signer_index_is_one_byte() -> None:
    with pytest.raises(FieldOutOfRange, match="signer index = 256"):
        pack_signatures({256: bytes(64) + b"\x1b"})
