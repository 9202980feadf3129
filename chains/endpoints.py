"""Several endpoints of one chain, of which m must agree on a block and on what it says.

1. Height: the m-th highest that endpoints report for the level, so that m of them have it.
2. Pin: the hash that at least m of them name for that height.
3. Read: from m of those, equal to the last byte; one that fails or differs is dropped and named,
   and the next one takes its place.
4. After: all m still name the same hash for that height, else BlockReorged.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from chains.answers import block_by_number, quantity
from chains.base import Level
from chains.errors import BlockReorged, ChainError, ChainStateInvalid, ChainUnavailable
from chains.levels import Levels, height_at
from chains.model import BlockRef
from chains.rpc import JsonRpc
from chains.together import together

__all__ = ["Agreed", "Endpoints"]

T = TypeVar("T")

_PATIENCE_S = 1.0
"""So long an endpoint may lag behind m others before a read goes on without it."""


@dataclass(frozen=True, slots=True)
class Agreed(Generic[T]):
    """What m endpoints say of one block. ``dropped``: who said something else, or nothing."""

    value: T
    block: BlockRef
    dropped: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Said(Generic[T]):
    rpc: JsonRpc
    value: T


@dataclass(frozen=True, slots=True)
class _Failed:
    rpc: JsonRpc
    error: ChainError


class Endpoints:
    """Endpoints of one chain in order of preference; ``needed`` of them must agree."""

    def __init__(
        self, rpcs: Sequence[JsonRpc], *, chain_id: int, levels: Levels, needed: int = 1
    ) -> None:
        if not 1 <= needed <= len(rpcs) or (needed > 1 and 2 * needed <= len(rpcs)):
            raise ValueError(
                f"chain {chain_id}: {needed} of {len(rpcs)} endpoints are no majority; "
                "name more endpoints, or ask for another number of them"
            )
        self._rpcs = tuple(rpcs)
        self._chain_id = chain_id
        self._levels = levels
        self._needed = needed

    @property
    def chain_id(self) -> int:
        """The chain that every endpoint must be on."""
        return self._chain_id

    async def agreed(
        self, level: Level, read: Callable[[JsonRpc, BlockRef], Awaitable[T]]
    ) -> Agreed[T]:
        """The result of ``read`` at one canonical block of a level, equal on m endpoints.

        Raises ChainUnavailable (too few answers, or no agreement: names everybody), BlockReorged,
        and what ``read`` raises where no endpoint gives a value.
        """
        dropped: list[str] = []
        block, rpcs = await self._pinned(level, dropped)
        value, readers = await self._equal(rpcs, lambda rpc: read(rpc, block), dropped)
        await self._still_canonical(readers, block)
        return Agreed(value, block, tuple(dropped))

    async def _pinned(self, level: Level, dropped: list[str]) -> tuple[BlockRef, list[JsonRpc]]:
        heights = await _ask(self._rpcs, lambda rpc: self._height(rpc, level), enough=self._needed)
        known = self._kept(heights, dropped)
        number = sorted((said.value for said in known), reverse=True)[self._needed - 1]
        blocks = await _ask(
            [said.rpc for said in known],
            lambda rpc: block_by_number(rpc, number),
            enough=self._needed,
        )
        return self._settled(blocks, dropped, what=f"block {number}")

    async def _height(self, rpc: JsonRpc, level: Level) -> int:
        chain_id = quantity(f"{rpc.name}: eth_chainId", await rpc.ask("eth_chainId"))
        if chain_id != self._chain_id:
            raise ChainStateInvalid(
                f"{rpc.name} is chain {chain_id}, settings say {self._chain_id}: check the address"
            )
        return await height_at(rpc, self._levels, level)

    async def _equal(
        self, rpcs: Sequence[JsonRpc], read: Callable[[JsonRpc], Awaitable[T]], dropped: list[str]
    ) -> tuple[T, list[JsonRpc]]:
        answers = await _ask(rpcs[: self._needed], read, enough=self._needed)
        for rpc in rpcs[self._needed :]:
            if len(_largest(answers)) >= self._needed:
                break
            answers += await _ask([rpc], read, enough=1)
        return self._settled(answers, dropped, what="what the block says")

    async def _still_canonical(self, rpcs: Sequence[JsonRpc], block: BlockRef) -> None:
        for now in await together(block_by_number(rpc, block.number) for rpc in rpcs):
            if now != block:
                raise BlockReorged(
                    f"chain {self._chain_id}: block {block.number} was 0x{block.hash.hex()[:8]} "
                    f"and is 0x{now.hash.hex()[:8]} after the read: read again"
                )

    def _settled(
        self, answers: Sequence[_Said[T] | _Failed], dropped: list[str], *, what: str
    ) -> tuple[T, list[JsonRpc]]:
        self._kept(answers, dropped)
        agreeing = _largest(answers)
        is_settled = len(agreeing) >= self._needed
        others = [said for said in _said(answers) if not is_settled or said not in agreeing]
        dropped += [f"{said.rpc.name} says otherwise on {what}" for said in others]
        if not is_settled:
            raise ChainUnavailable(
                f"chain {self._chain_id}: no {self._needed} of {len(self._rpcs)} endpoints agree "
                f"on {what}: {'; '.join(dropped)}"
            )
        return agreeing[0].value, [said.rpc for said in agreeing]

    def _kept(self, answers: Sequence[_Said[T] | _Failed], dropped: list[str]) -> list[_Said[T]]:
        """Those with a value, at least m; the first error where there are fewer."""
        said = _said(answers)
        failed = [answer for answer in answers if isinstance(answer, _Failed)]
        dropped += [str(answer.error) for answer in failed]
        if len(said) >= self._needed:
            return said
        if not said:
            raise failed[0].error
        raise ChainUnavailable(
            f"chain {self._chain_id}: only {len(said)} of {len(self._rpcs)} endpoints answer, "
            f"{self._needed} are needed: {'; '.join(dropped)}"
        )


async def _ask(
    rpcs: Sequence[JsonRpc], question: Callable[[JsonRpc], Awaitable[T]], *, enough: int
) -> list[_Said[T] | _Failed]:
    """Answers in order of endpoints. Once enough of them spoke, the others have a moment left."""

    async def answer(rpc: JsonRpc) -> _Said[T] | _Failed:
        try:
            return _Said(rpc, await question(rpc))
        except ChainError as error:
            return _Failed(rpc, error)

    tasks = [asyncio.create_task(answer(rpc)) for rpc in rpcs]
    try:
        await _heard(tasks, enough=enough)
        return [
            task.result() if task.done() else _Failed(rpc, ChainUnavailable(f"{rpc.name} is slow"))
            for task, rpc in zip(tasks, rpcs, strict=True)
        ]
    finally:
        for task in tasks:
            task.cancel()


async def _heard(tasks: Sequence[asyncio.Task[_Said[T] | _Failed]], *, enough: int) -> None:
    open_tasks = set(tasks)
    patience_s = None
    while open_tasks:
        done, open_tasks = await asyncio.wait(
            open_tasks, timeout=patience_s, return_when=asyncio.FIRST_COMPLETED
        )
        if not done:
            return
        answered = [task.result() for task in tasks if task.done()]
        if len(_said(answered)) >= enough:
            patience_s = _PATIENCE_S


def _said(answers: Sequence[_Said[T] | _Failed]) -> list[_Said[T]]:
    return [answer for answer in answers if isinstance(answer, _Said)]


def _largest(answers: Sequence[_Said[T] | _Failed]) -> list[_Said[T]]:
    """The largest group with one value; of equal ones the group of the first endpoint."""
    said = _said(answers)
    groups = [[other for other in said if other.value == one.value] for one in said]
    return max(groups, key=len, default=[])
