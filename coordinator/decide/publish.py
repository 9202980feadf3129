"""From a plan to what is signed and sent: chunks, roots, one header per venue, the document."""

from dataclasses import dataclass

from chains.codec.leg_words import chunked, pack_legs
from chains.codec.merkle import legs_root, plan_root
from chains.legs import OWN_POT, Close, Deficit, Haircut, Header, Leg, Slice
from chains.model import ChainState
from coordinator.decide.canonical import CanonicalError, decode, digest, encode
from coordinator.decide.plan import Plan, Stage
from coordinator.decide.policy import Policy
from coordinator.decide.snapshot import Snapshot
from coordinator.errors import DocumentInvalid

__all__ = ["PlanDocument", "Signature", "chunks_of", "fingerprint", "headers_of"]

DOCUMENT_SCHEMA = "adl.plan/1"
FINGERPRINT_TAG = "adl/fingerprint/1"
CUT_TAG = "adl/cut/1"


@dataclass(frozen=True, slots=True, order=True)
class Signature:
    """One verifier's signatures: 65 bytes r | s | v over each slice's header, in slice order."""

    signer: int
    by_slice: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class PlanDocument:
    """Everything anybody needs to recompute a plan bit for bit.

    ``headers`` and every signature's ``by_slice`` follow ``plan.slices``.
    """

    snapshot: Snapshot
    policy: Policy
    plan: Plan
    headers: tuple[Header, ...]
    signatures: tuple[Signature, ...]
    schema: str = DOCUMENT_SCHEMA

    def to_bytes(self) -> bytes:
        """Canonical CBOR."""
        return encode(self)

    @classmethod
    def from_bytes(cls, data: bytes) -> "PlanDocument":
        """The inverse; raises DocumentInvalid saying where."""
        try:
            document = decode(cls, data)
        except CanonicalError as error:
            raise DocumentInvalid(f"not a plan document: {error}") from error
        if document.schema != DOCUMENT_SCHEMA:
            raise DocumentInvalid(
                f"schema {document.schema!r}: this program reads {DOCUMENT_SCHEMA}"
            )
        return document


@dataclass(frozen=True, slots=True)
class _SliceFace:
    """What a fingerprint keeps of a slice."""

    chain_id: int
    gate: bytes
    words: tuple[bytes, ...]


def chunks_of(slice_: Slice, policy: Policy) -> tuple[tuple[bytes, ...], ...]:
    """The slice's leg words in execution order, cut into chunks of ``policy.chunk_words``."""
    return chunked(pack_legs(slice_.legs), policy.chunk_words)


def fingerprint(plan: Plan) -> bytes:
    """Digest of the legs alone, without block references or time: equal for equal decisions."""
    faces = tuple(_SliceFace(s.chain_id, s.gate, pack_legs(s.legs)) for s in plan.slices)
    return digest(FINGERPRINT_TAG, faces)


def headers_of(snapshot: Snapshot, plan: Plan, policy: Policy) -> tuple[Header, ...]:
    """One header per slice, in slice order; an empty plan has none."""
    if plan.is_empty:
        return ()
    states = {(chain.chain_id, chain.gate): chain for chain in snapshot.chains}
    roots = tuple(legs_root(chunks_of(s, policy)) for s in plan.slices)
    shared = _Shared(
        snapshot_root=_snapshot_root(snapshot),
        plan_root=plan_root(
            ((s.chain_id, s.gate, root) for s, root in zip(plan.slices, roots, strict=True)),
            plan.edges,
        ),
        policy_digest=policy.digest,
    )
    return tuple(
        _header(states[s.chain_id, s.gate], s, root, plan, shared)
        for s, root in zip(plan.slices, roots, strict=True)
    )


@dataclass(frozen=True, slots=True)
class _Shared:
    """What every header of one plan has in common."""

    snapshot_root: bytes
    plan_root: bytes
    policy_digest: bytes


def _header(state: ChainState, slice_: Slice, root: bytes, plan: Plan, shared: _Shared) -> Header:
    return Header(
        snapshot_root=shared.snapshot_root,
        plan_root=shared.plan_root,
        legs_root=root,
        policy_digest=shared.policy_digest,
        epoch=plan.epoch,
        not_before_s=plan.not_before_s,
        expiry_s=plan.expiry_s,
        config_version=state.funds.config_version,
        leg_count=len(slice_.legs),
        insurance_micro=_insurance(plan, slice_),
        haircut_cap_micro=_local_haircuts(slice_.legs),
        remote_cap_micro=_remote_haircuts(slice_.legs),
        close_cap_micro=_close_cap(slice_.legs, state),
        deficit_micro=sum(leg.limit_micro for leg in slice_.legs if isinstance(leg, Deficit)),
        snapshot_block=state.block.number,
        snapshot_hash=state.block.hash,
    )


@dataclass(frozen=True, slots=True)
class _Cut:
    """What the snapshot root keeps of one venue."""

    chain_id: int
    gate: bytes
    block_number: int
    block_hash: bytes
    slots_digest: bytes


def _snapshot_root(snapshot: Snapshot) -> bytes:
    cuts = tuple(
        _Cut(c.chain_id, c.gate, c.block.number, c.block.hash, c.slots_digest)
        for c in snapshot.chains
    )
    return digest(CUT_TAG, cuts)


def _insurance(plan: Plan, slice_: Slice) -> int:
    return sum(
        report.used_micro
        for report in plan.stages
        if report.stage is Stage.INSURANCE
        and (report.chain_id, report.gate) == (slice_.chain_id, slice_.gate)
    )


def _local_haircuts(legs: tuple[Leg, ...]) -> int:
    return sum(leg.target_micro for leg in legs if isinstance(leg, Haircut) and leg.box == OWN_POT)


def _remote_haircuts(legs: tuple[Leg, ...]) -> int:
    return sum(leg.target_micro for leg in legs if isinstance(leg, Haircut) and leg.box != OWN_POT)


def _close_cap(legs: tuple[Leg, ...], state: ChainState) -> int:
    """Largest notional the closes can reach while every live mark stays inside its band."""
    marks, bands = state.marks.marks, state.marks.bands
    return sum(
        leg.lots * (int(marks[leg.instrument]) + int(bands[leg.instrument]))
        for leg in legs
        if isinstance(leg, Close)
    )
