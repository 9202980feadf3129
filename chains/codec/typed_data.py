"""EIP-712 digests: what verifiers sign on a plan, a decision, and oracles on marks and funding.

digest = keccak(0x1901 | domain | keccak(type | fields)). A gate's own domain binds chain id and
contract; AdlDecision binds neither, so that the same signatures serve both sides of an edge.
"""

from collections.abc import Sequence

from chains.codec.fields import address, bytes32, keccak256, unsigned
from chains.legs import Header

__all__ = [
    "HEADER_TYPE",
    "decision_digest",
    "funding_digest",
    "header_digest",
    "header_words",
    "marks_digest",
]

HEADER_TYPE = (
    "Header(bytes32 snapshotRoot,bytes32 planRoot,bytes32 legsRoot,bytes32 policyDigest,"
    "uint64 epoch,uint64 notBefore,uint64 expiry,uint64 configVersion,uint64 legCount,"
    "uint64 insurance,uint64 haircutCap,uint64 remoteCap,uint64 closeCap,uint64 deficit,"
    "uint64 snapshotBlock,bytes32 snapshotHash)"
)

_HEADER = keccak256(HEADER_TYPE.encode())
_DECISION = keccak256(b"Decision(bytes32 edge,uint64 amount)")
_MARKS = keccak256(b"Marks(bytes32 words)")
_FUNDING = keccak256(b"Funding(bytes32 words)")
_GATE_DOMAIN = keccak256(
    b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)
_GATE_NAME = keccak256(b"AdlGate")
_VERSION = keccak256(b"1")
_DECISION_DOMAIN = keccak256(
    keccak256(b"EIP712Domain(string name,string version)") + keccak256(b"AdlDecision") + _VERSION
)


def header_digest(header: Header, *, chain_id: int, gate: bytes) -> bytes:
    """What a verifier signs for one slice; raises FieldOutOfRange."""
    struct_hash = keccak256(_HEADER + header_words(header))
    return _digest(_gate_domain(chain_id, gate), struct_hash)


def decision_digest(edge: bytes, amount_micro: int) -> bytes:
    """What a verifier signs to settle an edge, valid on both of its chains."""
    amount = unsigned("amount_micro", amount_micro, bits=64).to_bytes(32, "big")
    return _digest(_DECISION_DOMAIN, keccak256(_DECISION + bytes32("edge", edge) + amount))


def marks_digest(words: Sequence[bytes], *, chain_id: int, gate: bytes) -> bytes:
    """What an oracle signs for one post of mark words."""
    return _digest(_gate_domain(chain_id, gate), _words_struct(_MARKS, words))


def funding_digest(words: Sequence[bytes], *, chain_id: int, gate: bytes) -> bytes:
    """What an oracle signs for one post of funding words."""
    return _digest(_gate_domain(chain_id, gate), _words_struct(_FUNDING, words))


def header_words(header: Header) -> bytes:
    """The sixteen static words of the contract's ``Header``; raises FieldOutOfRange."""
    return b"".join(
        (
            bytes32("snapshot_root", header.snapshot_root),
            bytes32("plan_root", header.plan_root),
            bytes32("legs_root", header.legs_root),
            bytes32("policy_digest", header.policy_digest),
            _uint64("epoch", header.epoch),
            _uint64("not_before_s", header.not_before_s),
            _uint64("expiry_s", header.expiry_s),
            _uint64("config_version", header.config_version),
            _uint64("leg_count", header.leg_count),
            _uint64("insurance_micro", header.insurance_micro),
            _uint64("haircut_cap_micro", header.haircut_cap_micro),
            _uint64("remote_cap_micro", header.remote_cap_micro),
            _uint64("close_cap_micro", header.close_cap_micro),
            _uint64("deficit_micro", header.deficit_micro),
            _uint64("snapshot_block", header.snapshot_block),
            bytes32("snapshot_hash", header.snapshot_hash),
        )
    )


def _words_struct(type_hash: bytes, words: Sequence[bytes]) -> bytes:
    packed = b"".join(bytes32("posted word", word) for word in words)
    return keccak256(type_hash + keccak256(packed))


def _gate_domain(chain_id: int, gate: bytes) -> bytes:
    chain = unsigned("chain_id", chain_id, bits=256).to_bytes(32, "big")
    contract = bytes(12) + address("gate", gate)
    return keccak256(_GATE_DOMAIN + _GATE_NAME + _VERSION + chain + contract)


def _digest(domain: bytes, struct_hash: bytes) -> bytes:
    return keccak256(b"\x19\x01" + domain + struct_hash)


def _uint64(name: str, value: int) -> bytes:
    return unsigned(name, value, bits=64).to_bytes(32, "big")
