"""How settled a block must be on one chain: node tags, or a depth below the head."""

from dataclasses import dataclass
from typing import Literal

from chains.answers import block_by_number, block_ref, quantity
from chains.base import Level
from chains.model import BlockRef
from chains.rpc import JsonRpc

__all__ = ["Levels", "block_at", "height_at"]

Tag = Literal["latest", "safe", "finalized"]


@dataclass(frozen=True, slots=True)
class Levels:
    """READ and FINAL of one chain: a tag its nodes know, or how many blocks below the head."""

    read: Tag | int = "safe"
    final: Tag | int = "finalized"

    def of(self, level: Level) -> Tag | int:
        """The rule of one level; LATEST is always the head."""
        return {Level.LATEST: "latest", Level.READ: self.read, Level.FINAL: self.final}[level]


async def block_at(rpc: JsonRpc, levels: Levels, level: Level) -> BlockRef:
    """The block of a level as one node sees it now; raises ChainUnavailable."""
    rule = levels.of(level)
    if isinstance(rule, int):
        return await block_by_number(rpc, await height_at(rpc, levels, level))
    return block_ref(f"{rpc.name}: {rule}", await rpc.ask("eth_getBlockByNumber", rule, False))


async def height_at(rpc: JsonRpc, levels: Levels, level: Level) -> int:
    """The height of a level as one node sees it now; raises ChainUnavailable."""
    rule = levels.of(level)
    if isinstance(rule, int):
        head = quantity(f"{rpc.name}: head", await rpc.ask("eth_blockNumber"))
        return max(0, head - rule)
    return (await block_at(rpc, levels, level)).number
