"""Lets AsyncWeb3 speak through :class:`chains.rpc.JsonRpc`: for adapters that bring an own ABI.

``AsyncWeb3(JsonRpcProvider(rpc))``. Apart from rpc.py because importing web3 takes over a second.
"""

from typing import cast

from web3.providers.async_base import AsyncJSONBaseProvider
from web3.types import RPCEndpoint, RPCResponse

from chains.rpc import JsonRpc

__all__ = ["JsonRpcProvider"]


class JsonRpcProvider(AsyncJSONBaseProvider):
    """A web3 provider over an endpoint that its owner opens and closes."""

    def __init__(self, rpc: JsonRpc) -> None:
        super().__init__()
        self._rpc = rpc

    async def make_request(self, method: RPCEndpoint, params: object) -> RPCResponse:
        """One request; raises ChainUnavailable. web3 itself reads the error of a response."""
        return cast(RPCResponse, await self._rpc.exchange(method, params))
