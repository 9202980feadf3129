"""Reads any protocol that implements IDeleverageVenue: its book, its plans, its edges."""

from hashlib import sha256

from chains.base import EdgeSide, Level, PlanProgress
from chains.codec.abi import word_list
from chains.codec.fields import address
from chains.codec.gate import (
    decode_gate_state,
    decode_leg_bits,
    decode_plan,
    gate_state_call,
    leg_bits_call,
    plan_call,
)
from chains.codec.instruments import decode_instruments, unpack_underlying
from chains.codec.merkle import edge_id
from chains.codec.reserve import (
    decode_amount,
    decode_edge,
    decode_line,
    decode_sealed,
    edge_state_call,
    sealed_side_call,
)
from chains.codec.slots import decode_slots
from chains.endpoints import Endpoints
from chains.errors import ChainStateInvalid
from chains.legs import Edge
from chains.model import BlockRef, ChainState, Funds
from chains.pinned import call_at
from chains.rpc import JsonRpc
from chains.together import together
from chains.venue_checks import check_book
from chains.venue_reading import VenueAddress, VenueBytes, read_venue

__all__ = ["VenueGate", "VenueReader"]


class VenueReader:
    """ChainReader of one venue: everything at one READ block on which the endpoints agree."""

    def __init__(self, endpoints: Endpoints, venue: VenueAddress) -> None:
        self._endpoints = endpoints
        self._venue = venue
        self._dropped: tuple[str, ...] = ()

    @property
    def chain_id(self) -> int:
        """The chain that is read."""
        return self._endpoints.chain_id

    @property
    def gate(self) -> bytes:
        """The venue's address."""
        return self._venue.gate

    @property
    def dropped(self) -> tuple[str, ...]:
        """Endpoints that the last read did without, and why."""
        return self._dropped

    async def read(self) -> ChainState:
        """The venue at one canonical READ block; raises ChainError."""
        agreed = await self._endpoints.agreed(
            Level.READ, lambda rpc, block: read_venue(rpc, self._venue, block=block)
        )
        self._dropped = agreed.dropped
        try:
            return self._state(agreed.value, agreed.block)
        except ChainStateInvalid as error:
            where = f"chain {self.chain_id}, venue 0x{self.gate.hex()}, block {agreed.block.number}"
            raise ChainStateInvalid(f"{where}: {error}") from error

    def _state(self, raw: VenueBytes, block: BlockRef) -> ChainState:
        counts = decode_gate_state(raw.gate_state)
        names = tuple(unpack_underlying(word) for word in word_list("underlyings", raw.underlyings))
        accounts, positions = decode_slots(raw.slots, accounts=counts.account_count)
        instruments, marks = decode_instruments(raw.instruments, underlyings=names)
        if len(instruments) != counts.instrument_count:
            raise ChainStateInvalid(
                f"{len(instruments)} instruments read, the gate counts {counts.instrument_count}"
            )
        check_book(accounts, positions, instruments, marks)
        return ChainState(
            chain_id=self.chain_id,
            gate=self._venue.gate,
            reserve=self._venue.reserve,
            block=block,
            accounts=accounts,
            positions=positions,
            instruments=instruments,
            marks=marks,
            funds=self._funds(raw),
            slots_digest=sha256(raw.slots).digest(),
        )

    def _funds(self, raw: VenueBytes) -> Funds:
        gate = decode_gate_state(raw.gate_state)
        if raw.reserve != bytes(12) + self._venue.reserve:
            raise ChainStateInvalid(
                f"its Reserve is 0x{raw.reserve[12:].hex()}, settings say "
                f"0x{self._venue.reserve.hex()}"
            )
        lines = zip(self._venue.debtors, raw.lines, strict=True)
        return Funds(
            insurance_micro=gate.insurance_micro,
            reserve_free_micro=decode_amount("free", raw.reserve_free),
            bucket_micro=gate.bucket_micro,
            plan_cap_micro=gate.plan_cap_micro,
            lines=tuple(decode_line(line, chain_id=of[0], gate=of[1]) for of, line in lines),
            last_epoch=gate.last_epoch,
            open_epoch=gate.open_epoch,
            config_version=gate.config_version,
            policy_digest=gate.policy_digest,
            stopped_until_s=gate.stopped_until_s,
            im_factor_ppm=gate.im_factor_ppm,
            mark_age_s_max=gate.mark_age_s_max,
        )


class VenueGate:
    """GateReader of one venue and its Reserve."""

    def __init__(self, endpoints: Endpoints, venue: VenueAddress) -> None:
        self._endpoints = endpoints
        self._venue = venue

    async def progress(self, epoch: int, *, chunks: int, level: Level) -> PlanProgress:
        """How far a plan of ``chunks`` chunks has come; raises ChainError."""

        async def read(rpc: JsonRpc, block: BlockRef) -> tuple[bytes, ...]:
            gate = self._venue.gate
            calls = [gate_state_call(gate), plan_call(gate, epoch)]
            calls += [leg_bits_call(gate, epoch=epoch, chunk=chunk) for chunk in range(chunks)]
            return tuple(await together(call_at(rpc, call, block=block) for call in calls))

        agreed = await self._endpoints.agreed(level, read)
        state, plan = decode_gate_state(agreed.value[0]), decode_plan(agreed.value[1])
        leg_bits = tuple(decode_leg_bits(bits) for bits in agreed.value[2:])
        return PlanProgress(
            committed=plan.is_committed,
            closed=plan.is_committed and state.open_epoch != epoch,
            plan_root=plan.plan_root,
            legs_done=sum(bits.bit_count() for bits in leg_bits),
            leg_bits=leg_bits,
            block=agreed.block,
        )

    async def edge_side(self, edge: Edge, *, level: Level) -> EdgeSide:
        """This chain's side of an edge; raises ChainError."""
        reserve = address("reserve", self._venue.reserve)

        async def read(rpc: JsonRpc, block: BlockRef) -> tuple[bytes, ...]:
            calls = edge_state_call(reserve, edge_id(edge)), sealed_side_call(reserve, edge)
            return tuple(await together(call_at(rpc, call, block=block) for call in calls))

        agreed = await self._endpoints.agreed(level, read)
        is_sealed, amount = decode_sealed(agreed.value[1])
        return EdgeSide(decode_edge(agreed.value[0]).state, is_sealed, amount, agreed.block)
