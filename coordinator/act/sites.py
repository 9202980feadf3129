"""Where the slices of a plan are carried out, and what the calls there need. Pure."""

from dataclasses import dataclass

from chains.codec.merkle import chunk_leaf, edge_id, merkle_proof, plan_leaves
from chains.legs import Edge, Haircut, Header, Slice
from coordinator.decide.publish import PlanDocument, chunks_of
from coordinator.errors import DocumentInvalid

__all__ = ["Site", "edge_of", "sites_of"]


@dataclass(frozen=True, slots=True)
class Site:
    """One slice of a plan on its chain. ``edges``: those with a side here, by box."""

    epoch: int
    slice: Slice
    header: Header
    reserve: bytes
    chunks: tuple[tuple[bytes, ...], ...]
    edges: tuple[Edge, ...]
    chunk_leaves: tuple[bytes, ...]
    plan_leaves: tuple[bytes, ...]

    @property
    def chain_id(self) -> int:
        """The slice's chain."""
        return self.slice.chain_id

    @property
    def gate(self) -> bytes:
        """The slice's gate."""
        return self.slice.gate

    def owes(self, edge: Edge) -> bool:
        """The edge's side A is here."""
        return (edge.chain_a, edge.gate_a) == (self.chain_id, self.gate)

    def pays(self, edge: Edge) -> bool:
        """The edge's side B is here."""
        return (edge.chain_b, edge.gate_b) == (self.chain_id, self.gate)

    def payers(self, box: int) -> tuple[int, ...]:
        """Accounts with a haircut into ``box``, in leg order."""
        legs = self.slice.legs
        return tuple(leg.account for leg in legs if isinstance(leg, Haircut) and leg.box == box)

    def chunk_proof(self, chunk: int) -> tuple[bytes, ...]:
        """From a chunk to the header's legs root."""
        return merkle_proof(self.chunk_leaves, chunk)

    def edge_proof(self, edge: Edge) -> tuple[bytes, ...]:
        """From an edge to the plan root."""
        return merkle_proof(self.plan_leaves, self.plan_leaves.index(edge_id(edge)))


def sites_of(document: PlanDocument) -> tuple[Site, ...]:
    """In slice order. Raises DocumentInvalid where headers, slices and snapshot do not fit."""
    slices, headers = document.plan.slices, document.headers
    if len(headers) != len(slices):
        raise DocumentInvalid(f"{len(headers)} headers for {len(slices)} slices")
    roots = [
        (one.chain_id, one.gate, header.legs_root)
        for one, header in zip(slices, headers, strict=True)
    ]
    leaves = tuple(plan_leaves(roots, document.plan.edges))
    return tuple(
        _site(document, one, header, leaves) for one, header in zip(slices, headers, strict=True)
    )


def edge_of(document: PlanDocument, box: int) -> Edge:
    """The edge behind a box."""
    return next(edge for edge in document.plan.edges if edge.box == box)


def _site(document: PlanDocument, slice_: Slice, header: Header, leaves: tuple[bytes, ...]) -> Site:
    where = (slice_.chain_id, slice_.gate)
    chunks = chunks_of(slice_, document.policy)
    return Site(
        epoch=document.plan.epoch,
        slice=slice_,
        header=header,
        reserve=_reserve(document, where),
        chunks=chunks,
        edges=tuple(edge for edge in document.plan.edges if where in _ends(edge)),
        chunk_leaves=tuple(chunk_leaf(index, words) for index, words in enumerate(chunks)),
        plan_leaves=leaves,
    )


def _reserve(document: PlanDocument, where: tuple[int, bytes]) -> bytes:
    for state in document.snapshot.chains:
        if (state.chain_id, state.gate) == where:
            return state.reserve
    raise DocumentInvalid(f"the slice of chain {where[0]} has no venue in the snapshot")


def _ends(edge: Edge) -> tuple[tuple[int, bytes], tuple[int, bytes]]:
    return (edge.chain_a, edge.gate_a), (edge.chain_b, edge.gate_b)
