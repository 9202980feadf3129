"""Everything one endpoint says of a venue at one block, as raw bytes."""

from collections.abc import Sequence
from dataclasses import dataclass

from chains.base import Call
from chains.codec.abi import dynamic_bytes
from chains.codec.gate import GateState, decode_gate_state, gate_state_call
from chains.codec.reserve import free_call, line_call
from chains.codec.venue import (
    instrument_words_call,
    reserve_call,
    slots_call,
    underlyings_call,
)
from chains.model import BlockRef
from chains.pinned import call_at
from chains.rpc import JsonRpc
from chains.together import together

__all__ = ["VenueAddress", "VenueBytes", "read_venue"]

_INSTRUMENTS_PER_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class VenueAddress:
    """Where a venue stands, and the debtor gates (chain id, gate) that its Reserve lends to.

    A page of 250 full accounts costs 13 million gas, below what public endpoints allow a call.
    """

    gate: bytes
    reserve: bytes
    debtors: tuple[tuple[int, bytes], ...] = ()
    accounts_per_page: int = 250


@dataclass(frozen=True, slots=True)
class VenueBytes:
    """Results as answered; two endpoints agree if these are equal."""

    gate_state: bytes
    slots: bytes
    instruments: bytes
    underlyings: bytes
    reserve: bytes
    reserve_free: bytes
    lines: tuple[bytes, ...]


async def read_venue(rpc: JsonRpc, venue: VenueAddress, *, block: BlockRef) -> VenueBytes:
    """All pages in parallel, at one block hash; raises ChainError."""
    gate_state = await call_at(rpc, gate_state_call(venue.gate), block=block)
    counts = decode_gate_state(gate_state)
    pages = _slot_pages(venue, counts), _instrument_pages(venue, counts), _singles(venue)
    calls = [call for group in pages for call in group]
    answers = iter(await together(call_at(rpc, call, block=block) for call in calls))
    slots = b"".join(dynamic_bytes("slots", next(answers)) for _ in pages[0])
    instruments = b"".join(dynamic_bytes("instrumentWords", next(answers)) for _ in pages[1])
    underlyings, reserve, free, *lines = answers
    return VenueBytes(gate_state, slots, instruments, underlyings, reserve, free, tuple(lines))


def _slot_pages(venue: VenueAddress, counts: GateState) -> Sequence[Call]:
    size = venue.accounts_per_page
    return [
        slots_call(venue.gate, first=first, count=size)
        for first in range(0, counts.account_count, size)
    ]


def _instrument_pages(venue: VenueAddress, counts: GateState) -> Sequence[Call]:
    size = _INSTRUMENTS_PER_PAGE
    return [
        instrument_words_call(venue.gate, first=first, count=size)
        for first in range(0, counts.instrument_count, size)
    ]


def _singles(venue: VenueAddress) -> Sequence[Call]:
    lines = [
        line_call(venue.reserve, chain_id=chain_id, gate=gate) for chain_id, gate in venue.debtors
    ]
    return [
        underlyings_call(venue.gate),
        reserve_call(venue.gate),
        free_call(venue.reserve),
        *lines,
    ]
