"""Merkle trees of a plan, and the identities that are hashes.

leaf(chunk) = keccak(index u32 | words), node = keccak(min | max), an odd node is promoted.
planRoot has one leaf a slice in (chain id, gate) order, then the edge ids in box order.
"""

from collections.abc import Iterable, Sequence

from chains.codec.fields import FieldOutOfRange, address, bytes32, keccak256, unsigned
from chains.codec.leg_words import LEGS_PER_CHUNK_MAX
from chains.legs import Edge
from chains.model import AccountId

__all__ = [
    "chunk_leaf",
    "edge_id",
    "edge_words",
    "group_id",
    "legs_root",
    "merkle_proof",
    "merkle_root",
    "pack_members",
    "plan_leaves",
    "plan_root",
    "slice_leaf",
    "verify_proof",
]

_SLICE_TAG = keccak256(b"adl/slice/1")
_EDGE_TAG = keccak256(b"adl/edge/1")


def chunk_leaf(index: int, words: Sequence[bytes]) -> bytes:
    """Leaf of one chunk of 1..32 words; raises FieldOutOfRange."""
    if not 1 <= len(words) <= LEGS_PER_CHUNK_MAX:
        raise FieldOutOfRange(f"chunk {index} has {len(words)} words, 1..32 are allowed")
    for word in words:
        bytes32("leg word", word)
    return keccak256(unsigned("chunk", index, bits=32).to_bytes(4, "big") + b"".join(words))


def legs_root(chunks: Sequence[Sequence[bytes]]) -> bytes:
    """Root over the leaves of chunks in order; raises FieldOutOfRange when there are none."""
    return merkle_root([chunk_leaf(index, words) for index, words in enumerate(chunks)])


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """Root of leaves; a single leaf is its own root. Raises FieldOutOfRange without leaves."""
    if not leaves:
        raise FieldOutOfRange("a Merkle tree needs at least one leaf")
    level = list(leaves)
    while len(level) > 1:
        level = _level_above(level)
    return level[0]


def merkle_proof(leaves: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """Siblings from leaf ``index`` up; a promoted node has none. Raises FieldOutOfRange."""
    if not 0 <= index < len(leaves):
        raise FieldOutOfRange(f"leaf {index} of {len(leaves)} does not exist")
    proof = []
    level = list(leaves)
    while len(level) > 1:
        sibling = index ^ 1
        if sibling < len(level):
            proof.append(level[sibling])
        level = _level_above(level)
        index //= 2
    return tuple(proof)


def verify_proof(root: bytes, leaf: bytes, proof: Sequence[bytes]) -> bool:
    """Whether ``proof`` leads from ``leaf`` to ``root``."""
    node = leaf
    for sibling in proof:
        node = _node(node, sibling)
    return node == root


def slice_leaf(*, chain_id: int, gate: bytes, root: bytes) -> bytes:
    """planRoot's leaf of one venue's legs."""
    return keccak256(
        _SLICE_TAG
        + _uint_word("chain_id", chain_id, bits=64)
        + _address_word("gate", gate)
        + bytes32("legs_root", root)
    )


def plan_leaves(slices: Iterable[tuple[int, bytes, bytes]], edges: Iterable[Edge]) -> list[bytes]:
    """Leaves of planRoot. ``slices``: (chain id, gate, legs root) in any order."""
    ordered = sorted(slices)
    leaves = [slice_leaf(chain_id=chain, gate=gate, root=root) for chain, gate, root in ordered]
    return leaves + [edge_id(edge) for edge in sorted(edges, key=lambda edge: edge.box)]


def plan_root(slices: Iterable[tuple[int, bytes, bytes]], edges: Iterable[Edge]) -> bytes:
    """Root over :func:`plan_leaves`; the same on every chain of the plan."""
    return merkle_root(plan_leaves(slices, edges))


def edge_id(edge: Edge) -> bytes:
    """keccak(abi.encode(tag, all fields in order)); raises FieldOutOfRange."""
    return keccak256(_EDGE_TAG + edge_words(edge))


def edge_words(edge: Edge) -> bytes:
    """The ten static words of the contract's ``Edge``; raises FieldOutOfRange."""
    return b"".join(
        (
            _uint_word("epoch", edge.epoch, bits=64),
            _uint_word("box", edge.box, bits=32),
            _uint_word("payers", edge.payers, bits=32),
            _uint_word("planned_micro", edge.planned_micro, bits=64),
            _uint_word("decide_by_s", edge.decide_by_s, bits=64),
            _uint_word("chain_a", edge.chain_a, bits=64),
            _address_word("gate_a", edge.gate_a),
            _uint_word("account_a", edge.account_a, bits=32),
            _uint_word("chain_b", edge.chain_b, bits=64),
            _address_word("gate_b", edge.gate_b),
        )
    )


def pack_members(members: Iterable[AccountId]) -> bytes:
    """Members of a margin group: sorted, unique, each chain id u64 | venue | account u32."""
    rows = sorted(_member(member) for member in members)
    if len(set(rows)) != len(rows):
        raise FieldOutOfRange("a margin group names one member twice")
    return b"".join(rows)


def group_id(members: Iterable[AccountId]) -> bytes:
    """keccak of :func:`pack_members`; every member registers the same on its own venue."""
    return keccak256(pack_members(members))


def _member(member: AccountId) -> bytes:
    chain_id = unsigned("chain_id", member.chain_id, bits=64).to_bytes(8, "big")
    account = unsigned("account", member.account, bits=32).to_bytes(4, "big")
    return chain_id + address("venue", member.venue) + account


def _level_above(level: Sequence[bytes]) -> list[bytes]:
    pairs = [_node(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
    return pairs + list(level[len(pairs) * 2 :])


def _node(left: bytes, right: bytes) -> bytes:
    return keccak256(left + right if left < right else right + left)


def _uint_word(name: str, value: int, *, bits: int) -> bytes:
    return unsigned(name, value, bits=bits).to_bytes(32, "big")


def _address_word(name: str, value: bytes) -> bytes:
    return bytes(12) + address(name, value)
