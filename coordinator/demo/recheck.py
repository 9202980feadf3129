"""Looks at the chains again, trusting nothing that the coordinator said: did its promises hold?"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from chains.codec.reserve import decode_amount
from chains.codec.token import balance_of_call
from chains.devnet import DevChain
from chains.ledger import equities, haircut_limits
from chains.model import ChainState, Columns, InstrumentKind
from chains.pinned import call_at
from chains.together import together

__all__ = ["Balances", "Check", "Deed", "balances_of", "recheck"]


@dataclass(frozen=True, slots=True)
class Check:
    """A promise, and the first thing that breaks it; nothing does where that is empty."""

    name: str
    broken_by: str

    @property
    def ok(self) -> bool:
        """It holds."""
        return not self.broken_by


@dataclass(frozen=True, slots=True)
class Balances:
    """Settlement tokens that one venue and its Reserve hold, by the token contract."""

    venue_micro: int
    reserve_micro: int


@dataclass(frozen=True, slots=True)
class Deed:
    """One plan's effect: all venues before and after at the same marks, in chain order.

    ``settled``: decided money by (chain of the deficit, chain of the payers).
    """

    before: tuple[ChainState, ...]
    after: tuple[ChainState, ...]
    settled: dict[tuple[int, int], int]


async def balances_of(
    chains: Sequence[DevChain], states: Sequence[ChainState]
) -> tuple[Balances, ...]:
    """Balances at the very blocks of the states; raises ChainError."""

    async def balance(chain: DevChain, state: ChainState, holder: bytes) -> int:
        call = balance_of_call(chain.deployed.token, holder)
        return decode_amount("balance", await call_at(chain.rpc, call, block=state.block))

    async def both(chain: DevChain, state: ChainState) -> Balances:
        venue = await balance(chain, state, state.gate)
        return Balances(venue, await balance(chain, state, state.reserve))

    return tuple(
        await together(both(chain, state) for chain, state in zip(chains, states, strict=True))
    )


def recheck(
    deeds: Sequence[Deed],
    *,
    states: Sequence[ChainState],
    declared: dict[int, int],
    balances: tuple[Sequence[Balances], Sequence[Balances]],
) -> tuple[Check, ...]:
    """``states``: how everything ended, with ``declared`` uncovered money by chain;
    ``balances``: at the first state of the first deed, and at the end."""
    first = deeds[0].before if deeds else states
    held_before, held_after = balances
    rules = (
        ("no venue is insolvent beyond what is declared uncovered", _insolvent(states, declared)),
        ("tokens of every venue equal its books", _misbooked(first, held_before)),
        ("tokens of every venue still equal its books", _misbooked(states, held_after)),
        ("no token left a chain", _leaked(states, held_before, held_after)),
        ("lots of every instrument sum to zero", _unbalanced(states)),
        ("positions only shrank", _per_deed(deeds, _grown)),
        ("nobody paid more than its profit", _per_deed(deeds, _overcharged)),
        ("deficits fell by what insurance and winners gave", _miscounted(deeds)),
        ("each chain paid out what another took in, as decided", _unsettled(deeds)),
        ("credit lines hold", _overdrawn(states)),
        ("every plan is closed", _open(states)),
    )
    return tuple(Check(name, next(iter(found), "")) for name, found in rules)


def _insolvent(states: Sequence[ChainState], declared: dict[int, int]) -> Iterator[str]:
    for state in states:
        missing = -_below_zero(equities(state))
        if missing > declared.get(state.chain_id, 0):
            allowed = declared.get(state.chain_id, 0)
            yield f"chain {state.chain_id}: {missing} micro missing, {allowed} declared"


def _below_zero(worth: Columns) -> int:
    return int(np.minimum(0, worth).sum())


def _misbooked(states: Sequence[ChainState], held: Sequence[Balances]) -> Iterator[str]:
    for state, balances in zip(states, held, strict=True):
        booked = _booked(state)
        if balances.venue_micro != booked:
            yield f"chain {state.chain_id}: {balances.venue_micro} held, {booked} booked"


def _booked(state: ChainState) -> int:
    """Cash - cost of perpetuals and futures + insurance; no plan is open, so no pot."""
    options = np.array([one.kind is InstrumentKind.OPTION for one in state.instruments])
    costs = state.positions.costs[~options[state.positions.instruments]]
    return int(state.accounts.cash.sum() - costs.sum()) + state.funds.insurance_micro


def _leaked(
    states: Sequence[ChainState], before: Sequence[Balances], after: Sequence[Balances]
) -> Iterator[str]:
    for state, was, now in zip(states, before, after, strict=True):
        there = was.venue_micro + was.reserve_micro
        here = now.venue_micro + now.reserve_micro
        if there != here:
            yield f"chain {state.chain_id}: {there} micro before, {here} after"


def _unbalanced(states: Sequence[ChainState]) -> Iterator[str]:
    for state in states:
        sums = np.zeros(len(state.instruments), dtype=np.int64)
        np.add.at(sums, state.positions.instruments, state.positions.lots)
        for instrument in np.flatnonzero(sums).tolist():
            yield f"chain {state.chain_id}: instrument {instrument} sums to {sums[instrument]}"


def _per_deed(
    deeds: Sequence[Deed], rule: Callable[[ChainState, ChainState], Iterator[str]]
) -> Iterator[str]:
    """A rule on every venue before and after, at the marks of before."""
    for deed in deeds:
        for before, after in zip(deed.before, deed.after, strict=True):
            yield from rule(before, replace(after, marks=before.marks))


def _grown(before: ChainState, after: ChainState) -> Iterator[str]:
    was = _lots(before)
    for key, lots in _lots(after).items():
        held = was.get(key, 0)
        if held * lots <= 0 or abs(lots) > abs(held):
            yield f"{before.account_id(key[0])}: {held} lots of instrument {key[1]} became {lots}"


def _lots(state: ChainState) -> dict[tuple[int, int], int]:
    held = state.positions
    keys = zip(held.accounts.tolist(), held.instruments.tolist(), strict=True)
    return dict(zip(keys, held.lots.tolist(), strict=True))


def _overcharged(before: ChainState, after: ChainState) -> Iterator[str]:
    paid = equities(before) - equities(after)
    limits = haircut_limits(before, before.block.timestamp_s)
    for account in np.flatnonzero(paid > limits).tolist():
        yield f"{before.account_id(account)} paid {paid[account]} of {limits[account]} micro"


def _miscounted(deeds: Sequence[Deed]) -> Iterator[str]:
    """All equity of a venue changes by what its fund and its Reserve gave, less what it sent."""
    for deed in deeds:
        for before, after in zip(deed.before, deed.after, strict=True):
            same_marks = replace(after, marks=before.marks)
            gained = int((equities(same_marks) - equities(before)).sum())
            given = before.funds.insurance_micro - after.funds.insurance_micro
            given += _paid_out(after) - _paid_out(before)
            given -= sum(sent for (_, by), sent in deed.settled.items() if by == before.chain_id)
            if gained != given:
                yield f"chain {before.chain_id}: accounts gained {gained} micro of {given}"


def _paid_out(state: ChainState) -> int:
    return sum(line.paid_micro for line in state.funds.lines)


def _unsettled(deeds: Sequence[Deed]) -> Iterator[str]:
    for deed in deeds:
        for before, after in zip(deed.before, deed.after, strict=True):
            for was, now in zip(before.funds.lines, after.funds.lines, strict=True):
                paid = now.paid_micro - was.paid_micro
                decided = deed.settled.get((before.chain_id, was.chain_id), 0)
                if paid != decided:
                    where = f"chain {before.chain_id} for chain {was.chain_id}"
                    yield f"{where}: paid {paid} micro, decided {decided}"


def _overdrawn(states: Sequence[ChainState]) -> Iterator[str]:
    for state in states:
        for line in state.funds.lines:
            used = line.earmarked_micro + line.paid_micro - line.received_micro
            if used > line.limit_micro:
                yield f"chain {state.chain_id}: {used} of {line.limit_micro} for {line.chain_id}"


def _open(states: Sequence[ChainState]) -> Iterator[str]:
    for state in states:
        if state.funds.open_epoch:
            yield f"chain {state.chain_id}: plan {state.funds.open_epoch} is open"
