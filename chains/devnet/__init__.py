"""Chains on this machine: starts anvil, deploys a venue on each, sends given arrays.

Markets, books and stories live elsewhere. ``async with Devnet(...) as devnet: devnet.chains[id]``.
"""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from chains.devnet.anvil import Anvil, AnvilOptions, DevnetError, find_anvil
from chains.devnet.chain import DevChain
from chains.devnet.deployment import Deployed, VenueSetup
from chains.together import together

__all__ = [
    "Anvil",
    "AnvilOptions",
    "Deployed",
    "DevChain",
    "Devnet",
    "DevnetError",
    "VenueSetup",
    "find_anvil",
]


class Devnet:
    """Several chains with one venue each, up while the context lasts."""

    def __init__(self, options: Sequence[AnvilOptions], *, setup: VenueSetup) -> None:
        self._options = tuple(options)
        self._setup = setup
        self._stack = AsyncExitStack()
        self.chains: dict[int, DevChain] = {}

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as starting:
            anvils = [Anvil(options) for options in self._options]
            await together(starting.enter_async_context(anvil) for anvil in anvils)
            made = await together(DevChain.make(anvil, self._setup) for anvil in anvils)
            self._stack = starting.pop_all()
        self.chains = {chain.chain_id: chain for chain in made}
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()
