"""Contract calls at one block, named by hash."""

from chains.answers import hex_data, hexed
from chains.base import Call
from chains.errors import BlockReorged, ChainStateInvalid, ChainUnavailable
from chains.model import BlockRef
from chains.rpc import JsonRpc, RpcRefused

__all__ = ["call_at"]

_BLOCK_GONE = ("not found", "unknown block", "unknownblock", "missing trie node")


async def call_at(rpc: JsonRpc, call: Call, *, block: BlockRef) -> bytes:
    """Result of a call at a block.

    Raises ChainStateInvalid (no contract there, or it refuses the call), BlockReorged (the node
    does not have the block) and ChainUnavailable.
    """
    request = {"to": hexed(call.to), "data": hexed(call.data)}
    try:
        answer = await rpc.ask("eth_call", request, {"blockHash": hexed(block.hash)})
    except RpcRefused as refused:
        raise _meaning(refused, call, block=block) from None
    data = hex_data(f"{rpc.name}: eth_call", answer)
    if not data:
        raise ChainStateInvalid(
            f"{rpc.name}: {hexed(call.to)} is no contract with function 0x{call.data[:4].hex()} "
            f"at block {block.number}: check the address in settings"
        )
    return data


def _meaning(
    refused: RpcRefused, call: Call, *, block: BlockRef
) -> ChainStateInvalid | BlockReorged | ChainUnavailable:
    message = refused.message.lower()
    if refused.code == 3 or refused.data or "revert" in message:
        return ChainStateInvalid(
            f"{refused}; function 0x{call.data[:4].hex()} of {hexed(call.to)}: is this the venue's "
            "address, and its interface the one that this program knows?"
        )
    if any(words in message for words in _BLOCK_GONE):
        return BlockReorged(f"{refused}; block {block.number}: read again")
    return ChainUnavailable(str(refused))
